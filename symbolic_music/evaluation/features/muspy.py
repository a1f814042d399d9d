"""MusPy's metrics, equal to those of MusPy 0.5 on the same notes (Dong et al. 2020), without its loops.

Drums are left out of what is about pitch, and pitched notes of what is about drums. A piece ends with its last note or
controller event. nan stands for what is not defined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.score import DRUM_CHANNEL, Array, Score

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_NAN = math.nan


def features(score: Score, measure: int | None = None) -> Mapping[str, float]:
    """All of MusPy's metrics that need no argument but the length of a measure, by its names.

    Args:
        score: a piece.
        measure: ticks of a measure; None for that of the first meter, 4/4 where there is none.
    """
    bar = measure_of(score) if measure is None else measure
    alone = (n_pitches_used, n_pitch_classes_used, pitch_range, empty_beat_rate, scale_consistency,
             drum_pattern_consistency, pitch_entropy, pitch_class_entropy)  # fmt: skip
    found = {metric.__name__: float(metric(score)) for metric in alone}
    at_once = _at_once(score)
    found["polyphony"] = _polyphony(*at_once)
    found["polyphony_rate"] = _polyphony_rate(*at_once, 2, _end(score))
    found["empty_measure_rate"] = empty_measure_rate(score, bar)
    found["groove_consistency"] = groove_consistency(score, bar)
    return found


def measure_of(score: Score) -> int:
    """Ticks of a bar of the first meter; of 4/4 where there is none."""
    if not len(score.meters):
        return 4 * score.ticks_per_quarter
    first = score.meters[0]
    return max(1, int(4 * score.ticks_per_quarter * int(first["numerator"]) // max(1, int(first["denominator"]))))


def n_pitches_used(score: Score) -> int:
    """Different pitches."""
    return int((np.bincount(_pitches(score), minlength=128) > 0).sum())


def n_pitch_classes_used(score: Score) -> int:
    """Different pitch classes."""
    return int((_classes(score) > 0).sum())


def pitch_range(score: Score) -> int:
    """Semitones from the lowest to the highest pitch; 0 without notes, and -127 with drums alone, as MusPy has it."""
    pitches = _pitches(score).astype(np.int64)
    if not len(score):
        return 0
    return int(pitches.max() - pitches.min()) if len(pitches) else -127


def empty_beat_rate(score: Score) -> float:
    """Share of the quarters that no note of any track touches; the one in which the piece ends counts."""
    return _empty_rate(score, score.ticks_per_quarter)


def empty_measure_rate(score: Score, measure: int) -> float:
    """The same of stretches of `measure` ticks from the beginning on."""
    return _empty_rate(score, _checked(measure))


def polyphony(score: Score) -> float:
    """Mean number of different pitches at once, where any sounds."""
    return _polyphony(*_at_once(score))


def _polyphony(lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    sounding = lengths[counts > 0].sum()
    return float((lengths * counts).sum() / sounding) if sounding else _NAN


def polyphony_rate(score: Score, threshold: int = 2) -> float:
    """Share of the time in which more than `threshold` different pitches sound."""
    return _polyphony_rate(*_at_once(score), threshold, _end(score))


def _polyphony_rate(lengths: NDArray[np.int64], counts: NDArray[np.int64], threshold: int, end: int) -> float:
    return float(lengths[counts > threshold].sum() / end) if end else _NAN


def pitch_in_scale_rate(score: Score, root: int, mode: str) -> float:
    """Share of the notes in a scale.

    Raises:
        OptionError: unless `mode` is major or minor.
    """
    if mode not in _SCALES:
        raise OptionError(f"a mode is major or minor, not {mode!r}")
    classes = _classes(score)
    inside = classes[[(root + step) % 12 for step in _SCALES[mode]]].sum()
    return float(inside / classes.sum()) if classes.sum() else _NAN


def scale_consistency(score: Score) -> float:
    """The largest share of the notes in one of the 24 major and minor scales."""
    classes = _classes(score)
    if not classes.sum():
        return _NAN
    inside = [classes[(root + np.array(scale)) % 12].sum() for scale in _SCALES.values() for root in range(12)]
    return float(max(inside) / classes.sum())


def drum_in_pattern_rate(score: Score, meter: str) -> float:
    """Share of the drum notes on quarters of a quarter note ("duple") or thirds of one ("triple").

    Where a quarter has no such ticks only its beginning counts, as in MusPy; the same for halves.

    Raises:
        OptionError: for another meter.
    """
    if meter not in ("duple", "triple"):
        raise OptionError(f"a meter is duple or triple, not {meter!r}")
    quarter = score.ticks_per_quarter
    onsets = score.notes["onset"][score.notes["channel"] == DRUM_CHANNEL]
    if not len(onsets):
        return _NAN
    steps = next((n for n in ((4, 2) if meter == "duple" else (3,)) if quarter % n == 0), 1)
    return float((onsets % quarter % (quarter // steps) == 0).mean())


def drum_pattern_consistency(score: Score) -> float:
    """The larger of the rates of both meters."""
    return max(drum_in_pattern_rate(score, "duple"), drum_in_pattern_rate(score, "triple"))


def pitch_entropy(score: Score) -> float:
    """Entropy in bits of the histogram of pitches."""
    return _entropy(np.bincount(_pitches(score), minlength=128))


def pitch_class_entropy(score: Score) -> float:
    """Entropy in bits of the histogram of pitch classes."""
    return _entropy(_classes(score))


def groove_consistency(score: Score, measure: int) -> float:
    """One less the mean share of ticks at which just one of two neighbouring measures has an onset."""
    measure = _checked(measure)
    count = _end(score) // measure + 1
    if count < 2:
        return _NAN
    onsets = np.unique(score.notes["onset"].astype(np.int64))
    both = int(np.isin(onsets + measure, onsets, assume_unique=True).sum())
    # Each onset is seen with the measure before and the one after; the first and last have one neighbour.
    alone = int((onsets < measure).sum() + (onsets >= measure * (count - 1)).sum())
    return float(1 - (2 * len(onsets) - alone - 2 * both) / (measure * (count - 1)))


METRICS = {
    "n_pitches_used": n_pitches_used,
    "n_pitch_classes_used": n_pitch_classes_used,
    "pitch_range": pitch_range,
    "empty_beat_rate": empty_beat_rate,
    "empty_measure_rate": empty_measure_rate,
    "polyphony": polyphony,
    "polyphony_rate": polyphony_rate,
    "pitch_in_scale_rate": partial(pitch_in_scale_rate, root=0, mode="major"),
    "scale_consistency": scale_consistency,
    "drum_in_pattern_rate": partial(drum_in_pattern_rate, meter="duple"),
    "drum_pattern_consistency": drum_pattern_consistency,
    "pitch_entropy": pitch_entropy,
    "pitch_class_entropy": pitch_class_entropy,
    "groove_consistency": groove_consistency,
}


def _pitches(score: Score) -> Array:
    return np.asarray(score.notes["pitch"][score.notes["channel"] != DRUM_CHANNEL])


def _classes(score: Score) -> NDArray[np.int64]:
    return np.bincount(_pitches(score) % 12, minlength=12)


def _end(score: Score) -> int:
    return max(score.end, int(score.controls["time"][-1]) if len(score.controls) else 0)


def _checked(measure: int) -> int:
    if measure < 1:
        raise OptionError(f"a measure has at least one tick, not {measure}")
    return measure


def _empty_rate(score: Score, step: int) -> float:
    end = _end(score)
    if end < 1:
        return _NAN
    count = end // step + 1
    start = score.notes["onset"].astype(np.int64)
    last = (start + score.notes["duration"]) // step
    change = np.bincount(start // step, minlength=count + 1) - np.bincount(last + 1, minlength=count + 1)
    return float((np.cumsum(change)[:count] == 0).sum() / count)


def _at_once(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches of time: how many ticks each has, and how many different pitches sound in it."""
    notes = score.notes
    sounding = (notes["channel"] != DRUM_CHANNEL) & (notes["duration"] > 0)
    if not sounding.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # Pitches one after the other on one line of time: there the union of each pitch's notes is one running maximum.
    apart = np.int64(score.end + 1)
    start = notes["onset"][sounding] + notes["pitch"][sounding] * apart
    order = np.argsort(start, kind="stable")
    start, end = start[order], (start + notes["duration"][sounding])[order]
    reach = np.maximum.accumulate(end)
    first = np.append(True, start[1:] > reach[:-1])
    last = np.append(first[1:], True)
    times = np.concatenate([start[first] % apart, reach[last] % apart])
    sign = np.repeat([1, -1], int(first.sum()))
    order = np.argsort(times, kind="stable")
    return np.diff(times[order]), np.cumsum(sign[order])[:-1]


def _entropy(counts: NDArray[np.int64]) -> float:
    if not counts.sum():
        return _NAN
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
