"""What a new part of a band goes on with: the figure of its first bars, on the chords of the bars that follow.

Parts of songs keep a figure of a bar or two over a phrase: of two bars that lie two apart the rhythms of pianos,
guitars and strings share .55 to .75 of their onsets. A part that is drawn bar by bar wanders.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.theory import chord_intervals
from symbolic_music.tokenizers.region.events import Integers

# Bars of a figure, and bars after which a part has another.
FIGURE_BARS = 2
_SECTION = 16


def figures(playing: NDArray[np.bool_], is_whole: NDArray[np.bool_]) -> list[int]:
    """The bars of a region with which the figures of a part begin: the first two whole ones of each sixteen.

    Args:
        playing: in which bars of the region the part plays.
        is_whole: which of these bars lie in the region as a whole.
    """
    usable = playing & is_whole
    pairs = [bar for bar in range(len(usable) - 1) if usable[bar : bar + FIGURE_BARS].all()]
    return sorted({bar // _SECTION: bar for bar in reversed(pairs)}.values())


def repeated(
    notes: Integers,
    bars: tuple[int, int],
    span: tuple[int, int],
    bar_starts: Integers,
    chords: Sequence[tuple[int, str]],
    within: tuple[int, int],
    follows_roots: bool = False,
) -> Integers:
    """The notes of a figure for the bars of a span: its rhythm, on the chords there.

    Args:
        notes: time, duration and key of the figure and of others, sorted by time and key: (n, 3), in steps.
        bars: first bar of the figure, and the first after it.
        span: in steps.
        bar_starts: of the piece, in steps.
        chords: (step, name), sorted; each holds until the next, "-" is none.
        within: lowest and highest key.
        follows_roots: whether the notes move with the root of the chord, as those of basses do; those of other parts
            move to the nearest note of the chord.

    Returns:
        Time, duration and key, sorted by time and key: (n, 3).
    """
    own = np.searchsorted(bar_starts, notes[:, 0], side="right") - 1
    # A bar of rest in a figure is none of it: the part would rest in every second bar.
    filled = [bar for bar in range(*bars) if (own == bar).any()]
    low, high = (int(np.searchsorted(bar_starts, step, side="right")) - 1 for step in (span[0], span[1] - 1))
    out = list[tuple[int, int, int]]()
    for bar in range(low, high + 1) if filled else ():
        begin = int(bar_starts[bar])
        end = int(bar_starts[bar + 1]) if bar + 1 < len(bar_starts) else span[1]
        source = filled[(bar - bars[0]) % len(filled)]
        for time, duration, key in notes[own == source].tolist():
            at = begin + time - int(bar_starts[source])
            if span[0] <= at < min(end, span[1]):
                moved = _moved(key, _chord_at(chords, time), _chord_at(chords, at), follows_roots)
                moved = _into(moved, within)
                if out and out[-1][0] == at and moved <= out[-1][2]:
                    moved = _above(out[-1][2], _chord_at(chords, at))
                if moved <= within[1]:
                    out.append((at, min(duration, span[1] - at), moved))
    return np.array(out, np.int64).reshape(-1, 3)


def _chord_at(chords: Sequence[tuple[int, str]], step: int) -> tuple[int, frozenset[int]]:
    """Root and pitch classes of the chord at a step; no classes where there is none."""
    place = int(np.searchsorted([at for at, _ in chords], step, side="right")) - 1
    root, intervals = chord_intervals(chords[place][1]) if place >= 0 else (0, ())
    return root, frozenset((root + interval) % 12 for interval in intervals)


def _moved(key: int, old: tuple[int, frozenset[int]], new: tuple[int, frozenset[int]], follows_roots: bool) -> int:
    """A key over one chord, moved to where it lies over another."""
    if not old[1] or not new[1] or old == new:
        return key
    if follows_roots:
        moved = key + (new[0] - old[0] + 6) % 12 - 6
        return moved if key % 12 not in old[1] else _nearest(moved, new[1])
    if key % 12 in old[1]:
        return _nearest(key, new[1])
    # A note that passes keeps its distance from the note of the chord below it.
    below = next(key - step for step in range(12) if (key - step) % 12 in old[1])
    return _nearest(below, new[1]) + key - below


def _nearest(key: int, classes: frozenset[int]) -> int:
    return min((key + step for step in range(-6, 7) if (key + step) % 12 in classes), key=lambda at: abs(at - key))


def _above(key: int, chord: tuple[int, frozenset[int]]) -> int:
    """The next note of a chord above a key."""
    return next((key + step for step in range(1, 13) if (key + step) % 12 in chord[1]), key + 12)


def _into(key: int, within: tuple[int, int]) -> int:
    """A key in a range, by octaves."""
    while key < within[0] and key + 12 <= within[1]:
        key += 12
    while key > within[1] and key - 12 >= within[0]:
        key -= 12
    return key
