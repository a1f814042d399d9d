"""An embedding of pieces by counted features: small, deterministic and versioned by name.

Distances between sets of pieces need vectors. Learnt ones, such as CLaMP's, capture more; this one needs no weights: 96
numbers, shares as their square roots (so that distances are Hellinger's) and the rest in units in which pieces differ
by about one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.evaluation.features.muspy import polyphony
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Array, Score
from symbolic_music.theory import likely_key

NAME = "features-96"
SIZE = 96
Vector = NDArray[np.float64]
# Octaves of quarters: from a sixty-fourth to four whole notes.
_LENGTHS = np.arange(-4, 4)
# Pitches of the kit: kicks, snares, hats, toms, all others.
_KIT = {35: 0, 36: 0, 37: 1, 38: 1, 39: 1, 40: 1, 42: 2, 44: 2, 46: 2, 41: 3, 43: 3, 45: 3, 47: 3, 48: 3, 50: 3}


def embed(score: Score) -> Vector:
    """The vector of a piece, shape (96,); zeros for what a piece has not."""
    drums = score.notes["channel"] == DRUM_CHANNEL
    pitched, hits = score.notes[~drums], score.notes[drums]
    parts = [
        _pitch_classes(score, pitched),
        _intervals(pitched),
        *_times(score, pitched),
        _places(score, pitched),
        _places(score, hits),
        _families(pitched),
        _kit(hits),
        _amounts(score, pitched, hits),
    ]
    out = np.concatenate(parts)
    assert out.shape == (SIZE,)
    return out


def _shares(codes: Array, size: int) -> Vector:
    counts = np.bincount(codes, minlength=size)[:size].astype(np.float64)
    return np.sqrt(counts / counts.sum()) if counts.sum() else counts


def _pitch_classes(score: Score, notes: Array) -> Vector:
    """Above the tonic of the likeliest key: 12."""
    tonic = (likely_key(score) or 0) % 12
    return _shares((notes["pitch"].astype(np.int64) - tonic) % 12, 12)


def _intervals(notes: Array) -> Vector:
    """From each note of a track to the next, an octave either way: 15, by semitones to the fifth and then coarser."""
    order = np.lexsort((notes["pitch"], notes["onset"], notes["track"]))
    pitch, track = notes["pitch"][order].astype(np.int64), notes["track"][order]
    steps = np.diff(pitch)[np.diff(track.astype(np.int64)) == 0]
    coarse = np.sign(steps) * np.select([np.abs(steps) <= 5, np.abs(steps) <= 8], [np.abs(steps), 6], 7)
    return _shares(coarse + 7, 15)


def _times(score: Score, notes: Array) -> list[Vector]:
    """Durations, and steps from onset to onset within a track, by octaves of a quarter: 8 each."""
    order = np.lexsort((notes["onset"], notes["track"]))
    onset, track = notes["onset"][order].astype(np.int64), notes["track"][order].astype(np.int64)
    steps = np.diff(onset)[(np.diff(track) == 0) & (np.diff(onset) > 0)]
    out = []
    for ticks in (np.maximum(notes["duration"], 1), steps):
        octave = np.floor(np.log2(ticks / score.ticks_per_quarter) + 0.5).astype(np.int64)
        out.append(_shares(np.clip(octave, _LENGTHS[0], _LENGTHS[-1]) - _LENGTHS[0], len(_LENGTHS)))
    return out


def _places(score: Score, notes: Array) -> Vector:
    """Onsets by the twelfth of a quarter: 12."""
    twelfths = np.floor(notes["onset"].astype(np.int64) * 12 / score.ticks_per_quarter + 0.5).astype(np.int64) % 12
    return _shares(twelfths, 12)


def _families(notes: Array) -> Vector:
    """General MIDI's sixteen families of instruments: 16."""
    return _shares(notes["program"].astype(np.int64) // 8, 16)


def _kit(hits: Array) -> Vector:
    """Kicks, snares, hats, toms and the rest: 5."""
    return _shares(np.array([_KIT.get(pitch, 4) for pitch in hits["pitch"].tolist()], np.int64), 5)


def _amounts(score: Score, pitched: Array, hits: Array) -> Vector:
    """How much, how high, how loud: 8."""
    quarters = max(1.0, float(score.beats(score.end)))
    seconds = max(1.0, score.duration)
    heights = pitched["pitch"].astype(np.float64) if len(pitched) else np.zeros(1)
    loudness = score.notes["velocity"].astype(np.float64) if len(score) else np.zeros(1)
    at_once = polyphony(score)
    return np.array(
        [
            np.log2(1 + len(pitched) / quarters) / 2,
            np.log2(1 + len(hits) / quarters) / 2,
            np.log2(1 + len(score) / seconds) / 2,
            heights.mean() / 12,
            heights.std() / 8,
            loudness.mean() / 32,
            loudness.std() / 16,
            np.log2(at_once) if np.isfinite(at_once) and at_once > 0 else 0.0,
        ]
    )
