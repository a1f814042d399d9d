"""Reading and writing MIDI beside symusic, mido and pretty_midi.

    python benchmarks/midi_files.py speed MAESTRO_FOLDER [--files 200]
    python benchmarks/midi_files.py odd EDGE_CASES_FOLDER
    python benchmarks/midi_files.py roundtrip FOLDER …
    python benchmarks/midi_files.py damaged FOLDER [--files 2000]

`speed`: milliseconds of the processor a file, all readers in one process; of writing and of reading beside symusic the
least of several calls by turns, with the median of the files' ratios. `odd`: how many of the files with an MThd each
reader reads, and in how many of those that a peer reads the numbers of notes agree. `roundtrip`: in how many files
notes, controllers, bends, tempos, meters and keys are equal after writing and reading again. `damaged`: files with
random damage, each read in a process of its own that may take 2 s and 300 MB.

Results go to benchmarks/results/midi_*.json.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import symusic
from arguments import arguments
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

from symbolic_music import Score, read
from symbolic_music.errors import MidiError
from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.io.midi.tolerant_reader import parse_tolerant, placed
from symbolic_music.io.midi.writing.nearby_notes import beginnings
from symbolic_music.score import note_table

ORDER = ["onset", "track", "pitch", "duration", "velocity"]
_TURNS = 7
TABLES = ("notes", "controls", "bends", "tempos", "meters", "keys")


def milliseconds(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Median over the items of one call each, in processor time, after a warm-up."""
    work(items[0])
    taken = []
    for item in items:
        start = time.process_time()
        work(item)
        taken.append(1e3 * (time.process_time() - start))
    return statistics.median(taken)


def by_turns(
    metric: str, pairs: list[tuple[Callable[[], Any], Callable[[], Any]]], before: Callable[[], Any] = int
) -> dict[str, Any]:
    """A row of medians over (our call, symusic's), each the least of `_TURNS` by turns; `before` goes ahead of ours."""
    taken = []
    for ours, theirs in pairs:
        least = [float("inf")] * 2
        for _ in range(_TURNS):
            before()
            for which, call in enumerate((ours, theirs)):
                start = time.process_time()
                call()
                least[which] = min(least[which], 1e3 * (time.process_time() - start))
        taken.append(least)
    made = row(metric, *(statistics.median(column) for column in zip(*taken, strict=True)), "symusic", "ms a file")
    return {**made, "ratio": round(statistics.median(theirs / ours for ours, theirs in taken), 2)}


def edited(score: Score, number: int) -> Score:
    """A bar's length of random notes in the place of those that begin there, in the middle of the piece."""
    rng, notes = random.Random(number), score.notes
    begin = int(notes["onset"][len(notes) // 2])
    stop = begin + 4 * score.ticks_per_quarter
    kept = notes[(notes["onset"] < begin) | (notes["onset"] >= stop)]
    first = notes[0]
    new = note_table([
        (rng.randrange(begin, stop), rng.randrange(1, 400), rng.randrange(21, 109), rng.randrange(1, 128),
         first["program"], first["channel"], first["track"]) for _ in range(12)
    ])  # fmt: skip
    return score.replace(notes=np.concatenate([kept, new]))


def forget() -> None:
    """Nothing is known of the events of files that were edited before."""
    placed.cache_clear()
    beginnings.cache_clear()


def mido_notes(path: Path) -> int:
    """Note-ons of a file."""
    return sum(e.type == "note_on" and e.velocity > 0 for t in mido.MidiFile(path, clip=True).tracks for e in t)


def pretty_midi_notes(path: Path) -> int:
    """Notes of a file."""
    return sum(len(i.notes) for i in pretty_midi.PrettyMIDI(str(path)).instruments)


PEERS = {
    "symusic": lambda path: symusic.Score(path).note_num(),
    "mido": mido_notes,
    "pretty_midi": pretty_midi_notes,
}


def speed(folder: Path, count: int) -> None:
    """Milliseconds a file."""
    files = midi_files(folder, count)
    ours = milliseconds(read, files)
    rows = [by_turns("file to Score", [(partial(read, path), partial(symusic.Score, path)) for path in files])]
    for name in ("mido", "pretty_midi"):
        reader = mido.MidiFile if name == "mido" else lambda path: pretty_midi.PrettyMIDI(str(path))
        rows.append(row("file to Score", ours, milliseconds(reader, files[:24]), name, "ms a file"))
    tolerant = milliseconds(lambda path: parse_tolerant(path.read_bytes()), files)
    rows.append(row("tolerant reader alone", tolerant, milliseconds(mido.MidiFile, files[:24]), "mido", "ms a file"))
    writing = [symusic.Score(path).dumps_midi for path in files[:24]]
    scores = [read(path) for path in files[:24]]
    new = [score.replace(source=None) for score in scores]
    changed = [edited(score, number) for number, score in enumerate(scores)]
    for metric, ours_of, before in (
        ("Score to bytes, as it was read", scores, int),
        ("Score to bytes, without a file to patch", new, int),
        ("Score to bytes, after its first edit", changed, forget),
        ("Score to bytes, after a further edit", changed, int),
    ):
        calls = [(partial(midi_bytes, score), theirs) for score, theirs in zip(ours_of, writing, strict=True)]
        rows.append(by_turns(metric, calls, before))
    write_result("midi_speed", len(files), rows)


def odd(folder: Path) -> None:
    """Of files with a header: read, and read with a number of notes as the peer's."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.read_bytes()[:4] == b"MThd"]
    scores: dict[Path, Any] = {}
    for path in files:
        try:
            scores[path] = read(path)
        except MidiError as error:
            print(f"not read: {error}", file=sys.stderr)
    rows = []
    for name, count in PEERS.items():
        both = agree = 0
        for path in files:
            try:
                theirs = count(path)
            except Exception:  # whatever the peer raises means that it does not read it
                continue
            both += 1
            hanging = int(scores[path].notes["hanging"].sum())
            same = theirs in (len(scores[path]), len(scores[path]) - hanging)
            agree += same
            if not same:
                print(
                    f"{path.name}: ours {len(scores[path])} ({hanging} never ended), {name} {theirs}", file=sys.stderr
                )
        rows.append(row("files with a header that are read", len(scores), both, name, "files"))
        rows.append(row(f"files {name} reads: equal number of notes", agree, both, name, "files"))
    write_result("midi_odd", len(files), rows)


def roundtrip(folders: list[Path]) -> None:
    """Files whose tables come back equal."""
    rows = []
    for folder in folders:
        files = midi_files(folder, sys.maxsize)
        equal: Counter[str] = Counter()
        whole = faultless = in_order = 0
        for path in files:
            score = read(path)
            again = parse_midi(midi_bytes(score))
            notes = score.notes.copy()
            notes["hanging"] = 0  # what never ended is written with its end
            first = score.replace(notes=notes)
            same = {name: np.array_equal(getattr(first, name), getattr(again, name)) for name in TABLES}
            in_order += same["notes"]
            same["notes"] = np.array_equal(np.sort(notes, order=ORDER), np.sort(again.notes, order=ORDER))
            equal.update(name for name in TABLES if same[name])
            whole += all(same.values())
            faultless += not score.problems
            if not all(same.values()):
                print(path, [name for name in TABLES if not same[name]], score.problems, file=sys.stderr)
        rows += [row(f"{folder.name}: equal {name}", equal[name], len(files), "files", "files") for name in TABLES]
        rows.append(row(f"{folder.name}: all equal", whole, len(files), "files", "files"))
        rows.append(row(f"{folder.name}: notes of a tick in the same order", in_order, len(files), "files", "files"))
        rows.append(row(f"{folder.name}: without problems", faultless, len(files), "files", "files"))
    write_result("midi_roundtrip", sum(len(midi_files(folder, sys.maxsize)) for folder in folders), rows)


def damaged(folder: Path, count: int) -> None:
    """Outcomes of reading files with random damage."""
    files = [p for p in midi_files(folder, sys.maxsize) if p.stat().st_size < 100_000]
    rng = random.Random(0)
    outcomes: Counter[str] = Counter()
    names = {0: "read", 1: "MidiError", 2: "other exception", 3: "over 2 s", 4: "over 300 MB"}
    for _ in range(count):
        data = bytearray(rng.choice(files).read_bytes())
        for _ in range(rng.choice([1, 1, 2, 4, 16, 64])):
            at = rng.randrange(40) if rng.random() < 0.3 else rng.randrange(len(data))
            kind = rng.random()
            if kind < 0.5:
                data[at : at + 1] = bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0xF0, 0xF7, rng.randrange(256)])])
            elif kind < 0.65:
                del data[at : at + rng.randrange(1, 9)]
            elif kind < 0.8:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            elif kind < 0.9:
                data[at : at + 4] = b"\xff\xff\xff\x7f"
            else:
                del data[at:]
            data = data or bytearray(b"M")
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
            code = 0
            try:
                midi_bytes(parse_midi(bytes(data)))
            except MidiError:
                code = 1
            except BaseException as error:
                print(repr(error)[:200], file=sys.stderr, flush=True)
                code = 2
            if time.perf_counter() - began > 2:
                code = 3
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > 300_000:
                code = 4
            os._exit(code)
        _, status = os.waitpid(child, 0)
        outcomes[f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else names[os.WEXITSTATUS(status)]] += 1
    rows = [row(f"damaged files: {name}", n, count, "damaged files", "files") for name, n in outcomes.most_common()]
    write_result("midi_damaged", count, rows)


def main() -> None:
    """Parse the command line."""
    warnings.simplefilter("ignore")
    given = arguments(("what", ["speed", "odd", "roundtrip", "damaged"]), ("folders+", Path), files=int)
    if given.what == "speed":
        speed(given.folders[0], given.files or 200)
    elif given.what == "odd":
        odd(given.folders[0])
    elif given.what == "roundtrip":
        roundtrip(given.folders)
    else:
        damaged(given.folders[0], given.files or 2000)


if __name__ == "__main__":
    main()
