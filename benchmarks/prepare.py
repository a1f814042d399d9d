"""Corpora to note stores: time, size, peak memory, leaks; beside what others need to get as far.

    python benchmarks/prepare.py run MAESTRO_FOLDER LAKH_FOLDER [--workers 2] [--peer-files 40]

Times are of the command in a process of its own, from start to end, the least of three, as the machine has other work;
`cpu` are seconds of all its processes. The peer is MidiTok's way to prepare a corpus, files to ids of REMI saved as
JSON, over so many of the same files and scaled to all by their notes. Stores benchmarks/results/prepare.json.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from arguments import arguments
from result_file import row, write_result


def measured(corpus: str, source: Path, workers: int, *options: str) -> dict[str, Any]:
    """A run of the command: its JSON, with wall and cpu seconds, the least of three."""
    walls, cpus = [], []
    for _ in range(3):
        folder = Path(tempfile.mkdtemp())
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "symbolic_music", "prepare", corpus, str(source), "-o", str(folder / "store")]
        done = subprocess.run(
            [*command, "--workers", str(workers), "--json", *options], capture_output=True, check=True
        )
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        facts: dict[str, Any] = json.loads(done.stdout)
        shutil.rmtree(folder)
    return {**facts, "wall": min(walls), "cpu": min(cpus)}


def peer_seconds(source: Path, count: int, notes: int) -> float:
    """MidiTok's REMI over a fixed random choice of the files, saved as JSON, scaled to all notes."""
    import miditok
    import symusic

    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    random.Random(0).shuffle(files)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        tokenizer = miditok.REMI(miditok.TokenizerConfig())
        start, seen = time.process_time(), 0
        for number, file in enumerate(files[:count]):
            score = symusic.Score(file)
            seen += score.note_num()
            tokenizer.save_tokens(tokenizer(score), Path(folder) / f"{number}.json")
        return (time.process_time() - start) * notes / seen


def rows(maestro: Path, lakh: Path, workers: int, peer_files: int) -> list[dict[str, Any]]:
    """All measurements."""
    out: list[dict[str, Any]] = []

    def add(metric: str, ours: float, unit: str, peer: float | None = None, name: str = "") -> None:
        out.append(row(metric, ours, unit, peer, name, None if peer is None else peer / ours))

    for corpus, source in (("maestro", maestro), ("lakh", lakh)):
        found = measured(corpus, source, workers)
        peer = peer_seconds(source, peer_files, found["notes"])
        label = f"{corpus} ({found['pieces']:,} files, {found['notes']:,} notes)"
        add(f"{label}: {workers} workers", found["wall"], "s")
        add(f"{label}: cpu", found["cpu"], "s", peer, "MidiTok REMI, JSON of ids")
        add(f"{label}: on disk", found["bytes"] / found["notes"], "bytes a note")
    found = measured("lakh", lakh, workers, "--splits", "dedup")
    report = found["duplicates"]
    add(f"lakh --splits dedup: {workers} workers", found["wall"], "s")
    add("lakh: pieces with a near-duplicate", report["plain_splits"]["pieces"], "pieces")
    for kind, title in (("plain_splits", "md5 splits"), ("splits", "dedup splits")):
        for name, leak in report[kind]["leaks"].items():
            add(f"lakh {title}: {name} pieces with a near-duplicate in train", leak["leaking"], f"of {leak['pieces']}")
    return out


def main() -> None:
    """Parse arguments, measure, print and store."""
    args = arguments(("what", ["run"]), ("maestro", Path), ("lakh", Path), workers=2, peer_files=40)
    found = rows(args.maestro, args.lakh, args.workers, args.peer_files)
    write_result("prepare", 3, found, "shared with other jobs")


if __name__ == "__main__":
    main()
