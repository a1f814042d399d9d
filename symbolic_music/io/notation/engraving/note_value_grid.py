"""Round times in ticks to note values."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from symbolic_music.io.notation.engraving.rhythm import simplest
from symbolic_music.score import Array

# Denominators of a quarter that note values have: 128ths and tuplets of them.
_DENOMINATORS = frozenset(
    odd << k for odd, finest in ((1, 5), (3, 3), (5, 2), (7, 2), (9, 1), (11, 1), (13, 1), (15, 0))
    for k in range(finest + 1)
)  # fmt: skip
# What a part that is not on these is rounded to: 16ths and eighth triplets.
_ROUNDED = (4, 3)


def written_times(notes: Array, ticks_per_quarter: int) -> tuple[list[Fraction], list[Fraction]]:
    """Onset and end of each note in quarters.

    They stay as they are where all of them are times of 128ths and tuplets; else all are rounded, each to the nearer
    of 16ths and eighth triplets, and a note lasts at least one of them.
    """
    onsets = notes["onset"].astype(np.int64)
    ends = onsets + notes["duration"]
    times = {tick: simplest_of(tick, ticks_per_quarter) for tick in np.unique(np.concatenate([onsets, ends])).tolist()}
    if not all(time.denominator in _DENOMINATORS for time in times.values()):
        times = {tick: written_time(tick, ticks_per_quarter, True) for tick in times}
    begin = [times[tick] for tick in onsets.tolist()]
    end = [times[tick] for tick in ends.tolist()]
    return begin, [b + Fraction(1, max(4, b.denominator)) if e <= b else e for b, e in zip(begin, end, strict=True)]


def simplest_of(tick: int, ticks_per_quarter: int) -> Fraction:
    """A tick in quarters; what a fine grid of ticks had to round, such as 11ths, is the tuplet again."""
    exact = Fraction(tick, ticks_per_quarter)
    if exact.denominator in _DENOMINATORS or ticks_per_quarter < 5000:
        return exact
    whole, rest = divmod(tick, ticks_per_quarter)
    near = simplest(rest, ticks_per_quarter)
    return whole + near if near.denominator in _DENOMINATORS else exact


def written_time(tick: int, ticks_per_quarter: int, rounded: bool = False) -> Fraction:
    """A tick in quarters, on the grid that it is on, else (or when `rounded`) the nearer of 16ths and triplets."""
    exact = simplest_of(tick, ticks_per_quarter)
    if not rounded and exact.denominator in _DENOMINATORS:
        return exact
    whole, rest = divmod(exact, 1)
    places = [Fraction(round(rest * steps), steps) for steps in _ROUNDED]
    return whole + min(places, key=lambda place: abs(place - rest))
