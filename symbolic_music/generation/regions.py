"""Regions of a piece in seconds, beats or bars, and the tracks of given programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Array, Score

Unit = Literal["seconds", "beats", "bars"]
# First tick, and first tick after it.
Span = tuple[int, int]
# A piece's last second may be named a little late: durations are shown rounded.
_ROUNDING = 0.05
# What arithmetic of floats is off by, in ticks.
_EXACT = 1e-4


@dataclass(frozen=True)
class Region:
    """The stretch from `start` up to, and without, `end`.

        sm.Region(30, 45), sm.Region(28, 48, "beats"), sm.Region(8.5, 9, "bars")

    Args:
        start, end: in seconds; in beats, which are quarter notes; or in bars. Seconds and beats count from 0 at the
            beginning, bars as the page numbers them, else from 1: from bar 8 to bar 13 are bars 8 to 12, and an upbeat
            is bar 0. A bar may be named by fractions: 8.5 is the middle of bar 8.
        unit: which of them.

    Raises:
        RegionError: unless start < end, and neither is before the beginning.
    """

    start: float
    end: float
    unit: Unit = "seconds"

    def __post_init__(self) -> None:
        if self.unit not in ("seconds", "beats", "bars"):
            raise RegionError(f"a region is in seconds, beats or bars, not in {self.unit!r}")
        if not 0 <= self.start < self.end < np.inf:
            raise RegionError(f"no region from {self.start:g} to {self.end:g} {self.unit}: need 0 <= start < end")

    def span(self, score: Score) -> Span:
        """In ticks of a score.

        Raises:
            RegionError: when it lies outside the piece, or is shorter than a tick.
        """
        lasts, known = self._length(score)
        if self.unit == "bars" and len(score) and self.start < score.numbers()[0]:
            raise RegionError(f"there is no bar {self.start:g}: bars begin with {score.numbers()[0]}")
        if self.start >= known or self.end > known + _ROUNDING:
            raise RegionError(f"the region ({self}) is outside the piece, which {lasts}")
        places = np.array([self.start, min(self.end, known)])
        # The first tick at or after each place: rounded to the nearest, a note could begin half a tick too early.
        first, last = (int(t) for t in np.ceil(ticks_of(score, places, self.unit) - _EXACT))
        if last <= first:
            raise RegionError(f"the region ({self}) is shorter than a tick")
        return first, last

    def _length(self, score: Score) -> tuple[str, float]:
        """How long a piece is, in words and in the unit of the region."""
        if self.unit == "seconds":
            return f"lasts {score.duration:.2f} s", score.duration
        if self.unit == "beats":
            return f"lasts {float(score.beats(score.end)):g} beats", float(score.beats(score.end))
        numbers = score.numbers()
        if not len(numbers):
            return "has no bars", 1.0
        last = int(numbers.max())
        counted = numbers[0] == 1 and last == len(numbers)
        return f"has {last} bars" if counted else f"has bars {numbers[0]} to {last}", last + 1.0

    def __str__(self) -> str:
        if self.unit == "seconds":
            return f"{self.start:g} to {self.end:g} s"
        if self.unit == "beats":
            return f"beats {self.start:g} to {self.end:g}"
        if self.start == int(self.start) and self.end == int(self.end):
            first, last = int(self.start), int(self.end) - 1
            return f"bar {first}" if first == last else f"bars {first} to {last}"
        return f"bar {self.start:g} up to bar {self.end:g}"


def bars(first: int, last: int | None = None) -> Region:
    """Bars `first` to `last`, both included, as musicians count them; one bar when `last` is omitted.

    Examples:
        >>> sm.bars(8, 12)
        Region(start=8, end=13, unit='bars')
    """
    return Region(first, (first if last is None else last) + 1, "bars")


def regions_from(
    start: float | None = None,
    end: float | None = None,
    bars: int | tuple[int, int] | None = None,
    beats: tuple[float, float] | None = None,
) -> list[Region]:
    """Regions of an edit's arguments: seconds from `start` up to `end`, bars with both ends, beats up to the second.

    Raises:
        RegionError: when one of `start` and `end` is missing, or several ways are mixed, or a region is impossible.
    """
    if (start is None) != (end is None):
        raise RegionError("a region in seconds needs both start and end")
    if sum(way is not None for way in (start, bars, beats)) > 1:
        raise RegionError("name the region in one way: start and end in seconds, bars, or beats")
    if start is not None and end is not None:
        return [Region(start, end)]
    if bars is not None:
        first, last = (bars, bars) if isinstance(bars, int) else bars
        return [Region(first, last + 1, "bars")]
    return [] if beats is None else [Region(*beats, "beats")]


def inside(notes: Array, first: int, last: int) -> Array:
    """Mask of the notes whose onset lies in [first, last) ticks."""
    return np.asarray((notes["onset"] >= first) & (notes["onset"] < last))


def ticks_of(score: Score, places: Iterable[float], unit: Unit) -> NDArray[np.float64]:
    """Places of a score in ticks, not rounded: any number of seconds, beats, or bars and parts of bars."""
    at = np.asarray(list(places), np.float64)
    if unit == "seconds":
        return np.asarray(score.ticks(at))
    if unit == "beats":
        return np.asarray(at * score.ticks_per_quarter)
    # After the end of the piece bars go on as the last one; the longest in MIDI has 255 whole notes.
    lines = score.bars(score.end + 4 * 255 * score.ticks_per_quarter + 1)
    numbers = score.numbers(score.end + 4 * 255 * score.ticks_per_quarter + 1)
    # The halves of a divided bar have one number: it begins with the first of them. Where numbers go back, as in a
    # second movement, the first bar of a number counts.
    new = np.append(True, numbers[1:] > np.maximum.accumulate(numbers)[:-1])
    lines, numbers = lines[new], numbers[new]
    after = lines[-1] + (at - numbers[-1]) * (lines[-1] - lines[-2])
    return np.asarray(np.where(at > numbers[-1], after, np.interp(at, numbers, lines)))


def spans_of(score: Score, regions: Sequence[Region]) -> list[Span]:
    """Regions of a score in ticks, in order; those that touch or overlap are one.

    Raises:
        EmptyScoreError: when the score has no notes.
        RegionError: when there are no regions, or one is impossible.
    """
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to rewrite")
    if not regions:
        raise RegionError("no region to write: name at least one")
    joined: list[Span] = []
    for first, last in sorted(region.span(score) for region in regions):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def tracks_of(score: Score, programs: Iterable[int]) -> list[int]:
    """Tracks with notes that play one of these programs, 128 for drums.

    Raises:
        RegionError: for a program that no track plays.

    Examples:
        >>> sm.generation.tracks_of(song, [33, 128])
        [2, 3]
    """
    chosen = list(programs)
    with_notes = [(i, score.tracks[i]) for i in np.unique(score.notes["track"]).tolist()]
    played = {i: DRUM_INSTRUMENT if track.is_drum else track.program for i, track in with_notes}
    for program in chosen:
        if program not in played.values():
            raise RegionError(f"no track plays program {program}: this score has {sorted(set(played.values()))}")
    return [i for i, program in played.items() if program in chosen]
