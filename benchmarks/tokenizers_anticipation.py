"""MIDI file to ids and back by `anticipation`, beside a message-by-message loop over mido, in one run and one process.

    python benchmarks/tokenizers_anticipation.py speed MAESTRO_FOLDER [--files 200] [--peer-files 24]
    python benchmarks/tokenizers_anticipation.py parity FOLDER [--files 100]

The peer follows the rules of the anticipation repository (MIDI to events, and to interarrival ids), written anew here:
that package is not on PyPI. `speed` stores medians of processor time in
benchmarks/results/tokenizers_anticipation.json; `parity` says of how many files the events are the same - as many, in
one order, with the same NOTE ids, TIME and DUR within one step - and which part of all ids is identical, and stores
that in benchmarks/results/parity_anticipation_FOLDER.json.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import numpy as np
from arguments import arguments
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

from symbolic_music import read, tokenizers
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation.expressive import folded

PEER = "message by message over mido (rules of the anticipation repository)"
PRESETS = ("default", "expressive", "interarrival")
WINDOW = 341  # notes of a window: 1,023 ids and a flag


# -- the peer --------------------------------------------------------------------------------------------------


def peer_events(path: Path) -> list[int]:
    """Triples of ids: seconds added up message by message in floats, notes ended first in, first out."""
    now, ids = 0.0, []
    programs: dict[int, int] = defaultdict(int)
    waiting: dict[tuple[int, int, int], deque[tuple[int, float]]] = defaultdict(deque)
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            instrument = 128 if message.channel == 9 else programs[message.channel]
            begun = waiting[instrument, message.note, message.channel]
            if message.type == "note_on" and message.velocity:
                begun.append((len(ids), now))
                ids += [round(100 * now), 10_025, 11_000 + 128 * instrument + message.note]
            elif begun:
                at, onset = begun.popleft()
                ids[at + 1] = 10_000 + min(round(100 * (now - onset)), 999)
    return ids


def peer_interarrival(path: Path) -> list[int]:
    """Shifts, notes on and off, as the messages come."""
    gap, ids = 0.0, []
    programs: dict[int, int] = defaultdict(int)
    for message in mido.MidiFile(path):
        gap += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            instrument = 128 if message.channel == 9 else programs[message.channel]
            shift = min(round(100 * gap), 999)
            begins = message.type == "note_on" and message.velocity
            ids += [shift] * (shift > 0) + [(1_000 if begins else 17_512) + 128 * instrument + message.note]
            gap = 0.0
    return ids


# -- speed -----------------------------------------------------------------------------------------------------


def speed(folder: Path, count: int, peer_count: int) -> None:
    """File to ids, ids to score, a window out of a held score, and memory."""
    files = midi_files(folder, count)
    rows = [
        row("read", milliseconds(read, files), milliseconds(mido.MidiFile, files[:peer_count]), "mido", "ms a file")
    ]
    events = milliseconds(peer_events, files[:peer_count])
    interarrival = milliseconds(peer_interarrival, files[:peer_count])
    scores = [read(path) for path in files]
    for preset in PRESETS:
        ours = tokenizers.get("anticipation", preset=preset)
        theirs = interarrival if preset == "interarrival" else events
        encode = milliseconds(lambda path, t=ours: t.encode(read(path)), files)
        rows.append(row(f"{preset}: file to ids", encode, theirs, PEER, "ms a file"))
        rows.append(alone(f"{preset}: score to ids", milliseconds(ours.encode, scores), "ms a file"))
        encoded = [ours.encode(score) for score in scores]
        rows.append(alone(f"{preset}: ids to score", milliseconds(ours.decode, encoded), "ms a file"))
        violation = ours.grammar.violation
        rows.append(alone(f"{preset}: grammar of a file", milliseconds(violation, encoded), "ms a file"))
        held = [folded(score) for score in scores] if preset == "expressive" else scores
        window = milliseconds(lambda score, t=ours: t.encode(middle(score)), held)
        rows.append(alone(f"{preset}: window of {WINDOW} notes", window, "ms a window"))
        peak = statistics.median(peak_of(ours.encode, score) / score.notes.nbytes for score in scores)
        rows.append(alone(f"{preset}: peak memory of encode", peak, "note tables"))
    write_result("tokenizers_anticipation", len(files), rows)


def milliseconds(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Median over the items of the processor's time for one call each, after a warm-up.

    Not the clock's: on a shared machine a call of a second waits for others, a call of a millisecond hardly does.
    """
    work(items[0])
    taken = []
    for item in items:
        start = time.process_time()
        work(item)
        taken.append(1e3 * (time.process_time() - start))
    return statistics.median(taken)


def middle(score: Score) -> Score:
    """The notes of a window in the middle of a held score."""
    start = max(0, len(score) // 2 - WINDOW // 2)
    return score.replace(notes=score.notes[start : start + WINDOW])


def peak_of(work: Callable[[Any], Any], item: Any) -> int:
    """Bytes that a call allocates at most at one time, its result included."""
    work(item)
    tracemalloc.start()
    work(item)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def alone(metric: str, ours: float, unit: str) -> dict[str, Any]:
    """A row without a peer."""
    print(f"{metric:40} ours {ours:9.3f}")
    return {"metric": metric, "ours": round(ours, 3), "unit": unit}


# -- parity ----------------------------------------------------------------------------------------------------


def parity(folder: Path, count: int) -> None:
    """Of how many files the events are the same, and which part of the ids is identical."""
    compared = same = ids = identical = farthest = matching = 0
    least = 1.0
    ours, shifts = (tokenizers.get("anticipation", preset=preset) for preset in ("default", "interarrival"))
    for path in midi_files(folder, count):
        try:
            theirs = np.array(peer_events(path)).reshape(-1, 3)
        except Exception as error:  # mido raises whatever its parser meets
            print(f"the peer cannot read {path.name}: {error!r}", file=sys.stderr)
            continue
        try:
            score = read(path)
        except SymbolicMusicError as error:
            print(f"not read: {path.name}: {error}", file=sys.stderr)
            compared += 1
            continue
        found = ours.encode(score).reshape(-1, 3)
        compared += 1
        matching += alike(shifts.encode(score).tolist(), peer_interarrival(path))
        why = difference(found, theirs)
        if why:
            print(f"different: {path.name}: {why}", file=sys.stderr)
            continue
        same += 1
        ids += found.size
        identical += int((found == theirs).sum())
        least = min(least, float((found == theirs).mean())) if found.size else least
        farthest = max(farthest, int(np.abs(found - theirs).max(initial=0)))
    rows = [row("files with the same events", same, compared, PEER, "files")]
    rows.append(row("identical ids in these files", identical, ids, "ids", "ids"))
    rows.append(alone("least part of identical ids in one file", least, "ids"))
    rows.append(alone("greatest difference in these files", farthest, "steps of 10 ms"))
    rows.append(row("interarrival: files the same but for order in a tick", matching, compared, PEER, "files"))
    write_result(f"parity_anticipation_{folder.name}", compared, rows)


def alike(ours: list[int], theirs: list[int]) -> bool:
    """Whether interarrival ids are the same within one step a shift, in whatever order between two shifts.

    A Score does not keep the order in which notes on and off of one tick are written.
    """
    (shifts, notes), (their_shifts, their_notes) = by_shift(ours), by_shift(theirs)
    return notes == their_notes and bool((np.abs(np.subtract(shifts, their_shifts)) <= 1).all())


def by_shift(ids: list[int]) -> tuple[list[int], list[list[int]]]:
    """Shifts, the first of 0, and what stands after each, sorted."""
    cuts = [i for i, token in enumerate(ids) if token < 1_000]
    notes = [sorted(ids[a:b]) for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(ids)], strict=True)]
    return [0, *(ids[c] for c in cuts)], notes


def difference(ours: Any, theirs: Any) -> str:
    """How two sequences of events differ beyond rounding; empty when they do not."""
    if len(ours) != len(theirs):
        return f"{len(ours)} events, {len(theirs)} of the peer"
    notes = ours[:, 2] != theirs[:, 2]
    if notes.any():
        ordered = np.array_equal(np.sort(ours[:, 2]), np.sort(theirs[:, 2]))
        return f"{notes.sum()} NOTE ids" + (", the same in another order" if ordered else "")
    far = np.abs(ours[:, :2] - theirs[:, :2]) > 1
    if far.any():
        at = int(np.argmax(far.any(axis=1)))
        return f"{far[:, 0].sum()} TIME and {far[:, 1].sum()} DUR ids; first {ours[at]} for {theirs[at]}"
    return ""


def main() -> None:
    """Parse arguments, measure, print and store."""
    args = arguments(("what", ["speed", "parity"]), ("folder", Path), files=int, peer_files=24)
    if args.what == "speed":
        speed(args.folder, args.files or 200, args.peer_files)
    else:
        parity(args.folder, args.files or 100)


if __name__ == "__main__":
    main()
