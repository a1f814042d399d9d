"""Originality over a whole store: size of the index, time of a query, planted copies found, and what people share.

python benchmarks/originality.py STORE [--copies 40] [--seed 0] [--name originality_maestro]

Copies: twenty seconds of a training piece, three semitones off, seven per cent slower, onsets to 10 ms. A copy is
found when the nearest piece is its own, and placed when its longest passage in rhythm begins within a quarter of a
second of where it was taken. People: all pieces of the test split.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from arguments import arguments
from result_file import row, write_result

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.originality import build_index, open_index, originality
from symbolic_music.score import TEMPO, Score
from symbolic_music.transforms import clip

SECONDS, STRETCH, STEPS = 20.0, 1.07, 100


def copy_of(score: Score, start: float, semitones: int) -> Score:
    """Some seconds of a score, transposed, slower, in steps of 10 ms."""
    part = clip(score, start, start + SECONDS)
    notes = part.notes.copy()
    notes["onset"] = np.rint(part.onset_seconds * STRETCH * STEPS)
    notes["duration"] = np.maximum(1, np.rint((part.offset_seconds - part.onset_seconds) * STRETCH * STEPS))
    notes["pitch"] = notes["pitch"] + semitones
    return Score(STEPS, notes=notes, tempos=np.array([(0, 1_000_000)], TEMPO))


def main() -> None:
    asked = arguments(("store", Path), copies=40, seed=0, name="originality_maestro")
    store, rng = NoteStore(asked.store), np.random.default_rng(asked.seed)
    began = time.process_time()
    index = build_index(store)
    building = time.process_time() - began
    index = open_index(store)
    times, walls, found, placed, notes = [], [], 0, 0, []
    for piece in rng.choice(store.splits["train"], asked.copies, replace=False).tolist():
        score = store.music(piece)
        start = float(rng.uniform(0, max(1.0, score.duration - SECONDS - 1)))
        pitches = score.notes["pitch"]
        copy = copy_of(score, start, 3 if int(pitches.max()) <= 124 else -3)
        began, wall = time.process_time(), time.perf_counter()
        result = originality(copy, index)
        times.append(time.process_time() - began)
        walls.append(time.perf_counter() - wall)
        notes.append(len(copy))
        found += result.nearest == piece
        best = next((one for one in result.passages if one.rhythm and one.piece == piece), None)
        placed += best is not None and abs(best.source_start - start - best.start / STRETCH) < 0.25
    people = [originality(store.music(int(piece)), index) for piece in store.splits["test"]]
    longest, share = [one.longest for one in people], [one.share for one in people]
    figures = [
        ("index, bytes a note", index.bytes / int(index.starts[-1]), "bytes"),
        ("building, CPU seconds", building, "s"),
        ("query of 20 s, median CPU milliseconds", 1e3 * float(np.median(times)), "ms"),
        ("query of 20 s, 95 % CPU milliseconds", 1e3 * float(np.quantile(times, 0.95)), "ms"),
        ("query of 20 s, median milliseconds by the clock", 1e3 * float(np.median(walls)), "ms"),
        ("planted copies found", found / asked.copies, "share"),
        ("planted copies placed", placed / asked.copies, "share"),
        ("people, longest passage: median", float(np.median(longest)), "notes"),
        ("people, longest passage: 95 %", float(np.quantile(longest, 0.95)), "notes"),
        ("people, share of notes in passages: median", float(np.median(share)), "share"),
        ("people, share of notes in passages: 95 %", float(np.quantile(share, 0.95)), "share"),
    ]
    n = {"notes": int(index.starts[-1]), "copies": asked.copies, "notes_a_copy": round(float(np.mean(notes)), 1),
         "test_pieces": len(people)}  # fmt: skip
    write_result(asked.name, n, [row(*figure) for figure in figures], seed=asked.seed)


if __name__ == "__main__":
    main()
