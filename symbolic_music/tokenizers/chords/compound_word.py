"""Chord recognition of the compound words' authors: weighted sums over beats and pairs of beats.

Source: Hsiao et al. 2021 (arXiv 2101.02402) use the public `chorder`; these are its rules.
"""

from __future__ import annotations

from typing import Any

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
# The same for every root: a pitch class adds _ADDED[class, 6 * root + quality], and a silent one, below these, takes
# from the qualities that have it as their root what no music can add.
_ADDED = [[_WEIGHTS[q, (c - r) % 12] for r in range(12) for q in range(6)] for c in range(12)] + [
    [-1e15 * (c == r) for r in range(12) for _ in range(6)] for c in range(12)
]
_BY_ROOT: NDArray[Any] = np.array(_ADDED, np.float32)
_BY_ROOT_DOUBLE: NDArray[Any] = np.array(_ADDED, np.float64)
# (quality, semitones from bass up to root) -> the quality that the chord has when its bass is its root.
_ON_BASS = np.full((6, 12), -1)
_ON_BASS[_DIM, 4], _ON_BASS[_DIM, 3] = _DOM, _DIM7
_ON_BASS[_MAJOR, 3] = _MINOR7
_ON_BASS[_MINOR, 4], _ON_BASS[_MINOR, 3] = _MAJOR7, _HALF_DIM7
_ON_BASS[_SUS2, 5], _ON_BASS[_SUS4, 7] = _SUS4, _SUS2
# Only notes of the last ten onsets before a window, and of those inside, count.
_ONSETS_BEFORE = 10
_BLOCK = 256  # beats, an even number


def beat_chords(start: Ints, end: Ints, pitch: Ints, beat: int = 480) -> tuple[Ints, Ints, Ints]:
    """Root (0-11), quality (index into QUALITIES) and bass of each beat; -1 where there is no chord.

    Two beats share a chord unless each alone scores at least as much as half the score of both together.

    Args:
        start, end, pitch: of the notes, in ticks, shape (notes,), in order of start.
        beat: ticks a beat.
    """
    last = int(end.max()) + 1 if len(end) else 0
    beats = -(-last // beat)
    if not beats:
        none = np.zeros(0, np.int64)
        return none, none, none
    # In blocks, each with its notes: what a long piece takes at once would not stay in the cache.
    new = np.append(True, start[1:] != start[:-1])
    onsets = np.flatnonzero(new)
    parts = []
    for first in range(0, beats, _BLOCK):
        earliest = max(int(np.searchsorted(start[onsets], first * beat)) - _ONSETS_BEFORE, 0)
        notes = slice(int(onsets[min(earliest, len(onsets) - 1)]), int(np.searchsorted(start, (first + _BLOCK) * beat)))
        columns = start[notes] - first * beat, end[notes] - first * beat, pitch[notes], new[notes]
        parts.append(_block_chords(*columns, beat, min(_BLOCK, beats - first)))
    chosen = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    return chosen[0], chosen[1], chosen[2]


def _block_chords(start: Ints, end: Ints, pitch: Ints, new: NDArray[np.bool_], beat: int, beats: int) -> Ints:
    """Root, quality and bass of each beat, shape (3, beats). `new` marks the first note of each onset."""
    pairs = -(-beats // 2)
    # Windows of one beat, then windows of two.
    begins = np.concatenate([np.arange(beats) * beat, np.arange(pairs) * (2 * beat)])
    lengths = np.repeat([beat, 2 * beat], [beats, pairs])
    low = int(pitch.min(initial=127))
    spans = _spans(start, end, pitch, new, low, beat, beats, begins, lengths)
    chord, score = _window_chords(*spans, low, lengths)
    one, two = chord[:, :beats], chord[:, beats:]
    two_score = score[beats:]
    # A window past the end stands in for the missing second beat of the last pair.
    first, second = score[0 : 2 * pairs : 2][:pairs], np.append(score[:beats], np.inf)[1 : 2 * pairs : 2]
    alone = (first >= two_score / 2) & (second >= two_score / 2)
    if beats % 2:
        alone[-1] = first[-1] > two_score[-1] / 2
    return np.where(np.repeat(alone, 2)[:beats], one, np.repeat(two, 2, axis=1)[:, :beats])


def _window_chords(
    span: NDArray[np.int32], classes: NDArray[np.int32], low: int, lengths: Ints
) -> tuple[Ints, NDArray[np.float64]]:
    """((root, quality, bass), score) of windows of these lengths; a window without chord has -1 in all."""
    row = np.arange(len(lengths))
    loud = span >= (-(-lengths // 8)).astype(np.int32)[:, None]
    lowest = loud.argmax(axis=1)
    bass = np.where(loud[row, lowest], (lowest + low) % 12, -1)
    # Whole numbers, which single precision holds unless hundreds of notes sound at once.
    by_root = _BY_ROOT if classes.max(initial=0) < 2**24 / 120 else _BY_ROOT_DOUBLE
    # Only what sounds can be a root.
    scores = np.concatenate([classes, classes == 0], axis=1, dtype=by_root.dtype) @ by_root
    best = scores.argmax(axis=1)
    score = scores[row, best]
    root, quality = np.divmod(best, len(_WEIGHTS))
    found = score >= 10 * lengths
    on_bass = np.where(bass >= 0, _ON_BASS[quality, (root - bass) % 12], -1)
    moved = on_bass >= 0
    root = np.where(moved, bass, root)
    quality = np.where(moved, on_bass, quality)
    seventh, major_seventh = classes[row, (root + 10) % 12], classes[row, (root + 11) % 12]
    major, minor = quality == _MAJOR, quality == _MINOR
    quality[major & (major_seventh > seventh)] = _MAJOR7
    quality[major & (seventh > major_seventh)] = _DOM
    quality[minor & (seventh > 0)] = _MINOR7
    complete = found & (bass >= 0)
    return np.where(complete, np.stack([root, quality, bass]), -1), np.where(found, score, -1.0)


def _spans(
    start: Ints,
    end: Ints,
    pitch: Ints,
    new: NDArray[np.bool_],
    low: int,
    beat: int,
    beats: int,
    begins: Ints,
    lengths: Ints,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ticks that each pitch from `low` on, and each pitch class, sounds in each window.

    Shapes (windows, pitches) and (windows, 12).
    """
    windows = len(begins)
    passed = np.searchsorted(start[new], begins)  # onsets before each window
    onset = np.cumsum(new) + (_ONSETS_BEFORE - 1)
    first, final = start // beat, end // beat
    # Each note in the windows of one beat, then each in those of two: from its first to its last.
    last_one = np.minimum(np.searchsorted(passed[:beats], onset, side="right"), beats) - 1
    last_two = np.minimum(np.searchsorted(passed[beats:], onset, side="right"), windows - beats) - 1
    begin = np.concatenate([np.maximum(first, 0), np.maximum(first // 2, 0) + beats])
    stop = np.concatenate([np.minimum(final, last_one), np.minimum(final // 2, last_two) + beats])
    count = np.maximum(stop - begin + 1, 0)
    which = np.repeat(np.arange(len(count)), count)
    window = np.arange(len(which)) + (begin - np.cumsum(count) + count)[which]
    note = which % len(start) if len(start) else which
    at = begins[window]
    ticks = (np.minimum(end[note], at + lengths[window]) - np.maximum(start[note], at)).astype(np.int32)
    key = pitch[note]

    def summed(what: Ints, size: int) -> NDArray[np.int32]:
        total = np.zeros(windows * size, np.int32)
        np.add.at(total, window * size + what, ticks)
        return total.reshape(windows, size)

    return summed(key - low, int(pitch.max(initial=low)) - low + 1), summed(key % 12, 12)
