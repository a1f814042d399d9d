"""A score in bars, on the grid of MIDI-GPT.

Notes are read at 480 steps a quarter, from which the coarser grid is reached by rounding down: two roundings, as the
original's, so that ids are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2

import numpy as np

from symbolic_music.errors import RegionError
from symbolic_music.score import Score

_FINE = 480
_MOST_BARS = 100_000
# Notes a bar of drum tracks, on average, up to which each density reaches.
DRUM_DENSITIES = (2, 3, 5, 8, 10, 12, 15, 18, 26)


@dataclass(frozen=True)
class BarNote:
    """A note: steps from its bar's beginning, steps that it lasts, pitch and velocity.

    `shift`: how far its onset is past its step, in parts of a step; there are as many in a step as steps in a quarter.
    """

    onset: int
    duration: int
    pitch: int
    velocity: int
    shift: int = 0


@dataclass(frozen=True)
class GridBar:
    """A bar: its beginning and length in ticks of the score, and its meter."""

    start: int
    length: int
    numerator: int
    denominator: int


@dataclass
class GridTrack:
    """A track: its program, whether it is of drums, and the notes of each bar."""

    program: int
    is_drum: bool
    bars: list[list[BarNote]] = field(default_factory=list)


def bars_of(score: Score) -> list[GridBar]:
    """The bars of a score up to its last note; one at least. RegionError for more than 100,000."""
    quarter = score.ticks_per_quarter
    last = max([score.end, *score.meters["time"].tolist()])
    meters = {int(m["time"]): (int(m["numerator"]), int(m["denominator"])) for m in score.meters}
    meters.setdefault(0, (4, 4))
    changes = sorted(meters)
    found: list[GridBar] = []
    for start, then in zip(changes, [*changes[1:], None], strict=True):
        numerator, denominator = meters[start]
        length = quarter * 4 * numerator // denominator
        if length <= 0:
            continue
        end = max(last, start + 1) if then is None else then
        if len(found) + (end - start) // length > _MOST_BARS:
            raise RegionError(f"the score has more than {_MOST_BARS:,} bars; clip it first")
        found += [GridBar(at, length, numerator, denominator) for at in range(start, end, length)]
    return found


def tracks_of(score: Score, bars: Sequence[GridBar], resolution: int, shifts: bool = False) -> list[GridTrack]:
    """The tracks of a score, their notes bar by bar.

    A note that rounds to the beginning of the next bar is left out, as in the original.

    Args:
        score, bars: of it.
        resolution: of the grid.
        shifts: whether notes say how far past their steps they are.
    """
    quarter = score.ticks_per_quarter
    starts = np.array([bar.start for bar in bars], np.int64)
    lengths = np.array([bar.length for bar in bars], np.int64)
    absolute = _rounded(np.concatenate([[0.0], np.cumsum(_FINE * lengths / quarter)])[:-1])
    onset = score.notes["onset"].astype(np.int64)
    end = onset + score.notes["duration"]
    bar, end_bar = (np.maximum(np.searchsorted(starts, at, side="right") - 1, 0) for at in (onset, end))
    exact = (onset - starts[bar]) / quarter * _FINE
    first = _rounded(exact)
    after = _rounded((end - starts[end_bar]) / quarter * _FINE)
    steps = np.maximum(1, absolute[end_bar] + after - absolute[bar] - first)
    kept = first < _rounded(_FINE * lengths[bar] / quarter)
    # Twice rounded, as in the original.
    places = (first + _rounded(abs(exact - first) * _FINE) * np.sign(exact - first) / _FINE) * (resolution / _FINE)
    steps = np.maximum(1, resolution * steps // _FINE)
    first = places.astype(np.int64) if shifts else resolution * first // _FINE
    past = np.rint((places - first) * resolution).astype(np.int64) if shifts else np.zeros_like(first)
    tracks = [GridTrack(track.program, track.is_drum, [[] for _ in bars]) for track in score.tracks]
    columns = (score.notes["track"], bar, first, steps, score.notes["pitch"], score.notes["velocity"], past)
    for track, at, on, length, pitch, velocity, shift in zip(*(c[kept].tolist() for c in columns), strict=True):
        tracks[track].bars[at].append(BarNote(on, length, pitch, velocity, shift))
    return tracks


def _rounded(numbers: np.ndarray) -> np.ndarray:
    """Halves away from 0; none is below."""
    return np.floor(numbers + 0.5).astype(np.int64)


def attributes_of(track: GridTrack, bars: Sequence[GridBar], quarter: int, resolution: int) -> Mapping[str, int]:
    """Values of the attributes of a track in the original: density of drums; polyphony and durations of others.

    Args:
        track, bars: of a score.
        quarter: its ticks of a quarter note.
        resolution: of the grid.
    """
    if track.is_drum:
        counts = [len(notes) for notes in track.bars if notes]
        mean = round(sum(counts) / max(len(counts), 1))
        return {"NoteDensity": sum(mean > most for most in DRUM_DENSITIES)}
    least, most = quantiles(_polyphony(track, bars, quarter, resolution))
    shortest, longest = quantiles(
        [
            int(max(0.0, min(5.0, log2(max(note.duration / resolution, 1e-6)) + 3.0)))
            for notes in track.bars
            for note in notes
        ]
    )
    return {
        "MinPolyphony": max(1, min(least, 10)) - 1,
        "MaxPolyphony": max(1, min(most, 10)) - 1,
        "MinNoteDuration": shortest,
        "MaxNoteDuration": longest,
    }


def _polyphony(track: GridTrack, bars: Sequence[GridBar], quarter: int, resolution: int) -> list[int]:
    """Notes that sound at each step at which any does; the last step of all is not looked at, as in the original."""
    spans, start = [], 0
    for bar, notes in zip(bars, track.bars, strict=True):
        spans += [(start + note.onset, start + note.onset + note.duration) for note in notes]
        start += round(bar.length / quarter * resolution)
    last = max((end for _, end in spans), default=0)
    sounding = np.zeros(last + 1, np.int64)
    for first, end in spans:
        sounding[first : max(first, min(end, last - 1))] += 1
    return [int(count) for count in sounding[sounding > 0]]


def quantiles(values: Sequence[int]) -> tuple[int, int]:
    """The 15th and 85th percentiles; 0 for no values."""
    if not values:
        return 0, 0
    ordered = sorted(values)
    low, high = (ordered[min(round(len(ordered) * share), len(ordered) - 1)] for share in (0.15, 0.85))
    return low, high
