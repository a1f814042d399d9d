"""MIDI file to performance events and back, beside note-seq 0.0.5 in an interpreter of its own.

    python benchmarks/tokenizers_performance.py speed MAESTRO_FOLDER --noteseq-python PYTHON [--files 200]
    python benchmarks/tokenizers_performance.py parity FOLDER --noteseq-python PYTHON [--files 60]

note_seq_peer.py says how to make that interpreter. `speed` stores medians in
benchmarks/results/tokenizers_performance.json, with the peak of memory that encoding takes; all in processor time,
since others may use the machine. `parity` says in how many files the ids are note-seq's, and stores that in
benchmarks/results/parity_performance_FOLDER.json: once where each reads the file, and once where note-seq is handed the
notes that we read, which leaves pretty_midi's reading out.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import symusic
from arguments import parser_of
from result_file import row as result_row
from result_file import write_result
from tokenizers_remi_compound import midi_files

from symbolic_music import Score, read, tokenizers
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.tokenizers.performance.encoding import summed_seconds

PRESETS = ("default", "score2perf")
PEER = "note-seq 0.0.5"
MS = "ms of processor time a file"


class NoteSeq:
    """note-seq in a process of its own."""

    def __init__(self, python: Path) -> None:
        script = Path(__file__).with_name("note_seq_peer.py")
        self._process = subprocess.Popen(
            [str(python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"OMP_NUM_THREADS": "1"},
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to a question of note_seq_peer.py."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("error: note-seq's interpreter ended; benchmarks/note_seq_peer.py says what it needs")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def read(self, path: Path) -> dict[str, Any]:
        """Its answer for a file that it reads itself."""
        return self.ask(path=str(path))

    def given(self, score: Score) -> dict[str, Any]:
        """Its answer for the notes of a score."""
        notes, ends = score.notes, score.notes["onset"].astype(np.int64) + score.notes["duration"]
        pedal = score.controls[score.controls["number"] == 64]
        columns = (
            summed_seconds(score, notes["onset"]),
            summed_seconds(score, ends),
            notes["pitch"],
            notes["velocity"],
            notes["channel"] == DRUM_CHANNEL,
            notes["track"],
        )
        moves = (summed_seconds(score, pedal["time"]), pedal["value"], pedal["track"])
        return self.ask(
            notes=list(zip(*(c.tolist() for c in columns), strict=True)),
            pedal=list(zip(*(c.tolist() for c in moves), strict=True)),
        )


def milliseconds(work: Callable[[Any], Any], items: list[Any]) -> float:
    """Median over the items of the quickest of three calls each, after a warm-up, in processor time."""
    work(items[0])
    taken = []
    for item in items:
        calls = []
        for _ in range(3):
            start = time.process_time()
            work(item)
            calls.append(1e3 * (time.process_time() - start))
        taken.append(min(calls))
    return statistics.median(taken)


def peak(work: Callable[[Any], Any], item: Any) -> int:
    """Most bytes held at once by a call, its result included."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work(item)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


def speed(folder: Path, count: int, peer_count: int, noteseq: NoteSeq) -> None:
    """File to ids, and ids to score, of every preset; a window of 1,024 ids; memory."""
    files = midi_files(folder, count)
    noteseq.read(files[0])
    theirs = [[noteseq.read(path) for _ in range(3)] for path in files[:peer_count]]
    their_encode, their_decode = (
        statistics.median(min(answer[key] for answer in answers) for answers in theirs)
        for key in ("encode_ms", "decode_ms")
    )
    rows = [row("read", milliseconds(read, files), milliseconds(symusic.Score, files), "symusic.Score", MS)]
    scores = [read(path) for path in files]
    for preset in PRESETS:
        ours = tokenizers.get("performance", preset=preset)
        encode = milliseconds(lambda path, t=ours: t.encode(read(path)), files)
        rows.append(row(f"{preset}: file to ids", encode, their_encode, PEER, MS))
        encoded = [ours.encode(score) for score in scores]
        rows.append(row(f"{preset}: ids to score", milliseconds(ours.decode, encoded), their_decode, PEER, MS))
        rows.append(row(f"{preset}: score to ids", milliseconds(ours.encode, scores), 0, "", MS))
        rows.append(row(f"{preset}: check of ids", milliseconds(ours.grammar.violation, encoded), 0, "", MS))
        # Notes that make about 1,024 ids, cut out of the middle.
        windows = []
        for score, ids in zip(scores, encoded, strict=True):
            part = score.duration * 1024 / max(len(ids), 1)
            windows.append((score, score.duration / 2, score.duration / 2 + part))
        cut = milliseconds(lambda w, t=ours: t.encode(w[0].clip(w[1], w[2])), windows)
        rows.append(
            row(f"{preset}: clip and encode a window of 1,024 ids", cut, 0, "", "ms of processor time a window")
        )
        clipped = [score.clip(start, end) for score, start, end in windows]
        cut = milliseconds(ours.encode, clipped)
        rows.append(row(f"{preset}: encode a window of 1,024 ids", cut, 0, "", "ms of processor time a window"))
        memory = statistics.median(peak(ours.encode, score) / score.notes.nbytes for score in scores)
        rows.append(row(f"{preset}: peak memory of encode", memory, 0, "", "x the note table"))
    write_result("tokenizers_performance", len(files), rows)


def parity(folder: Path, count: int, noteseq: NoteSeq) -> None:
    """How many files have exactly note-seq's ids, and its notes back."""
    files = midi_files(folder, count)
    tokenizer = tokenizers.get("performance")
    found: Counter[str] = Counter()
    for path in files:
        theirs = noteseq.read(path)
        try:
            # Notes that never end are left out by all three: pretty_midi, note-seq and our encode.
            score = read(path).without_hanging()
        except SymbolicMusicError as error:
            print(f"not read: {error}", file=sys.stderr)
            continue
        if "error" in theirs:
            print(f"not read by note-seq: {path}: {theirs['error']}", file=sys.stderr)
            continue
        ids = tokenizer.encode(score).tolist()
        given = noteseq.given(score)
        found["compared"] += 1
        found["equal"] += ids == theirs["ids"]
        found["given"] += ids == given.get("ids")
        found["back"] += notes_back(tokenizer, theirs["ids"]) == [tuple(note) for note in theirs["notes"]]
        if ids != given.get("ids"):
            print(f"different from the same notes: {path}: {given.get('error', '')}", file=sys.stderr)
        elif ids != theirs["ids"]:
            reason = "order" if notes_read(score) == notes_told(theirs["read"]) else "notes"
            found[reason] += 1
            print(f"different, {reason}: {path}", file=sys.stderr)
    compared = found["compared"]
    rows = [
        row(label, found[key], compared, PEER, "files")
        for key, label in (
            ("given", "equal ids, note-seq given the notes that we read"),
            ("equal", "equal ids, each reading the file"),
            ("notes", "different ids, pretty_midi reads other notes"),
            ("order", "different ids, pretty_midi reads the same notes in another order"),
            ("back", "equal notes decoded from note-seq's ids"),
        )
    ]
    write_result(f"parity_performance_{folder.name}", len(files), rows)


def notes_back(tokenizer: Any, ids: list[int]) -> list[tuple[int, ...]]:
    """The notes that our decode makes of ids."""
    notes = tokenizer.decode(ids).notes
    return sorted(tuple(note) for note in notes[["onset", "duration", "pitch", "velocity"]].tolist())


def notes_read(score: Score) -> Counter[Any]:
    """The notes of a score as note-seq tells its own, in microseconds."""
    ends = score.notes["onset"].astype(np.int64) + score.notes["duration"]
    columns = (
        summed_seconds(score, score.notes["onset"]),
        summed_seconds(score, ends),
        score.notes["pitch"],
        score.notes["velocity"],
        score.notes["channel"] == DRUM_CHANNEL,
    )
    return notes_told(zip(*(c.tolist() for c in columns), strict=True))


def notes_told(notes: Any) -> Counter[Any]:
    """A bag of notes (start, end, pitch, velocity, is_drum), times in microseconds."""
    return Counter((round(1e6 * start), round(1e6 * end), *rest) for start, end, *rest in notes)


def row(metric: str, ours: float, peers: float, peer_name: str, unit: str) -> dict[str, Any]:
    """One row of a result; the ratio says how many times smaller (of files: which part) ours is."""
    ratio = None
    if peer_name:
        ratio = round(peers / ours, 1) if unit.startswith("ms") else round(ours / max(peers, 1), 4)
    return result_row(metric, ours, unit, peers if peer_name else None, peer_name or None, ratio)


def main() -> None:
    """Parse arguments, measure, print and store."""
    parser = parser_of(("what", ["speed", "parity"]), ("folder", Path), files=200, peer_files=24)
    parser.add_argument("--noteseq-python", type=Path, required=True)
    args = parser.parse_args()
    noteseq = NoteSeq(args.noteseq_python)
    if args.what == "speed":
        speed(args.folder, args.files, args.peer_files, noteseq)
    else:
        parity(args.folder, args.files, noteseq)


if __name__ == "__main__":
    main()
