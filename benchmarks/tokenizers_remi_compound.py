"""MIDI file to ids and back by `remi` and `compound`, beside MidiTok, in one run and one process.

    python benchmarks/tokenizers_remi_compound.py speed MAESTRO_FOLDER [--files 200]
    python benchmarks/tokenizers_remi_compound.py parity FOLDER [--files 100] [--sets default,tempos,…] [--name remi]

`speed` stores medians of processor time in benchmarks/results/tokenizers_remi_compound.json; `parity` says how many
files have the ids of MidiTok, for each set of options, and stores that in
benchmarks/results/parity_NAME_KIND_FOLDER.json (KIND: default, or options where other sets are compared too).
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import miditok
import symusic
from arguments import parser_of
from result_file import row as result_row
from result_file import write_result

from symbolic_music import read, tokenizers
from symbolic_music.errors import SymbolicMusicError

MILLISECONDS = "ms of processor time a file"
PEERS = {"remi": miditok.REMI, "compound": miditok.CPWord}
ALL = {"use_tempos": True, "use_chords": True, "use_rests": True}
OPTIONS: dict[str, dict[str, bool]] = {
    "default": {},
    "no-meters": {"use_time_signatures": False},
    "tempos": {"use_tempos": True},
    "programs": {"use_programs": True},
    "programs-apart": {"use_programs": True, "one_token_stream_for_programs": False},
    "chords": {"use_chords": True},
    "rests": {"use_rests": True},
    "rests-no-meters": {"use_rests": True, "use_time_signatures": False},
    "all": {**ALL, "use_programs": True},
    "all-apart": ALL,
    "all-no-meters": {**ALL, "use_programs": True, "use_time_signatures": False},
}

# Beside the presets, in `speed`: options that cost. MidiTok is measured with its default ones.
MORE: dict[str, dict[str, Any]] = {
    "default, chords": {"preset": "default", "use_chords": True},
    "miditok, tempos, programs": {"preset": "miditok", "use_tempos": True, "use_programs": True},
}


def midi_files(folder: Path, count: int) -> list[Path]:
    """A fixed random choice of the folder's MIDI files."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    random.Random(0).shuffle(files)
    return files[:count]


def peer(name: str, options: dict[str, bool]) -> Any:
    """MidiTok's tokenizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PEERS[name](miditok.TokenizerConfig(**options))


def timed(times: dict[str, list[float]], what: str, work: Callable[[], Any]) -> Any:
    """What the work gives; the processor time in ms of the faster of two calls is added to those of this name."""
    taken = []
    for _ in range(2):
        start = time.process_time_ns()
        result = work()
        taken.append((time.process_time_ns() - start) / 1e6)
    times.setdefault(what, []).append(min(taken))
    return result


def speed(folder: Path, count: int) -> None:
    """File to ids, and ids to score, of every preset; all take turns file by file, to meet the same machine."""
    files = midi_files(folder, count)
    theirs = {name: peer(name, {}) for name in PEERS}
    ours = {
        f"{name} {what}": tokenizers.get(name, **options)
        for name in PEERS
        for what, options in {**{preset: {"preset": preset} for preset in tokenizers.presets(name)}, **MORE}.items()
    }
    times: dict[str, list[float]] = {}
    for path in files:
        timed(times, "read", lambda p=path: read(p))
        timed(times, "symusic", lambda p=path: symusic.Score(p))
        for name, tokenizer in theirs.items():
            tokens = timed(times, f"{name} encode", lambda p=path, t=tokenizer: t(symusic.Score(p)))
            ids = [one.ids for one in tokens]
            timed(times, f"{name} decode", lambda i=ids, t=tokenizer: t.decode(i))
        for what, tokenizer in ours.items():
            ids = timed(times, f"{what}: file to ids", lambda p=path, t=tokenizer: t.encode(read(p)))
            timed(times, f"{what}: ids to score", lambda i=ids, t=tokenizer: t.decode(i))
    medians = {what: statistics.median(taken) for what, taken in times.items()}
    rows = [row("read", medians["read"], medians["symusic"], "symusic.Score", MILLISECONDS)]
    for what in ours:
        name = what.split()[0]
        label = f"MidiTok {version('miditok')} {PEERS[name].__name__}"
        for part, theirs_part in (("file to ids", "encode"), ("ids to score", "decode")):
            own = f"{what}: {part}"
            rows.append(row(own, medians[own], medians[f"{name} {theirs_part}"], label, MILLISECONDS))
    write_result("tokenizers_remi_compound", len(files), rows)


def parity(folder: Path, count: int, sets: list[str], names: list[str]) -> None:
    """How many files have exactly MidiTok's ids."""
    files = midi_files(folder, count)
    for name in names:
        rows = []
        for chosen in sets:
            theirs, ours = peer(name, OPTIONS[chosen]), tokenizers.get(name, preset="miditok", **OPTIONS[chosen])
            equal = compared = 0
            for path in files:
                try:
                    score, tokens = read(path), theirs(symusic.Score(path))
                except SymbolicMusicError as error:
                    print(f"not read: {error}", file=sys.stderr)
                    continue
                found = ours.encode(score)
                same = same_ids(found, tokens)
                equal, compared = equal + same, compared + 1
                if not same:
                    print(f"different: {name} {chosen} {path}", file=sys.stderr)
            rows.append(row(f"{name}, {chosen}: files with equal ids", equal, compared, "files compared", "files"))
        kind = "default" if sets == ["default"] else "options"
        write_result(f"parity_{name}_{kind}_{folder.name}", len(files), rows)


def same_ids(ours: Any, theirs: Any) -> bool:
    """Whether both are the same sequence, or the same list of sequences."""
    if isinstance(ours, list) != isinstance(theirs, list):
        return False
    if not isinstance(ours, list):
        ours, theirs = [ours], [theirs]
    return len(ours) == len(theirs) and all(a.tolist() == b.ids for a, b in zip(ours, theirs, strict=True))


def row(metric: str, ours: float, peers: float, peer_name: str, unit: str) -> dict[str, Any]:
    """One row of a result; the ratio says how many times smaller (of files: which part) ours is."""
    ratio = round(peers / ours, 1) if unit.startswith("ms") else round(ours / max(peers, 1), 4)
    return result_row(metric, ours, unit, peers, peer_name, ratio)


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(("what", ["speed", "parity"]), ("folder", Path), files=200)
    parser.add_argument("--sets", default=",".join(OPTIONS))
    parser.add_argument("--name", choices=list(PEERS), action="append")
    args = parser.parse_args()
    if args.what == "speed":
        speed(args.folder, args.files)
    else:
        parity(args.folder, args.files, args.sets.split(","), args.name or list(PEERS))


if __name__ == "__main__":
    main()
