"""Bars as sets of onsets, and their similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.evaluation.context.region import Case
from symbolic_music.score import Array

# Bars before and after a region that its bars are held against.
AROUND = 8
_SIXTEENTHS = 4
# A note is on the grid when it is this part of a step, or less, from it.
_WITHIN = 0.12
Pattern = frozenset[int]


def places(onsets: NDArray[np.int64], lines: NDArray[np.int64], quarter: int) -> NDArray[np.int64]:
    """Bar and nearest sixteenth in it of each onset: shape (notes, 2). What rounds up to a bar line begins that bar.

    Args:
        onsets: ticks.
        lines: ticks of bar lines, sorted, one after the last bar too.
        quarter: ticks of a quarter.
    """
    half = quarter / (2 * _SIXTEENTHS)
    shifted = onsets + half
    bar = np.searchsorted(lines, shifted, side="right") - 1
    bar = np.clip(bar, 0, len(lines) - 2)
    place = np.floor((shifted - lines[bar]) / (2 * half)).astype(np.int64)
    return np.stack([bar, np.maximum(place, 0)], axis=1)


def patterns(notes: Array, case: Case, pitches: bool = True) -> list[Pattern]:
    """Each bar of a piece as the set of its (sixteenth, pitch), or of its sixteenths alone."""
    out: list[set[int]] = [set() for _ in range(len(case.lines) - 1)]
    at = places(notes["onset"].astype(np.int64), case.lines, case.score.ticks_per_quarter)
    codes = at[:, 1] * 128 + (notes["pitch"] if pitches else 0)
    for bar, code in zip(at[:, 0].tolist(), codes.tolist(), strict=True):
        out[bar].add(code)
    return [frozenset(one) for one in out]


def jaccard(one: Pattern, other: Pattern) -> float:
    """The Jaccard index of two sets: 1 for equal sets, also for two empty ones."""
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def likeness(case: Case, written: Array, pitches: bool = True) -> float:
    """Mean over the bars of a region of the best Jaccard index with one of the eight bars before or after the region.

    Bars are sets of (sixteenth, pitch), or of sixteenths. Those around are the written tracks' own as they are in the
    piece; the region's do not count. Where a case says which bars are followed, it is these.
    """
    first, last = case.bars
    around = _of_tracks(case, case.own, pitches)
    near = around[max(0, first - AROUND) : first] + around[last : last + AROUND]
    if case.like is not None:
        near = around[slice(*case.bars_of(*case.like))]
    mine = _of_tracks(case, written, pitches)[first:last]
    if not near or not len(written):
        return float("nan")
    return float(np.mean([max(jaccard(one, other) for other in near) for one in mine]))


def repetition(case: Case, written: Array) -> float:
    """Mean over the bars of a region of the best Jaccard index with another bar of it; nan for a region of one."""
    first, last = case.bars
    mine = _of_tracks(case, written, True)[first:last]
    if last - first < 2 or not len(written):
        return float("nan")
    return float(np.mean([max(jaccard(a, b) for j, b in enumerate(mine) if j != i) for i, a in enumerate(mine)]))


def on_grid(case: Case, written: Array) -> float:
    """Share of the notes that begin within .12 of a step of a grid of sixteenths, or of one of triplets of eighths.

    The grid begins anew with each bar.
    """
    if not len(written):
        return float("nan")
    onsets = written["onset"].astype(np.int64)
    # A note that is early for a bar line is measured from that line.
    bar = places(onsets, case.lines, case.score.ticks_per_quarter)[:, 0]
    quarters = (onsets - case.lines[bar]) / case.score.ticks_per_quarter
    near = [np.abs(quarters * steps - np.rint(quarters * steps)) <= _WITHIN for steps in (_SIXTEENTHS, 3)]
    return float(np.logical_or(*near).mean())


def _of_tracks(case: Case, notes: Array, pitches: bool) -> list[Pattern]:
    """Patterns of all written tracks together, with the pitches of each kept separate."""
    if len(case.region.tracks) == 1:
        return patterns(notes, case, pitches)
    each: Sequence[list[Pattern]] = [
        [
            frozenset((track << 24) + code for code in bar)
            for bar in patterns(notes[notes["track"] == track], case, pitches)
        ]
        for track in case.region.tracks
    ]
    return [frozenset().union(*bars) for bars in zip(*each, strict=True)]
