"""Sketches of pieces: a few hundred numbers that near-duplicates share in any key, tempo and resolution.

In each part the highest note of each onset makes a line. Every run of 8 notes of a line is hashed from its intervals
in semitones and from whether each time between onsets is much shorter than, about equal to, or much longer than the
one before. Neither transposition nor tempo changes that; a wrong note changes the runs that it is in; a part more or
less leaves those of the others. Of the distinct hashes the smallest 256 are kept: a bottom-k sketch, from which the
overlap of two sets can be estimated (Broder 1997; Cohen and Kaplan 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Array, Score

SKETCH = "sketch"
# Notes of a run; hashes of a sketch.
RUN, SIZE = 8, 256
# Steps of a run that lead to another pitch, at least.
_MOVES = 3
# Times between onsets are about equal within a factor of 1.19: a triplet eighth is not an eighth, a played one is.
_EQUAL = 0.25
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint32]


def sketch(score: Score) -> Hashes:
    """The smallest hashes of a piece's runs, sorted, at most 256, shape (n,).

    Runs that hardly leave a pitch are left out, for they are in all kinds of music. A piece of drums only, or without
    any other run, has none.
    """
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    track, onset, pitch = (notes[name].astype(np.int64) for name in ("track", "onset", "pitch"))
    order = np.lexsort((-pitch, onset, track))
    track, onset, pitch = track[order], onset[order], pitch[order]
    highest = np.ones(len(track), bool)
    highest[1:] = (track[1:] != track[:-1]) | (onset[1:] != onset[:-1])
    track, onset, pitch = track[highest], onset[highest], pitch[highest]
    runs = len(track) - RUN + 1
    if runs < 1:
        return np.zeros(0, np.uint32)
    interval, gap = np.diff(pitch), np.diff(onset).astype(np.float64)
    # A code a note: the interval to it and how its gap is to the one before; both are only requested inside a track.
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log2(gap[1:] / gap[:-1])
    longer = np.where(change > _EQUAL, 2, np.where(change < -_EQUAL, 0, 1))
    hashed = np.zeros(runs, np.uint64)
    moves = np.zeros(runs, np.int64)
    for place in range(RUN - 1):
        step = interval[place : place + runs]
        code = (step + 128) * 4
        if place:
            code = code + 1 + longer[place - 1 : place - 1 + runs]
        hashed = _mixed(hashed + code.astype(np.uint64) + _STEP)
        moves += step != 0
    whole = track[RUN - 1 :] == track[:runs]
    values = (hashed[whole & (moves >= _MOVES)] >> np.uint64(32)).astype(np.uint32)
    return np.unique(values)[:SIZE]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele et al. 2014): every bit depends on every other."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return np.asarray(values ^ (values >> np.uint64(31)))


def joined_sketches(sketches: Sequence[Hashes]) -> dict[str, Array]:
    """Sketches as two arrays: the hashes one after another, and where each sketch starts, shape (n + 1,)."""
    start = np.cumsum([0, *map(len, sketches)]).astype(np.uint32)
    return {"hashes": np.concatenate([np.zeros(0, np.uint32), *sketches]), "start": start}


def split_sketches(hashes: Hashes, start: NDArray[np.uint32]) -> list[Hashes]:
    """The inverse of `joined_sketches`."""
    return [hashes[a:b] for a, b in pairwise(start)]
