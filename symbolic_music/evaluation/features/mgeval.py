"""The nine features of mgeval, and how far two sets of pieces overlap in each (Yang and Lerch 2020).

Features are of the pitched notes in order of onset, then pitch. Of two sets the distances within each and between both
are taken, Euclidean, all pairs; their densities are estimated by Gaussian kernels (Scott's rule). The overlapped area
of the two densities is 1 when they are alike, their Kullback-Leibler divergence 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.features.muspy import measure_of
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score

Values = NDArray[np.float64]
# Lengths in parts of 96 of a bar: whole, half, quarter, eighth, sixteenth; the same dotted but the whole; triplets.
LENGTHS = np.array([96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8])
# Notes that begin this many seconds, or less, after another ended follow it (pretty_midi's default).
_FOLLOWS = 0.05
# Points at which densities are compared, and how many distances the kernels are put on at most.
_POINTS, _KERNELS = 1000, 4000


def features(score: Score) -> Mapping[str, Values]:
    """The nine features of a piece by mgeval's names; zeros for too few notes.

    total_used_pitch, total_used_note, pitch_range, avg_pitch_shift (semitones), avg_IOI (seconds): shape ();
    total_pitch_class_histogram and note_length_hist, which add up to 1: (12,); pitch_class_transition_matrix and
    note_length_transition_matrix, counts: (12, 12).
    """
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    notes = notes[np.lexsort((notes["pitch"], notes["onset"]))]
    pitch = notes["pitch"].astype(np.int64)
    start = score.seconds(notes["onset"])
    end = score.seconds(notes["onset"].astype(np.int64) + notes["duration"])
    lengths = _length_classes(notes["duration"], measure_of(score))
    return {
        "total_used_pitch": np.asarray(float(len(np.unique(pitch)))),
        "total_used_note": np.asarray(float(len(pitch))),
        "total_pitch_class_histogram": _shares(np.bincount(pitch % 12, end - start, 12).astype(np.float64)),
        "pitch_class_transition_matrix": _following(pitch % 12, start, end),
        "pitch_range": np.asarray(float(np.ptp(pitch)) if len(pitch) else 0.0),
        "avg_pitch_shift": np.asarray(float(np.abs(np.diff(pitch)).mean()) if len(pitch) > 1 else 0.0),
        "avg_IOI": np.asarray(float(start[-1] - start[0]) / (len(start) - 1) if len(start) > 1 else 0.0),
        "note_length_hist": _shares(np.bincount(lengths, minlength=12).astype(np.float64)),
        "note_length_transition_matrix": _pairs(lengths[:-1], lengths[1:]),
    }


@dataclass(frozen=True)
class Comparison:
    """A feature of two sets: mean distance within each and between both, and how far the latter two agree.

    overlap: area under both densities, that of distances between the sets and that of those within the second one.
    divergence: Kullback-Leibler, in nats, of the first from the second of these.
    """

    within_first: float
    within_second: float
    between: float
    overlap: float
    divergence: float


def compare(
    first: Sequence[Mapping[str, Values]], second: Sequence[Mapping[str, Values]], seed: int = 0
) -> Mapping[str, Comparison]:
    """Each feature of a set of pieces beside that of a set to compare with.

    Args:
        first, second: of `features`, at least three of each.
        seed: of which distances the kernels are put on, where there are more than 4,000.

    Raises:
        EvaluationError: for fewer than three pieces.
    """
    if min(len(first), len(second)) < 3:
        raise EvaluationError(f"distances need three pieces of each set at least, not {len(first)} and {len(second)}")
    out = {}
    for name in first[0]:
        one, other = (np.stack([np.ravel(piece[name]) for piece in pieces]) for pieces in (first, second))
        within_one, within_other, between = _within(one), _within(other), _distances(one, other).ravel()
        overlap, divergence = agreement(between, within_other, seed)
        first_mean, second_mean, mean = (float(one.mean()) for one in (within_one, within_other, between))
        out[name] = Comparison(first_mean, second_mean, mean, overlap, divergence)
    return out


def agreement(first: Values, second: Values, seed: int = 0) -> tuple[float, float]:
    """Overlapped area of the densities of two samples, and the divergence in nats of the first from the second.

    Both are integrated over the range of the two samples together, at 1,000 points. Samples of one value each agree
    fully when it is the same one, and not at all otherwise.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        alike = np.ptp(np.concatenate([first, second])) == 0
        return (1.0, 0.0) if alike else (0.0, float("inf"))
    points = np.linspace(min(first.min(), second.min()), max(first.max(), second.max()), _POINTS)
    one, other = _density(first, points, seed), _density(second, points, seed)
    overlap = float(np.trapezoid(np.minimum(one, other), points))
    tiny = np.finfo(np.float64).tiny
    p, q = (np.maximum(density, tiny) / np.maximum(density, tiny).sum() for density in (one, other))
    return min(overlap, 1.0), float((p * (np.log(p) - np.log(q))).sum())


def _density(sample: Values, points: Values, seed: int) -> Values:
    """A Gaussian kernel density estimate with Scott's bandwidth, at these points."""
    deviation = float(sample.std(ddof=1))
    width = deviation * len(sample) ** -0.2
    if len(sample) > _KERNELS:
        sample = np.random.default_rng(seed).choice(sample, _KERNELS, replace=False)
    out = np.zeros(len(points))
    for part in np.array_split(sample, -(-len(sample) // 500)):
        out += np.exp(-0.5 * ((points[:, None] - part) / width) ** 2).sum(axis=1)
    return np.asarray(out / (len(sample) * width * np.sqrt(2 * np.pi)))


def _distances(one: Values, other: Values) -> Values:
    """Euclidean, all pairs: shape (n, m)."""
    if one.shape[1] == 1:
        return np.asarray(np.abs(one - other.T))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _within(one: Values) -> Values:
    """Distances between different members of a set, shape (n (n - 1) / 2,)."""
    return np.asarray(_distances(one, one)[np.triu_indices(len(one), 1)])


def _length_classes(durations: NDArray[np.int32], measure: int) -> NDArray[np.int64]:
    parts = durations * (96 / measure)
    return np.asarray(np.abs(parts[:, None] - LENGTHS).argmin(axis=1))


def _following(classes: NDArray[np.int64], start: Values, end: Values) -> Values:
    """Counts of (pitch class, that of a note that begins as it ends, within 50 ms either way), shape (12, 12)."""
    order = np.argsort(start, kind="stable")
    first = np.searchsorted(start[order], end - _FOLLOWS, side="right")
    last = np.searchsorted(start[order], end + _FOLLOWS, side="left")
    counts = np.maximum(last - first, 0)
    source = np.repeat(np.arange(len(classes)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    target = order[place]
    return _pairs(classes[source], classes[target])


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64]) -> Values:
    return np.bincount(12 * one + other, minlength=144).reshape(12, 12).astype(np.float64)


def _shares(values: Values) -> Values:
    return values / values.sum() if values.sum() else values
