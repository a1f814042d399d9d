"""Agreement of new notes with the rest of their track: density, range, durations, polyphony."""

from __future__ import annotations

import math

import numpy as np

from symbolic_music.evaluation.context.region import Case
from symbolic_music.score import Array

_SIXTEENTHS = 4
# A sixteenth with this many times as many notes as the track has anywhere else is a pile.
_PILE = 2
_NAN = float("nan")


def empty(case: Case, written: Array) -> float:
    """1 when nothing was written where the original had notes."""
    return float(not len(written)) if len(case.original) else _NAN


def density(case: Case, written: Array) -> float:
    """Octaves between the number of notes and the original's: 1 for twice or half as many."""
    if not len(written) or not len(case.original):
        return _NAN
    return abs(math.log2(len(written) / len(case.original)))


def density_kept(case: Case, written: Array) -> float:
    """1 when there are half to twice as many notes as in the original."""
    if not len(case.original):
        return _NAN
    return float(0.5 <= len(written) / len(case.original) <= 2)


def pile(case: Case, written: Array) -> float:
    """1 when in some sixteenth more than twice as many notes begin as in any other of the track's own."""
    if not len(case.own):
        return _NAN
    return float(_most_together(case, written) > _PILE * _most_together(case, case.own))


def in_range(case: Case, written: Array) -> float:
    """Share of the notes between the lowest and the highest of their own track elsewhere."""
    inside, count = 0, 0
    for track in case.region.tracks:
        own = case.own["pitch"][case.own["track"] == track]
        mine = written["pitch"][written["track"] == track]
        if len(own):
            inside += int(((mine >= own.min()) & (mine <= own.max())).sum())
            count += len(mine)
    return inside / count if count else _NAN


def polyphony(case: Case, written: Array) -> float:
    """Octaves between the mean number of notes at once, where any sounds, and that of the tracks elsewhere."""
    if not len(written) or not len(case.own):
        return _NAN
    return abs(math.log2(at_once(written) / at_once(case.own)))


def note_length(case: Case, written: Array) -> float:
    """Octaves between the median duration and that of the tracks elsewhere."""
    if not len(written) or not len(case.own):
        return _NAN
    mine, own = (max(1.0, float(np.median(notes["duration"]))) for notes in (written, case.own))
    return abs(math.log2(mine / own))


def at_once(notes: Array) -> float:
    """Mean number of notes that sound, over the time in which any does; a note lasts a tick at least."""
    start = notes["onset"].astype(np.int64)
    end = start + np.maximum(notes["duration"], 1)
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    before = np.concatenate([[start[0]], np.maximum.accumulate(end)[:-1]])
    covered = np.maximum(0, end - np.maximum(start, before)).sum()
    return float((end - start).sum() / covered)


def _most_together(case: Case, notes: Array) -> int:
    """The most notes of one track that begin in one sixteenth of the piece's grid."""
    if not len(notes):
        return 0
    step = case.score.ticks_per_quarter / _SIXTEENTHS
    place = np.floor(notes["onset"] / step + 0.5).astype(np.int64)
    return int(np.unique((place << 16) + notes["track"], return_counts=True)[1].max())
