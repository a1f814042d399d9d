"""MusPy's metrics, equal to those of MusPy 0.5 on the same notes (Dong et al. 2020), without its loops.

Drums are left out of what is about pitch, and pitched notes of what is about drums. A piece ends with its last note or
controller event. nan stands for what is not defined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.io.midi.sounding import Sounding, read_sounding, sounding
from symbolic_music.score import Score

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Which pitch classes each of the 24 scales has, shape (24, 12).
_ALL_SCALES = np.array(
    [[(step - root) % 12 in scale for step in range(12)] for scale in _SCALES.values() for root in range(12)], np.int64
)
_NAN = math.nan


def features(score: Score, measure: int | None = None) -> Mapping[str, float]:
    """All of MusPy's metrics that need no argument but the length of a measure, by its names.

    Args:
        score: a piece.
        measure: ticks of a measure; None for that of the first meter, 4/4 where there is none.
    """
    return features_of(sounding(score), measure)


def features_of_file(path: str | Path, measure: int | None = None) -> Mapping[str, float]:
    """`features` of a MIDI file, of which nothing else is read: several times faster than by a Score.

    Raises:
        FileError: when the file cannot be opened.
        MidiError: when it is not MIDI.

    Examples:
        >>> from symbolic_music.evaluation.features import muspy
        >>> muspy.features_of_file("song.mid") == muspy.features(song)
        True
    """
    return features_of(read_sounding(path), measure)


def features_of(piece: Sounding, measure: int | None = None) -> Mapping[str, float]:
    """`features` of the columns of a piece."""
    bar = _measure(piece) if measure is None else _checked(measure)
    pitches, at_once, quarter = _histogram(piece), _at_once(piece), piece.ticks_per_quarter
    classes, spans = _classes(pitches), (piece.onset, piece.onset + piece.duration, piece.end)
    return {
        "n_pitches_used": float((pitches > 0).sum()),
        "n_pitch_classes_used": float((classes > 0).sum()),
        "pitch_range": float(_range(pitches, len(piece.onset))),
        "empty_beat_rate": _empty_rate(*spans, quarter),
        "polyphony": _polyphony(*at_once),
        "polyphony_rate": _polyphony_rate(*at_once, 2, piece.end),
        "scale_consistency": _scale_consistency(classes),
        "drum_pattern_consistency": _pattern_consistency(piece),
        "pitch_entropy": _entropy(pitches),
        "pitch_class_entropy": _entropy(classes),
        "empty_measure_rate": _empty_rate(*spans, bar),
        "groove_consistency": _groove_consistency(piece.onset, piece.end, bar),
    }


def measure_of(score: Score) -> int:
    """Ticks of a bar of the first meter; of 4/4 where there is none."""
    return _measure(sounding(score))


def _measure(piece: Sounding) -> int:
    numerator, denominator = piece.meter
    return max(1, 4 * piece.ticks_per_quarter * numerator // max(1, denominator))


def n_pitches_used(score: Score) -> int:
    """Different pitches."""
    return int((_histogram(sounding(score)) > 0).sum())


def n_pitch_classes_used(score: Score) -> int:
    """Different pitch classes."""
    return int((_classes(_histogram(sounding(score))) > 0).sum())


def pitch_range(score: Score) -> int:
    """Semitones from the lowest to the highest pitch; 0 without notes, and -127 with drums alone, as MusPy has it."""
    return _range(_histogram(sounding(score)), len(score))


def _range(pitches: NDArray[np.int64], notes: int) -> int:
    used = np.flatnonzero(pitches)
    if not notes:
        return 0
    return int(used[-1] - used[0]) if len(used) else -127


def empty_beat_rate(score: Score) -> float:
    """Share of the quarters that no note of any track touches; the one in which the piece ends counts."""
    return empty_measure_rate(score, score.ticks_per_quarter)


def empty_measure_rate(score: Score, measure: int) -> float:
    """The share of consecutive ranges of `measure` ticks without notes."""
    piece = sounding(score)
    return _empty_rate(piece.onset, piece.onset + piece.duration, piece.end, _checked(measure))


def polyphony(score: Score) -> float:
    """Mean number of different pitches at once, where any sounds."""
    return _polyphony(*_at_once(sounding(score)))


def _polyphony(lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    sounding = lengths[counts > 0].sum()
    return float((lengths * counts).sum() / sounding) if sounding else _NAN


def polyphony_rate(score: Score, threshold: int = 2) -> float:
    """Share of the time in which more than `threshold` different pitches sound."""
    piece = sounding(score)
    return _polyphony_rate(*_at_once(piece), threshold, piece.end)


def _polyphony_rate(lengths: NDArray[np.int64], counts: NDArray[np.int64], threshold: int, end: int) -> float:
    return float(lengths[counts > threshold].sum() / end) if end else _NAN


def pitch_in_scale_rate(score: Score, root: int, mode: str) -> float:
    """Share of the notes in a scale.

    Raises:
        OptionError: unless `mode` is major or minor.
    """
    if mode not in _SCALES:
        raise OptionError(f"a mode is major or minor, not {mode!r}")
    classes = _classes(_histogram(sounding(score)))
    inside = classes[[(root + step) % 12 for step in _SCALES[mode]]].sum()
    return float(inside / classes.sum()) if classes.sum() else _NAN


def scale_consistency(score: Score) -> float:
    """The largest share of the notes in one of the 24 major and minor scales."""
    return _scale_consistency(_classes(_histogram(sounding(score))))


def _scale_consistency(classes: NDArray[np.int64]) -> float:
    return float((_ALL_SCALES @ classes).max() / classes.sum()) if classes.sum() else _NAN


def drum_in_pattern_rate(score: Score, meter: str) -> float:
    """Share of the drum notes on quarters of a quarter note ("duple") or thirds of one ("triple").

    Where a quarter has no such ticks only its beginning counts, as in MusPy; the same for halves.

    Raises:
        OptionError: for another meter.
    """
    if meter not in ("duple", "triple"):
        raise OptionError(f"a meter is duple or triple, not {meter!r}")
    piece = sounding(score)
    places = piece.onset[piece.is_drum] % piece.ticks_per_quarter
    return _in_pattern(places, meter, piece.ticks_per_quarter) if len(places) else _NAN


def drum_pattern_consistency(score: Score) -> float:
    """The larger of the rates of both meters."""
    return _pattern_consistency(sounding(score))


def _pattern_consistency(piece: Sounding) -> float:
    quarter = piece.ticks_per_quarter
    places = piece.onset[piece.is_drum] % quarter
    return max(_in_pattern(places, meter, quarter) for meter in ("duple", "triple")) if len(places) else _NAN


def _in_pattern(places: NDArray[np.int64], meter: str, quarter: int) -> float:
    steps = next((n for n in ((4, 2) if meter == "duple" else (3,)) if quarter % n == 0), 1)
    return float(np.count_nonzero(places % (quarter // steps) == 0) / len(places))


def pitch_entropy(score: Score) -> float:
    """Entropy in bits of the histogram of pitches."""
    return _entropy(_histogram(sounding(score)))


def pitch_class_entropy(score: Score) -> float:
    """Entropy in bits of the histogram of pitch classes."""
    return _entropy(_classes(_histogram(sounding(score))))


def groove_consistency(score: Score, measure: int) -> float:
    """One less the mean share of ticks at which just one of two neighbouring measures has an onset."""
    piece = sounding(score)
    return _groove_consistency(piece.onset, piece.end, _checked(measure))


def _groove_consistency(onsets: NDArray[np.int64], end: int, measure: int) -> float:
    count = end // measure + 1
    if count < 2:
        return _NAN
    onsets = onsets[np.append(True, onsets[1:] != onsets[:-1])] if len(onsets) else onsets
    pairs = np.concatenate([onsets, onsets + measure])
    pairs.sort(kind="stable")
    both = int((pairs[1:] == pairs[:-1]).sum())
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


def _histogram(piece: Sounding) -> NDArray[np.int64]:
    """Notes of each pitch, without drums: shape (128,)."""
    return np.bincount(piece.pitch[~piece.is_drum], minlength=128)


def _classes(pitches: NDArray[np.int64]) -> NDArray[np.int64]:
    classes = pitches[:120].reshape(10, 12).sum(axis=0)
    classes[:8] += pitches[120:]
    return np.asarray(classes)


def _checked(measure: int) -> int:
    if measure < 1:
        raise OptionError(f"a measure has at least one tick, not {measure}")
    return measure


def _empty_rate(starts: NDArray[np.int64], ends: NDArray[np.int64], end: int, step: int) -> float:
    if end < 1:
        return _NAN
    count = end // step + 1
    change = np.bincount(starts // step, minlength=count + 1) - np.bincount(ends // step + 1, minlength=count + 1)
    return float((np.cumsum(change)[:count] == 0).sum() / count)


def _at_once(piece: Sounding) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches of time: how many ticks each has, and how many different pitches sound in it."""
    pitched = ~piece.is_drum & (piece.duration > 0)
    if not pitched.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # NumPy sorts bytes by radix, and times that rise for a while by their runs, when it sorts stably.
    rows = np.flatnonzero(pitched)
    rows = rows[np.argsort(piece.pitch[rows].astype(np.uint8), kind="stable")]
    # Pitches one after the other on one line of time: there the union of each pitch's notes is one running maximum.
    onset, apart = piece.onset[rows], piece.pitch[rows] * (piece.end + 1)
    start = onset + apart
    reach = np.maximum.accumulate(start + piece.duration[rows])
    first = np.append(True, start[1:] > reach[:-1])
    ends = (reach - apart)[np.append(first[1:], True)]
    ends.sort(kind="stable")
    begins = np.zeros(len(pitched), bool)
    begins[rows[first]] = True
    # A beginning is odd, an end even.
    moments = np.concatenate([piece.onset[begins] * 2 + 1, ends * 2])
    moments.sort(kind="stable")
    return np.diff(moments >> 1), np.cumsum((moments & 1) * 2 - 1)[:-1]


def _entropy(counts: NDArray[np.int64]) -> float:
    if not counts.sum():
        return _NAN
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
