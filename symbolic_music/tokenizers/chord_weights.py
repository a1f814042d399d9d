"""Chord recognition of the compound words' authors: weighted sums over beats and pairs of beats.

Source: Hsiao et al. 2021 (arXiv 2101.02402) use the public `chorder`; these are its rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
QUALITIES = ("M", "m", "o", "+", "sus2", "sus4", "7", "M7", "m7", "o7", "/o7")
_MAJOR, _MINOR, _DIM, _AUG, _SUS2, _SUS4, _DOM, _MAJOR7, _MINOR7, _DIM7, _HALF_DIM7 = range(11)
# What a tick of each pitch class, in semitones above the root, adds to the first six qualities.
_WEIGHTS = np.array(
    [
        [10, -2, -1, -2, 10, -5, -2, 10, -2, -1, -2, 0],
        [10, -2, -1, 10, -2, -5, -2, 10, -1, -2, 0, -2],
        [10, -2, -1, 10, -2, -1, 10, -2, -2, 1, -1, -2],
        [10, -2, -1, -2, 10, -1, -2, -2, 10, -1, -2, 0],
        [10, -2, 5, -2, -1, -5, -2, 5, -2, -1, -2, 0],
        [10, -2, -1, -2, -5, 5, -2, 5, -2, -1, -2, 0],
    ]
)
# The same for every root: a pitch class adds _BY_ROOT[class, 6 * root + quality].
_BY_ROOT = np.array([[_WEIGHTS[q, (c - r) % 12] for r in range(12) for q in range(6)] for c in range(12)], np.float64)
# (quality, semitones from bass up to root) -> the quality that the chord has when its bass is its root.
_ON_BASS = np.full((6, 12), -1)
_ON_BASS[_DIM, 4], _ON_BASS[_DIM, 3] = _DOM, _DIM7
_ON_BASS[_MAJOR, 3] = _MINOR7
_ON_BASS[_MINOR, 4], _ON_BASS[_MINOR, 3] = _MAJOR7, _HALF_DIM7
_ON_BASS[_SUS2, 5], _ON_BASS[_SUS4, 7] = _SUS4, _SUS2
# Only notes of the last ten onsets before a window, and of those inside, are heard in it.
_ONSETS_HEARD = 10


def beat_chords(start: Ints, end: Ints, pitch: Ints, beat: int = 480) -> tuple[Ints, Ints, Ints]:
    """Root (0-11), quality (index into QUALITIES) and bass of each beat; -1 where there is no chord.

    Two beats share a chord unless each alone scores at least as much as half the score of both together.

    Args:
        start, end, pitch: of the notes, in ticks, shape (notes,), in order of start.
        beat: ticks a beat.
    """
    last = int(end.max()) + 1 if len(end) else 0
    beats, pairs = -(-last // beat), -(-last // (2 * beat))
    one, one_score = _window_chords(start, end, pitch, beat, beats)
    two, two_score = _window_chords(start, end, pitch, 2 * beat, pairs)
    # A window past the end stands in for the missing second beat of the last pair.
    first, second = one_score[0 : 2 * pairs : 2], np.append(one_score, np.inf)[1 : 2 * pairs : 2]
    alone = (first >= two_score / 2) & (second >= two_score / 2)
    if beats % 2:
        alone[-1] = first[-1] > two_score[-1] / 2
    chosen = np.where(np.repeat(alone, 2)[:beats], one, np.repeat(two, 2, axis=1)[:, :beats])
    return chosen[0], chosen[1], chosen[2]


def _window_chords(start: Ints, end: Ints, pitch: Ints, length: int, windows: int) -> tuple[Ints, NDArray[np.float64]]:
    """((root, quality, bass), score) of windows of this length; a window without chord has -1 in all."""
    span, classes = _spans(start, end, pitch, length, windows)
    loud = span >= length / 8
    bass = np.where(loud.any(axis=1), loud.argmax(axis=1) % 12, -1)
    scores = classes @ _BY_ROOT
    scores.reshape(windows, 12, 6)[classes == 0] = -np.inf  # only what sounds can be a root
    best = scores.argmax(axis=1)
    score = scores[np.arange(windows), best]
    root, quality = np.divmod(best, len(_WEIGHTS))
    found = score >= 10 * length
    on_bass = np.where(bass >= 0, _ON_BASS[quality, (root - bass) % 12], -1)
    root = np.where(on_bass >= 0, bass, root)
    quality = np.where(on_bass >= 0, on_bass, quality)
    row = np.arange(windows)
    seventh, major_seventh = classes[row, (root + 10) % 12], classes[row, (root + 11) % 12]
    major, minor = quality == _MAJOR, quality == _MINOR
    quality = np.where(major & (major_seventh > seventh), _MAJOR7, quality)
    quality = np.where(major & (seventh > major_seventh), _DOM, quality)
    quality = np.where(minor & (seventh > 0), _MINOR7, quality)
    complete = found & (bass >= 0)
    return np.where(complete, np.stack([root, quality, bass]), -1), np.where(found, score, -1.0)


def _spans(
    start: Ints, end: Ints, pitch: Ints, length: int, windows: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ticks that each pitch and each pitch class sounds in each window, of notes that are heard there.

    Shapes (windows, 128) and (windows, 12).
    """
    new = np.append(True, start[1:] != start[:-1])[: len(start)]
    onsets, onset = start[new], np.cumsum(new) - 1
    passed = np.searchsorted(onsets, length * np.arange(windows))  # onsets before each window
    first = start // length
    heard = np.searchsorted(passed, onset + _ONSETS_HEARD, side="right") - 1
    count = np.maximum(np.minimum(np.minimum(end // length, heard), windows - 1) - first + 1, 0)
    note = np.repeat(np.arange(len(start)), count)
    window = first[note] + np.arange(len(note)) - np.repeat(np.cumsum(count) - count, count)
    ticks = np.minimum(end[note], (window + 1) * length) - np.maximum(start[note], window * length)

    def summed(what: Ints, size: int) -> NDArray[np.float64]:
        total = np.bincount(window * size + what, weights=ticks, minlength=windows * size)
        return np.asarray(total.reshape(windows, size), np.float64)

    return summed(pitch[note], 128), summed(pitch[note] % 12, 12)
