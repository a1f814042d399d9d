"""Which bars of a piece are like those of a region, by everything that is given around and within it.

Songs repeat: where the other tracks play what they play in the region, a part most likely does what it does in the
region too, however far away that is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.tokenizers.region.events import GridEvents, Integers
from symbolic_music.tokenizers.region.rows import STEPS

_SIXTEENTH = STEPS // 4
# Bars before and after a region that are compared too, the same where nothing is given within it, and the bars of a
# region at most.
_AROUND, _AROUND_ALONE, _MOST_BARS = 2, 4, 24
# Bars of the region count this many times as much as those around it.
_WITHIN = 2.0
# What is expected before bars are compared, and as how many bars it counts: how alike two bars of a song of Lakh are
# that lie one to three bars apart, and a multiple of four (the means of 60 songs).
_USUAL_NEAR, _USUAL_PHRASE, _USUAL_COUNTS = 0.23, 0.31, 2.0


def bar_likeness(
    events: GridEvents, is_given: NDArray[np.bool_], own: NDArray[np.bool_], span: tuple[int, int]
) -> NDArray[np.float64]:
    """For each bar how alike the stretch is in which it stands where a bar of the region would: 0 to 1, (bars,).

    Two bars are as alike as the Jaccard index of their notes (slot, sixteenth, key). A stretch that lies some bars
    from the region is as alike as its bars in the mean; a bar has the best of its stretches. Bars of the region have 0.

    Args:
        events: of the piece.
        is_given: which notes are known, (notes,).
        own: notes of the tracks that are written; in the region the others alone are compared.
        span: first bar of the region, and the first after it.
    """
    first, end = span[0], min(span[1], span[0] + _MOST_BARS)
    bars = len(events.bar_starts)
    mean, target = offset_likeness(events, is_given, own, span), np.arange(bars)
    found = np.zeros(bars)
    for bar in range(first, end):
        np.maximum(found, mean[target - bar + bars], out=found)
    found[first : span[1]] = 0.0
    return found


def offset_likeness(
    events: GridEvents, is_given: NDArray[np.bool_], own: NDArray[np.bool_], span: tuple[int, int]
) -> NDArray[np.float64]:
    """For each offset in bars how alike the stretch at that offset is to the region and the bars around it: (2 bars,).

    The mean over those of these bars in which anything is given, see `bar_likeness`, which has the same arguments, and
    over what is usual: songs repeat by phrases of four bars. Offset 0, in the middle, has 0.
    """
    first, end = span[0], min(span[1], span[0] + _MOST_BARS)
    bars = len(events.bar_starts)
    within = (events.bar >= first) & (events.bar < end)
    around = _AROUND if (is_given & ~own & within).any() else _AROUND_ALONE
    low, high = max(0, first - around), min(bars, end + around)
    place = (events.time - events.bar_starts[events.bar] + _SIXTEENTH // 2) // _SIXTEENTH
    code = (events.slot * 4096 + place) * 512 + events.keys()
    own_score, weight = np.zeros(2 * bars), np.zeros(2 * bars)
    target = np.arange(bars)
    for bar in range(low, high):
        is_within = first <= bar < end
        known = is_given & ~own if is_within else is_given
        if not (known & (events.bar == bar)).any():
            continue
        alike = _jaccard(code[known], events.bar[known], bar, bars)
        # Offset of each bar from this one, moved up to be an index.
        at = target - bar + bars
        valid = (target < first) | (target >= span[1])
        factor = _WITHIN if is_within else 1.0
        own_score[at[valid]] += factor * alike[valid]
        weight[at[valid]] += factor
    usual = np.where((np.arange(2 * bars) - bars) % 4 == 0, _USUAL_PHRASE, _USUAL_NEAR)
    expected = (own_score + _USUAL_COUNTS * usual) / (weight + _USUAL_COUNTS)
    mean = np.where(weight >= 2 * _WITHIN, expected, 0.0)
    mean[bars] = 0.0
    return np.asarray(mean)


def _jaccard(code: Integers, bar: Integers, one: int, bars: int) -> NDArray[np.float64]:
    """The likeness of one bar with all bars, (bars,)."""
    pairs = np.unique(bar * (1 << 32) + code)
    bar, code = pairs >> 32, pairs & (1 << 32) - 1
    sizes = np.bincount(bar, minlength=bars)
    shared = np.bincount(bar[np.isin(code, code[bar == one])], minlength=bars)
    return np.asarray(shared / np.maximum(sizes + sizes[one] - shared, 1))
