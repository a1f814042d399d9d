"""What no file and no kill may do: mutants of every way in, kill -9 at random moments, edits without growth.

    python benchmarks/robustness.py mutants [--mutants 1000] [--seed 0] [--target NAME …]
    python benchmarks/robustness.py kills [--kills 20] [--target VERB …]
    python benchmarks/robustness.py edits [--edits 1000]

`mutants`: `tests.fuzz.campaign` on all targets, a process at a time: how many were tried, read, refused, and crashed,
hung, died or took too much memory (faults), and the most memory of one beyond what its process had. `kills`: every verb
that writes, killed at random moments; see kills.py. `edits`: infills in one process; the memory after the first tenth
and at the end.
Results go to benchmarks/results/robustness_*.json, where those of a target or verb take the place of older ones: a
campaign may be run in parts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CLI = [sys.executable, "-m", "symbolic_music"]


def store(name: str, command: str, groups: dict[str, list[dict[str, Any]]], counted: str) -> None:
    """Write the results: rows of these groups take the place of older ones, so that a campaign may be run in parts.

    counted: the metric of which the sum is `n`.
    """
    from result_file import processor

    path = ROOT / "benchmarks/results" / f"{name}.json"
    old = json.loads(path.read_text())["rows"] if path.exists() else []
    merged: dict[str, list[dict[str, Any]]] = {}
    for one in old:
        merged.setdefault(one["metric"].rpartition(": ")[0], []).append(one)
    for group, values in groups.items():
        merged[group] = [{**one, "metric": f"{group}: {one['metric']}"} for one in values]
    rows = [one for group in sorted(merged) for one in merged[group]]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    result = {
        "name": name, "command": command, "commit": commit.stdout.strip(), "machine": processor(),
        "n": sum(one["ours"] for one in rows if one["metric"].endswith(f": {counted}")), "rows": rows,
    }  # fmt: skip
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(path)


def row(metric: str, ours: float, unit: str, peer: float | None = None, peer_name: str = "") -> dict[str, Any]:
    """A measured number."""
    ratio = None if not peer else round(ours / peer, 4)
    return {"metric": metric, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "unit": unit}


def mutants(count: int, seed: int, names: Sequence[str]) -> None:
    """Try mutants."""
    from tests.fuzz.campaign import run
    from tests.fuzz.targets import TARGETS, find

    for target in [find(name) for name in names] or TARGETS:
        tally = run(target, count, seed)
        print(tally, flush=True)
        for number, how, what in tally.faults[:5]:
            print(f"  {number} {how}: {' '.join(what.split())[-300:]}", flush=True)
        counted = ("read", "refused", "crashed", "hung", "died", "too much memory")
        rows = [
            row("tried", tally.tried, "mutants"),
            *(row(how, tally.how[how], "mutants") for how in counted),
            row("most memory", round(tally.megabytes, 1), "MB"),
            row("most processor time", round(tally.seconds, 2), "s"),
        ]
        command = "python benchmarks/robustness.py mutants --mutants N --target NAME"
        store("robustness_mutants", command, {target.name: rows}, "tried")


def verbs(folder: Path) -> dict[str, tuple[list[str], str]]:
    """Each verb that writes a file: its command line, and the output. Verbs that print reports write none."""
    from tests.fuzz.music import tune, wav

    song = str(tune().write(folder / "song.mid"))
    (folder / "sound.wav").write_bytes(wav(1.0))
    subprocess.run([*CLI, "tokenize", song, "-t", "remi", "-o", str(folder / "ids.npy")], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    midi = ["-o", str(folder / "out.mid")]
    edit = ["-m", "multitrack", *midi]
    return {
        "infill": (["infill", song, "--from", "0.5", "--to", "1.5", *edit], "out.mid"),
        "generate": (["generate", "--prompt", song, "--seconds", "1", *edit], "out.mid"),
        "revoice": (["revoice", song, "--from", "0.5", "--to", "1", *edit], "out.mid"),
        "render": (["render", song, "-o", str(folder / "out.wav"), "--sample-rate", "16000"], "out.wav"),
        "plot": (["plot", song, "-o", str(folder / "out.png")], "out.png"),
        "tokenize": (["tokenize", song, "-t", "remi", "-o", str(folder / "out.npy")], "out.npy"),
        "detokenize": (["detokenize", str(folder / "ids.npy"), "-t", "remi", *midi], "out.mid"),
        "encode": (["encode", str(folder / "sound.wav"), "-o", str(folder / "out.safetensors")], "out.safetensors"),
        "transpose": (["transpose", song, "--semitones", "3", *midi], "out.mid"),
        "quantise": (["quantise", song, "--grid", "0.25", *midi], "out.mid"),
        "humanise": (["humanise", song, *midi], "out.mid"),
        "copy-bars": (["copy-bars", song, "--at", "bars:1", *midi], "out.mid"),
        "delete-bars": (["delete-bars", song, "--at", "bars:1", *midi], "out.mid"),
        "find-beats": (["find-beats", song, *midi], "out.mid"),
    }


def whole(path: Path, old: bytes) -> bool:
    """Whether an output is the old one, or a new one that its reader takes."""
    from symbolic_music import read

    data = path.read_bytes()
    if data == old:
        return True
    try:
        if path.suffix == ".mid":
            return not read(path).problems
        if path.suffix == ".wav":
            import soundfile

            with soundfile.SoundFile(path) as file:
                return bool(len(file.read()) == file.frames > 0)
        if path.suffix == ".png":
            return data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82")
        if path.suffix == ".npy":
            import numpy as np

            return bool(len(np.load(path, allow_pickle=False)))
        from symbolic_music.codec.codes import load_codes

        return bool(load_codes(path).samples)
    except Exception:
        return False


def kills(count: int, seed: int, names: Sequence[str]) -> None:
    """Kill each verb, or these, at random moments of its run."""
    from kills import Killed, killed_runs, killed_studios, runs

    rng = random.Random(seed)

    def tell(verb: str, found: Killed) -> None:
        print(f"{verb}: {found}", flush=True)
        rows = [row("tried", found.kills, "runs"), row("lost", found.lost, "outputs"),
                row("hidden files left", found.hidden, "files")]  # fmt: skip
        command = "python benchmarks/robustness.py kills --kills N --target VERB"
        store("robustness_kills", command, {verb: rows}, "tried")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for verb, (arguments, output) in verbs(folder).items():
            if not names or verb in names:
                tell(verb, killed_verb(verb, arguments, folder / output, count, rng))
        for verb, run in runs(folder).items():
            if not names or verb in names:
                (folder / verb).mkdir()
                tell(verb, killed_runs(run, folder / verb, count, rng))
        if not names or "studio" in names:
            tell("studio", killed_studios(folder, count, rng))


def killed_verb(verb: str, arguments: Sequence[str], path: Path, count: int, rng: random.Random) -> Any:
    """Kill one verb over an older output."""
    from kills import Killed

    found = Killed()
    started = time.perf_counter()
    subprocess.run([*CLI, *arguments], check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - started
    old = path.read_bytes()
    while found.kills < count:
        path.write_bytes(old)
        again = [*CLI, *arguments]
        if verb in ("infill", "generate", "revoice", "humanise"):
            again += ["--seed", str(rng.randrange(99))]
        with subprocess.Popen(again, stdout=subprocess.DEVNULL) as process:
            # Most of a run is its start; files are written at the end.
            time.sleep(took * (0.3 + 0.75 * rng.random()))
            ended = process.poll() is not None
            process.send_signal(signal.SIGKILL)
        found.kills += not ended
        found.after_the_end += ended
        found.lost += not whole(path, old)
        hidden = [p for p in path.parent.iterdir() if p.name.startswith(".")]
        found.hidden += len(hidden)
        for p in hidden:
            p.unlink()
    return found


def edits(count: int) -> None:
    """Edit again and again in one process."""
    from symbolic_music import generation
    from symbolic_music.generation import Region
    from symbolic_music.models import load_model
    from tests.fuzz.music import tune

    def megabytes() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    model, score, marks = load_model("multitrack", "cpu"), tune(), []
    for i in range(count):
        generation.edit(score, [Region(0.5, 1.0)], [0], model, seed=i, allow_empty=True).finish()
        if (i + 1) % max(1, count // 10) == 0:
            marks.append(megabytes())
            print(f"{i + 1:,} edits: {marks[-1]:.1f} MB", flush=True)
    rows = [row("tried", count, "edits"),
            row("memory after a tenth", round(marks[0], 1), "MB"),
            row("memory at the end", round(marks[-1], 1), "MB"),
            row("growth an edit", round((marks[-1] - marks[0]) * 1024 / (0.9 * count), 3), "kB")]  # fmt: skip
    store("robustness_edits", f"python benchmarks/robustness.py edits --edits {count}", {"edits": rows}, "tried")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mutants", "kills", "edits"))
    parser.add_argument("--mutants", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--edits", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", default=[])
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    assert shutil.which(sys.executable)
    if options.what == "mutants":
        mutants(options.mutants, options.seed, options.target)
    elif options.what == "kills":
        kills(options.kills, options.seed, options.target)
    else:
        edits(options.edits)


if __name__ == "__main__":
    main()
