"""The borders between new and given notes, and changes to given notes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from symbolic_music.evaluation.context.bar_similarity import jaccard, patterns
from symbolic_music.evaluation.context.region import Case
from symbolic_music.score import Array, Score

_NAN = float("nan")


def leap(case: Case, written: Array) -> float:
    """Semitones over the borders between the highest notes that begin last before one and first after it.

    The mean over both borders and the written tracks, of those with a note within a bar to either side.
    """
    leaps = [
        abs(_highest(before, -1) - _highest(after, 0))
        for before, after, place in _meetings(case, written)
        if place - before["onset"][-1] <= _bar(case) and after["onset"][0] - place <= _bar(case)
    ]
    return float(np.mean(leaps)) if leaps else _NAN


def gap(case: Case, written: Array) -> float:
    """Quarters by which the time without onsets over a border differs from the original's; the mean over borders."""
    new = [int(after["onset"][0]) - int(before["onset"][-1]) for before, after, _ in _meetings(case, written)]
    old = [int(after["onset"][0]) - int(before["onset"][-1]) for before, after, _ in _meetings(case, case.original)]
    if not new or len(new) != len(old):
        return _NAN
    return float(np.abs(np.subtract(new, old)).mean() / case.score.ticks_per_quarter)


def same_as_original(case: Case, written: Array) -> float:
    """Jaccard index of the region's (bar, sixteenth, pitch) with the original's: 1 when all is written back."""
    codes = [
        frozenset((bar << 40) + code for bar, one in enumerate(patterns(notes, case)) for code in one)
        for notes in (written, case.original)
    ]
    return jaccard(*codes) if len(written) else _NAN


def lost(case: Case, edited: Score) -> float:
    """Given things that are gone or changed: notes outside the region, controllers, bends, tempos, meters, keys, texts.

    What was added outside the region counts too. An edit that keeps its promise has 0.
    """
    total = 0
    for name in ("notes", "controls", "bends", "tempos", "meters", "keys"):
        old, new = getattr(case.score, name), getattr(edited, name)
        if name == "notes":
            old, new = old[~case.region.mask(old)], new[~case.region.mask(new)]
        ours, theirs = Counter(old.tolist()), Counter(new.tolist())
        total += ((ours - theirs) + (theirs - ours)).total()
    ours_texts, theirs_texts = Counter(case.score.texts), Counter(edited.texts)
    return float(total + ((ours_texts - theirs_texts) + (theirs_texts - ours_texts)).total())


def _meetings(case: Case, written: Array) -> list[tuple[Array, Array, int]]:
    """For each written track and border with notes on both sides: the notes before, the notes after, and the tick."""
    region, out = case.region, []
    for track in region.tracks:
        own = case.own[case.own["track"] == track]
        mine = written[written["track"] == track]
        mine = mine[np.argsort(mine["onset"], kind="stable")]
        if len(mine):
            before, after = own[own["onset"] < region.first], own[own["onset"] >= region.last]
            out += [(before, mine, region.first)] if len(before) else []
            out += [(mine, after, region.last)] if len(after) else []
    return out


def _highest(notes: Array, at: int) -> int:
    """The highest pitch of those that begin with the first (0) or last (-1) of sorted notes."""
    return int(notes["pitch"][notes["onset"] == notes["onset"][at]].max())


def _bar(case: Case) -> int:
    first = case.bars[0]
    return int(case.lines[first + 1] - case.lines[first])
