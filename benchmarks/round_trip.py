"""What a file is after it was read and written, and after an edit.

    python benchmarks/round_trip.py CORPORA [--files 200] [--only lakh-subset …] [--played-every 8]

Over maestro-midi, lakh-subset, pop909, groove-midi, freedoom-midi and midi-edge-cases in the folder CORPORA, so many
files of each:

- read and written: the same bytes, or what a player plays is equal (mido, tracks merged by time, state by port and
  channel: tests/io/midi/player.py);
- written anew, event by event from the tables of the score: what is played is equal, of every file that comes out with
  other bytes and of every eighth of the rest, or as often as `--played-every` says;
- a random region of random tracks rewritten with random notes: chunks of tracks that were not edited have the same
  bytes, in the others every event that is no note has its tick, bytes and order (in a file of one track, where a part
  of its own may need a program, all that were there have), and the notes are those of the score; files with a track
  that is damaged within are written anew, and counted for their notes alone;
- notes whose program the reading across tracks changed;
- milliseconds to read, write, and write after an edit, beside symusic.

Results go to benchmarks/results/round-trip.json.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import symusic
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from symbolic_music.errors import MidiError
from symbolic_music.io.midi import tolerant_reader
from symbolic_music.io.midi.originals import as_symusic_reads
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.reading.walk import walk
from symbolic_music.io.midi.writer import written
from symbolic_music.score import Score, note_table
from tests.io.midi.player import play

CORPORA = ("maestro-midi", "lakh-subset", "pop909", "groove-midi", "freedoom-midi", "midi-edge-cases")
CONTENT = ["onset", "duration", "pitch", "velocity", "program", "channel"]


def timed(times: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    """What the work gives; its milliseconds are kept."""
    start = time.process_time()
    result = work()
    times.setdefault(name, []).append(1e3 * (time.process_time() - start))
    return result


def edited(score: Score, rng: random.Random) -> tuple[Score, set[int]]:
    """A region of some tracks rewritten, and these tracks."""
    notes = score.notes
    tracks = sorted(set(notes["track"].tolist()))
    chosen = rng.sample(tracks, rng.randint(1, max(1, len(tracks) // 2)))
    begin = rng.randrange(score.end + 1)
    stop = begin + rng.randrange(1, 8 * score.ticks_per_quarter)
    asked = np.isin(notes["track"], chosen) & (notes["onset"] >= begin) & (notes["onset"] < stop)
    rows = []
    for track in chosen:
        for _ in range(rng.randrange(12)):
            onset = rng.randrange(begin, stop)
            rows.append((onset, rng.randrange(1, stop - onset + 1), rng.randrange(128), rng.randrange(1, 128),
                         score.tracks[track].program, 9 if score.tracks[track].is_drum else 0, track))  # fmt: skip
    table = np.concatenate([notes[~asked], note_table(rows)])
    return score.replace(notes=table[np.argsort(table["onset"], kind="stable")]), set(chosen)


def chunks(data: bytes) -> list[bytes]:
    """The chunks of a file after its header."""
    found, at = [], 14
    while at + 8 <= len(data):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        found.append(data[at:stop])
        at = stop
    return found


def silent_events(chunk: bytes) -> list[tuple[int, int, bytes]]:
    """(tick, status, bytes after the status) of all events of a chunk but notes, end-of-track without its tick."""
    body = chunk[8:]
    found = []
    for event in walk(body):
        raw = body[event.place : event.stop]
        if event.status >> 4 not in (8, 9):
            is_end = raw[:2] == b"\xff\x2f"
            found.append((0 if is_end else event.tick, event.status, raw[raw[0] >= 0x80 :]))
    return found


def edit(
    name: str, data: bytes, score: Score, rng: random.Random, found: Counter[str], times: dict[str, list[float]]
) -> None:
    """One random edit, and what became of the file."""
    changed, _ = edited(score, rng)
    found["edits"] += 1
    tolerant_reader.placed.cache_clear()
    out = timed(times, "write after an edit", lambda: midi_bytes(changed))
    timed(times, "write after another edit", lambda: midi_bytes(changed))
    again = parse_midi(out)
    found["edits: notes as written"] += sorted(again.notes[CONTENT].tolist()) == sorted(changed.notes[CONTENT].tolist())
    if any(events.table is None for events in tolerant_reader.placed(data).tracks):
        print("damaged within, so written anew:", name)
        return
    before, after = chunks(data), chunks(out)
    same = [a == b for a, b in zip(before, after, strict=False)]
    if len(after) < len(before):
        return
    touched = _touched(score, changed)
    found["chunks of tracks not edited"] += len(before) - len(touched)
    found["chunks of tracks not edited: same bytes"] += sum(s for i, s in enumerate(same) if i not in touched)
    for index in touched:
        mine, theirs = silent_events(before[index]), silent_events(after[index])
        found["other events of edited tracks"] += len(mine)
        rest = iter(theirs)
        same = all(event in rest for event in mine) if before[index][:4] == b"MTrk" and data[9] == 0 else mine == theirs
        found["other events of edited tracks: identical"] += len(mine) if same else 0
        if not same:
            print("other events changed:", name, index)


def _touched(score: Score, changed: Score) -> set[int]:
    """Chunks that hold a note which went or came."""
    placed = tolerant_reader.placed(score.source.data)  # type: ignore[attr-defined]
    old, new = Counter(score.notes.tolist()), Counter(changed.notes.tolist())
    tracks = {row[6] for row in ((old - new) + (new - old))}
    files = {f for f in range(len(placed.tracks)) for t in tracks if placed.first[f] <= t < placed.first[f + 1]}
    starts = [extent.start - 8 for extent in placed.layout.tracks]
    where, at = {}, 14
    for index, chunk in enumerate(chunks(score.source.data)):  # type: ignore[attr-defined]
        where[at] = index
        at += len(chunk)
    return {where[starts[f]] for f in files}


def corpus(folder: Path, count: int, played_every: int) -> tuple[Counter[str], dict[str, list[float]]]:
    """All figures of one corpus."""
    found: Counter[str] = Counter()
    times: dict[str, list[float]] = {}
    for number, path in enumerate(midi_files(folder, count)):
        data = path.read_bytes()
        if data[:4] != b"MThd":
            continue
        try:
            score = timed(times, "read", lambda d=data: parse_midi(d))
        except MidiError:
            continue
        found["files"] += 1
        out = timed(times, "write", lambda s=score: midi_bytes(s))
        found["same bytes"] += out == data
        try:
            if int.from_bytes(data[10:12], "big") < len(tolerant_reader.placed(data).layout.tracks):
                raise ValueError("mido reads as many tracks as the header says")
            heard = play(data) if out != data or number % played_every == 0 else None
        except Exception:  # mido raises many kinds at odd files
            found["mido refuses"] += 1
            heard = None
        alike = out == data or heard is None or heard == play(out)
        found["equal to a listener"] += alike
        if not alike:
            print("not equal to a listener:", path.name)
        if heard is not None:
            found["written anew"] += 1
            anew = timed(times, "write anew", lambda s=score: written(s))
            equal = heard == play(anew)
            found["written anew: equal to a listener"] += equal
            if not equal:
                print("not equal when written anew:", path.name)
        theirs = as_symusic_reads(score)
        if len(theirs) == len(score):
            columns = ["onset", "duration", "pitch", "velocity", "program", "channel"]
            moved = Counter(score.notes[columns].tolist()) - Counter(theirs.notes[columns].tolist())
            found["notes"] += len(score)
            found["notes of another program"] += sum(moved.values())
            found["files with notes of another program"] += bool(moved)
        if out == data and len(score):
            edit(path.name, data, score, random.Random(number), found, times)
        try:
            peer = timed(times, "symusic read", lambda d=data: symusic.Score.from_midi(d))
            timed(times, "symusic write", peer.dumps_midi)
        except Exception:
            pass
    return found, times


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--only", nargs="*", default=CORPORA)
    parser.add_argument("--played-every", type=int, default=8)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    count = 0
    for name in options.only:
        found, times = corpus(options.corpora / name, options.files, options.played_every)
        count += found["files"]
        for part, whole in (
            ("same bytes", "files"), ("equal to a listener", "files"),
            ("written anew: equal to a listener", "written anew"), ("edits: notes as written", "edits"),
            ("chunks of tracks not edited: same bytes", "chunks of tracks not edited"),
            ("other events of edited tracks: identical", "other events of edited tracks"),
            ("notes of another program", "notes"), ("files with notes of another program", "files"),
        ):  # fmt: skip
            rows.append(row(f"{name}: {part}", found[part], found[whole], whole, "count"))
        median = {what: statistics.median(of) for what, of in times.items()}
        for what, theirs in (
            ("read", "read"),
            ("write", "write"),
            ("write after an edit", "write"),
            ("write after another edit", "write"),
            ("write anew", "write"),
        ):
            if what in median and f"symusic {theirs}" in median:
                made = row(f"{name}: {what}", median[what], median[f"symusic {theirs}"], "symusic", "ms")
                rows.append({**made, "ratio": round(median[f"symusic {theirs}"] / median[what], 2)})
        write_result("round-trip", count, rows)


if __name__ == "__main__":
    main()
