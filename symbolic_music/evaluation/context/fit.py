"""The fit of an alternative to its surroundings: one score, the mean of several shares."""

from __future__ import annotations

import math

from symbolic_music.evaluation.context.metrics import measure
from symbolic_music.evaluation.context.region import Case, EditRegion
from symbolic_music.score import Score

# Name in `evaluation.context` -> what a musician calls it, and whether less is better.
_PARTS: dict[str, tuple[str, bool]] = {
    "in_key": ("in the key", False),
    "in_chord": ("in the chords of the others", False),
    "clashes": ("clashes", True),
    "on_grid": ("on the grid", False),
    "likeness": ("drums like the track's own", False),
    "likeness_rhythm": ("rhythm like the track's own", False),
    "likeness_rhythm_pitch": ("rhythm and pitches like the track's own", False),
    "in_range": ("in the track's range", False),
    "piles": ("piled notes", True),
    "empties": ("empty bars", True),
}


def fit(
    edited: Score, first: int, last: int, tracks: tuple[int, ...], like: tuple[int, int] | None = None
) -> tuple[float | None, dict[str, float]]:
    """The mean of the shares, 0 to 1 (None where none is defined), and the shares by name.

    Args:
        edited: the piece with what was written; what is around is the same as before.
        first, last: ticks of what was written.
        tracks: that were written.
        like: ticks of the bars whose style they follow; None for those around.
    """
    found = measure(Case(edited, EditRegion(first, last, tracks), like=like), edited)
    shares: dict[str, float] = {}
    for_it = []
    for name, (words, less) in _PARTS.items():
        value = found.get(name, math.nan)
        if not math.isnan(value):
            shares[words] = round(value, 3)
            for_it.append(1 - value if less else value)
    return (round(sum(for_it) / len(for_it), 4) if for_it else None), shares
