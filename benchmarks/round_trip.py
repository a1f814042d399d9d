"""What a file is after it was read and written, and after an edit.

    python benchmarks/round_trip.py CORPORA [--files 200] [--only lakh-subset …] [--played-every 8] [--log FILE]

Over maestro-midi, lakh-subset, pop909, groove-midi, freedoom-midi and midi-edge-cases in the folder CORPORA, all files
of each, or as many as `--files` says:

- read and written: the same bytes, or what a player plays is equal (mido, tracks merged by time, state by port and
  channel: tests/io/midi/player.py); files with other bytes that mido does not read are not compared;
- written anew, event by event from the tables of the score: what is played is equal, of every file that comes out with
  other bytes and of every eighth of the rest, or as often as `--played-every` says;
- a random region of random tracks rewritten with random notes: chunks of tracks that were not edited have the same
  bytes, in the others every event that is no note has its tick, bytes and order (in a file of one track, where a part
  of its own may need a program, all that were there have), and the notes are those of the score; files with a track
  that is damaged within are written anew, and counted for their notes alone;
- notes whose program the reading across tracks changed;
- milliseconds to read, write, and write after an edit, beside symusic.

A file whose headers or lengths were wrong is written with right ones; an edit of it is compared with that. With `--log`
the counts of each file are kept as JSON lines, and a later run of the same commit goes on where this one stopped.
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
from file_log import FileLog
from result_file import write_result
from tokenizers_remi_compound import midi_files, row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from symbolic_music.errors import MidiError
from symbolic_music.io.midi import tolerant_reader
from symbolic_music.io.midi.patch import patched
from symbolic_music.io.midi.published_readers import as_symusic_reads
from symbolic_music.io.midi.reader import midi_bytes, parse_midi
from symbolic_music.io.midi.reading.event_iterator import walk
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
    name: str, plain: bytes, score: Score, rng: random.Random, found: Counter[str], times: dict[str, list[float]]
) -> None:
    """One random edit, and what became of the file; `plain`: as it is written without an edit."""
    changed, _ = edited(score, rng)
    found["edits"] += 1
    tolerant_reader.placed.cache_clear()
    out = timed(times, "write after an edit", lambda: midi_bytes(changed))
    timed(times, "write after another edit", lambda: midi_bytes(changed))
    again = parse_midi(out)
    found["edits: notes as written"] += sorted(again.notes[CONTENT].tolist()) == sorted(changed.notes[CONTENT].tolist())
    if patched(changed) is None:
        print("damaged within, so written anew:", name)
        return
    before, after = chunks(plain), chunks(out)
    if len(after) < len(before):
        print("tracks lost:", name)
        return
    touched = _touched(plain, score, changed)
    same = [a == b for a, b in zip(before, after, strict=False)]
    found["chunks of tracks not edited"] += len(before) - len(touched)
    found["chunks of tracks not edited: same bytes"] += sum(s for i, s in enumerate(same) if i not in touched)
    for index in touched:
        mine, theirs = silent_events(before[index]), silent_events(after[index])
        found["other events of edited tracks"] += len(mine)
        rest = iter(theirs)
        is_single = before[index][:4] == b"MTrk" and plain[9] == 0
        alike = all(event in rest for event in mine) if is_single else mine == theirs
        found["other events of edited tracks: identical"] += len(mine) if alike else 0
        if not alike:
            print("other events changed:", name, index)


def _touched(plain: bytes, score: Score, changed: Score) -> set[int]:
    """Chunks that hold a note which went or came."""
    placed = tolerant_reader.placed(plain)
    old, new = Counter(score.notes.tolist()), Counter(changed.notes.tolist())
    tracks = {row[6] for row in ((old - new) + (new - old))}
    files = {f for f in range(len(placed.tracks)) for t in tracks if placed.first[f] <= t < placed.first[f + 1]}
    starts = [extent.start - 8 for extent in placed.layout.tracks]
    where, at = {}, 14
    for index, chunk in enumerate(chunks(plain)):
        where[at] = index
        at += len(chunk)
    return {where[starts[f]] for f in files}


def one_file(path: Path, number: int, is_played: bool) -> tuple[Counter[str], dict[str, list[float]]]:
    """The counts and milliseconds of one file; `is_played`: also where it comes out with the same bytes."""
    found: Counter[str] = Counter()
    times: dict[str, list[float]] = {}
    data = path.read_bytes()
    if data[:4] != b"MThd":
        return found, times
    try:
        score = timed(times, "read", lambda: parse_midi(data))
    except MidiError:
        return found, {}
    found["files"] += 1
    out = timed(times, "write", lambda: midi_bytes(score))
    found["same bytes"] += out == data
    try:
        if int.from_bytes(data[10:12], "big") < len(tolerant_reader.placed(data).layout.tracks):
            raise ValueError("mido reads as many tracks as the header says")
        heard = play(data) if out != data or is_played else None
    except Exception:  # mido raises many kinds at odd files
        found["mido refuses"] += 1
        heard = None
    if out == data or heard is not None:
        alike = out == data or heard == play(out)
        found["compared"] += 1
        found["equal to a listener"] += alike
        if not alike:
            print("not equal to a listener:", path.name)
    else:
        print("comes out with other bytes, and mido does not read it:", path.name)
    if heard is not None:
        found["written anew"] += 1
        anew = timed(times, "write anew", lambda: written(score))
        equal = heard == play(anew)
        found["written anew: equal to a listener"] += equal
        if not equal:
            print("not equal when written anew:", path.name)
    theirs = as_symusic_reads(score)
    if len(theirs) == len(score):
        moved = Counter(score.notes[CONTENT].tolist()) - Counter(theirs.notes[CONTENT].tolist())
        found["notes"] += len(score)
        found["notes of another program"] += sum(moved.values())
        found["files with notes of another program"] += bool(moved)
    if len(score):
        edit(path.name, out, score, random.Random(number), found, times)
    try:
        peer = timed(times, "symusic read", lambda: symusic.Score.from_midi(data))
        timed(times, "symusic write", peer.dumps_midi)
    except Exception:  # what symusic refuses has no time of it
        pass
    return found, times


def corpus(folder: Path, count: int, played_every: int, log: FileLog) -> tuple[Counter[str], dict[str, list[float]]]:
    """All figures of one corpus."""
    found: Counter[str] = Counter()
    times: dict[str, list[float]] = {}
    for number, path in enumerate(midi_files(folder, count)):
        name = str(path.relative_to(folder))
        known = log.get(folder.name, name)
        own, own_times = known or one_file(path, number, number % played_every == 0)
        if known is None:
            log.add(folder.name, name, [own, own_times])
        found += Counter(own)
        for what, of in own_times.items():
            times.setdefault(what, []).extend(of)
    return found, times


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--files", type=int)
    parser.add_argument("--only", nargs="*", default=CORPORA)
    parser.add_argument("--played-every", type=int, default=8)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    count = 0
    log = FileLog(options.log)
    for name in options.only:
        found, times = corpus(options.corpora / name, options.files or sys.maxsize, options.played_every, log)
        count += found["files"]
        for part, whole in (
            ("same bytes", "files"), ("equal to a listener", "compared"),
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
