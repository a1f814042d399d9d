"""A few made pieces of different kinds, and stores of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from symbolic_music.corpora.store.manifest import Piece, write_manifest, write_segment
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.score import CONTROL, METER, NOTE, TEMPO, Score, Track, note_table


def piano(seed: int, notes: int = 300) -> Score:
    """A piano with its pedal, a little off the beat, one tempo."""
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.integers(0, 60 * notes, notes))
    pedal = np.zeros(notes // 6, CONTROL)
    pedal["time"] = np.sort(rng.integers(0, 60 * notes, len(pedal)))
    pedal["number"], pedal["value"] = 64, rng.integers(0, 2, len(pedal)) * 127
    table = note_table(
        onset=onset, duration=rng.integers(10, 900, notes), pitch=rng.integers(25, 104, notes),
        velocity=rng.integers(1, 128, notes),
    )  # fmt: skip
    return Score(ticks_per_quarter=480, notes=table, controls=pedal, tracks=(Track(),))


def band(seed: int, notes: int = 240) -> Score:
    """Three tracks, one of them drums; changes of meter and tempo."""
    rng = np.random.default_rng(seed)
    table = np.zeros(notes, NOTE)
    table["onset"] = np.sort(rng.integers(0, 2 * notes, notes)) * 40
    table["duration"], table["pitch"] = rng.integers(1, 40, notes) * 24, rng.integers(30, 100, notes)
    table["velocity"], table["track"] = rng.integers(1, 128, notes), rng.integers(0, 3, notes)
    table["program"], table["channel"] = np.array([0, 33, 0])[table["track"]], np.array([0, 0, 9])[table["track"]]
    return Score(
        ticks_per_quarter=240,
        notes=table,
        tempos=np.array([(0, 400_000), (240 * 12, 650_000), (240 * 40, 500_000)], TEMPO),
        meters=np.array([(0, 3, 4), (240 * 12, 4, 4)], METER),
        tracks=(Track(), Track("", 33), Track("", 0, True)),
    )


def store_of(folder: Path, scores: list[Score], split: str = "train", segment: int = 3) -> NoteStore:
    """A store of these pieces, all of one split."""
    pieces = [(Piece(str(i), "0" * 64, split, len(s), s.duration), s) for i, s in enumerate(scores)]
    for number, at in enumerate(range(0, len(pieces), segment)):
        write_segment(folder, number, "plan", pieces[at : at + segment], [])
    write_manifest(folder, -(-len(pieces) // segment), "made", {})
    return NoteStore(folder)


def mixed_store(folder: Path) -> NoteStore:
    """Pianos, bands, a piece of one note, one without notes."""
    lone = Score(notes=note_table([(0, 100, 60)]), tracks=(Track(),))
    return store_of(folder, [piano(0), Score(), band(1), piano(2, 90), lone, band(3, 100), piano(4, 500)])
