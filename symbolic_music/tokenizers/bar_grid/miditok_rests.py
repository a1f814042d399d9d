"""Rest tokens of MidiTok's REMI and CPWord."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# (beats, positions, resolution)
RESTS = [(0, p, 8) for p in range(1, 8)] + [(1, p, 4) for p in range(4)]
RESTS += [(b, p, 2) for b in range(2, 12) for p in range(2)] + [(12, 0, 2)]


def ticks(beats: list[tuple[int, int, int]], ticks_a_beat: int) -> Ints:
    """Lengths of (beats, positions, resolution) in ticks."""
    return np.array([(b * res + p) * ticks_a_beat // res for b, p, res in beats], np.int64)


def _rest_table(beat: int) -> tuple[Ints, Ints]:
    """(how many rests, how many ticks) the largest-first filling of each gap below the longest rest takes."""
    sizes = ticks(RESTS, beat)
    counts, filled = np.zeros(sizes[-1], np.int64), np.zeros(sizes[-1], np.int64)
    for gap in range(int(sizes[0]), int(sizes[-1])):
        largest = int(sizes[np.searchsorted(sizes, gap, side="right") - 1])
        counts[gap] = 1 + counts[gap - largest]
        filled[gap] = largest + filled[gap - largest]
    return counts, filled


_REST_TICKS = {beat: ticks(RESTS, beat) for beat in (8, 16)}
_REST_TABLE = {beat: _rest_table(beat) for beat in (8, 16)}


def fill(gap: Ints, beat: Ints) -> tuple[Ints, Ints, Ints]:
    """(index of the gap, rest) of all rests that fill gaps, largest first, and the ticks filled of each gap."""
    filled = np.zeros(len(gap), np.int64)
    counts = np.zeros(len(gap), np.int64)
    for one, sizes in _REST_TICKS.items():
        rows = np.flatnonzero((beat == one) & (gap >= sizes[0]))
        whole, left = np.divmod(gap[rows], sizes[-1])
        count, ticks_filled = _REST_TABLE[one]
        counts[rows], filled[rows] = whole + count[left], whole * sizes[-1] + ticks_filled[left]
    at = np.repeat(np.arange(len(gap)), counts)
    rest = np.empty(len(at), np.int64)
    left = gap.copy()
    place = np.cumsum(counts) - counts
    while len(rows := np.flatnonzero(counts > 0)):
        for one, sizes in _REST_TICKS.items():
            some = rows[beat[rows] == one]
            which = np.searchsorted(sizes, left[some], side="right") - 1
            rest[place[some]] = which
            left[some] -= sizes[which]
        place[rows] += 1
        counts[rows] -= 1
    return at, rest, filled
