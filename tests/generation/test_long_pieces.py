"""What an edit costs does not grow with the piece."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.generation import Region
from symbolic_music.generation.regions import spans_of
from symbolic_music.score import TEMPO, Score, Track, note_table
from tests.generation.untouched import check, ours, published


def orchestra(minutes: float, tracks: int = 20, seed: int = 0) -> Score:
    """So many instruments, the last of them drums, two notes a second each; the tempo changes every minute."""
    rng = np.random.default_rng(seed)
    count = int(minutes * 60 * 2) * tracks
    track = np.tile(np.arange(tracks), count // tracks)
    ticks = int(minutes * 60 * 960)
    notes = note_table(
        onset=np.sort(rng.integers(0, ticks, count)), duration=rng.integers(40, 900, count),
        pitch=rng.integers(30, 100, count), velocity=rng.integers(40, 110, count), track=track,
        program=np.where(track == tracks - 1, 0, 5 * track), channel=np.where(track == tracks - 1, 9, 0),
    )  # fmt: skip
    tempos = np.array([(minute * 57_600, 500_000) for minute in range(int(minutes))], TEMPO)
    parts = tuple(Track("", 5 * i if i < tracks - 1 else 0, i == tracks - 1) for i in range(tracks))
    return Score(notes=notes, tempos=tempos, tracks=parts)


def peak(score: Score, make) -> int:
    """Most bytes held at once, of those that Python and NumPy ask for, while an edit in the middle is drawn."""
    middle = score.duration / 2
    regions, tracks = [Region(middle, middle + 2)], [0, 7, 19]
    model = make()
    tracemalloc.start()
    try:
        written = generation.edit(score, regions, tracks, model, seed=1).finish()[0]
        found = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(written.notes)
    check(score, written, spans_of(score, regions), tracks)
    return found


@pytest.mark.parametrize("model", [ours, published])
def test_half_an_hour_of_twenty_instruments_in_bounded_memory(model) -> None:
    short, long = orchestra(2), orchestra(30)
    assert len(long) == 72_000
    assert long.duration > 1795
    # Beside a few tables of the size of the score itself, the longer piece takes no more than the short one.
    assert peak(long, model) - peak(short, model) < 8 * (long.notes.nbytes - short.notes.nbytes)
