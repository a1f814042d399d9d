"""Agreement of pitched notes with the key of the piece and with other tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.evaluation.context.region import Case
from symbolic_music.score import Array
from symbolic_music.theory import likely_key

# Pitch classes of a key above its tonic: major, and minor with its leading tone.
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10, 11)
# What begins this part of a quarter after a note, or sooner, begins with it: a sixty-fourth.
_TOGETHER = 16


def in_key(case: Case, written: Array) -> float:
    """Share of the notes in the likeliest key of the piece (Krumhansl 1990), the minor ones with their leading tone.

    The region's own notes do not count towards the key.
    """
    outside = case.score.notes[~case.region.mask(case.score.notes)]
    key = likely_key(case.score.replace(notes=outside))
    if key is None or not len(written):
        return float("nan")
    classes = [(key + step) % 12 for step in (_MAJOR if key < 12 else _MINOR)]
    return float(np.isin(written["pitch"] % 12, classes).mean())


def sounding(case: Case, onsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pitches sound in the other tracks at these ticks: shape (onsets, 128). Notes end before their last tick."""
    others = case.others
    start = others["onset"].astype(np.int64) - case.score.ticks_per_quarter // _TOGETHER
    end = others["onset"].astype(np.int64) + np.maximum(others["duration"], 1)
    near = np.flatnonzero((end > onsets.min(initial=0)) & (start <= onsets.max(initial=0)))
    out = np.zeros((len(onsets), 128), bool)
    # By notes, not by all pairs: a region has few onsets, a piece many notes.
    for i in near.tolist():
        out[(onsets >= start[i]) & (onsets < end[i]), others["pitch"][i]] = True
    return out


def classes_beside(case: Case, written: Array) -> NDArray[np.bool_]:
    """Which pitch classes above a note's own sound in another track when it begins: shape (notes, 12), for those notes
    under which any does.
    """
    context = sounding(case, written["onset"].astype(np.int64))
    classes = np.stack([context[:, step::12].any(axis=1) for step in range(12)], axis=1)
    above = (written["pitch"].astype(np.int64)[:, None] + np.arange(12)) % 12
    return np.asarray(np.take_along_axis(classes, above, axis=1)[classes.any(axis=1)])


def in_chord(case: Case, written: Array) -> float:
    """Share of the notes whose pitch class sounds in another track when they begin, of those under which any does."""
    beside = classes_beside(case, written)
    return float(beside[:, 0].mean()) if len(beside) else float("nan")


def clashes(case: Case, written: Array) -> float:
    """Share of the notes a semitone, in any octave, from one of another track when they begin, of those as above."""
    beside = classes_beside(case, written)
    return float((beside[:, 1] | beside[:, 11]).mean()) if len(beside) else float("nan")
