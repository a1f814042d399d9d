"""The grid of a piece: ticks on which new notes begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.edits.notes import exact_grid
from symbolic_music.generation.regions import Span
from symbolic_music.score import Array, Score

# Quarters: sixteenths and triplets of eighths.
_USUAL = (1 / 4, 1 / 3)
# A piece is on the grid if this share of its onsets is.
_SHARE = 0.95


def grid_lines(score: Score, span: Span, quarters: float) -> NDArray[np.int64]:
    """The lines of a grid within a span, counted from each bar line, in ticks."""
    lines = score.bars(span[1])
    lines = lines[int(np.searchsorted(lines, span[0], side="right")) - 1 :]
    step = exact_grid(quarters) * score.ticks_per_quarter
    ends = [*lines[1:].tolist(), span[1]]
    found = [np.arange(line, end - 0.5, step) for line, end in zip(lines.tolist(), ends, strict=True)]
    ticks = np.unique(np.rint(np.concatenate(found)).astype(np.int64))
    return ticks[(ticks >= span[0]) & (ticks < span[1])]


def near_line(score: Score) -> int:
    """Ticks within which an end is on a line: more than a step of any model."""
    return max(1, score.ticks_per_quarter // 24)


def asked_grid(lines: NDArray[np.int64], onset: int, end: int, near: int) -> tuple[int, int]:
    """A note that was drawn for a line, on it; an end within `near` ticks of a line is on that."""
    line, stop = _nearest(lines, onset), _nearest(lines, end)
    return line, stop if stop > line and abs(end - stop) <= near else max(end, line + 1)


def has_usual_grid(score: Score, given: Array) -> bool:
    """Whether nearly all given notes begin on sixteenths and triplets."""
    if not len(given):
        return False
    whole = 0, int(given["onset"].max()) + 1
    return bool(np.isin(given["onset"], usual_lines(score, whole)).mean() >= _SHARE)


def usual_lines(score: Score, span: Span) -> NDArray[np.int64]:
    """Sixteenths and triplets within a span, in ticks."""
    return np.unique(np.concatenate([grid_lines(score, span, quarters) for quarters in _USUAL]))


def usual_grid(lines: NDArray[np.int64], onset: int, end: int, near: int) -> tuple[int, int]:
    """A note that was drawn anywhere, on the nearest line. What did not overlap does not.

    An end within `near` ticks of a line is on that; others move with the onset.
    """
    line, stop = _nearest(lines, onset), _nearest(lines, end)
    if stop <= line:
        return line, line + max(1, min(end - onset, near))
    return line, stop if abs(end - stop) <= near else max(line + 1, min(end + line - onset, stop))


def _nearest(lines: NDArray[np.int64], tick: int) -> int:
    """The line nearest to a tick; of two the earlier."""
    at = int(np.searchsorted(lines, tick))
    around = lines[max(0, at - 1) : at + 1]
    return int(around[np.argmin(np.abs(around - tick))])
