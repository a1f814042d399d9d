"""The region of an edit: a range of ticks and its tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Array, Score


@dataclass(frozen=True)
class EditRegion:
    """The notes of `tracks` that begin in [first, last) ticks.

    Raises:
        RegionError: for a stretch that is empty or begins before the piece, or no tracks.
    """

    first: int
    last: int
    tracks: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last:
            raise RegionError(f"a region of ticks needs 0 <= first < last, not {self.first} and {self.last}")
        if not self.tracks:
            raise RegionError("a region needs at least one track")

    def of(self, notes: Array) -> Array:
        """The notes of a table that lie in the region, in order."""
        return np.asarray(notes[self.mask(notes)])

    def mask(self, notes: Array) -> NDArray[np.bool_]:
        """Which notes of a table lie in the region."""
        onset = notes["onset"]
        inside = (onset >= self.first) & (onset < self.last)
        return np.asarray(inside & np.isin(notes["track"], self.tracks))


# Writes a region of a piece anew; all else comes back as it was.
Write = Callable[[Score, EditRegion], Score]


@dataclass(frozen=True, eq=False)
class Case:
    """A region of a piece with what all metrics ask of its surroundings, worked out once.

    Args:
        score: the original.
        region: where it is edited.
        piece: name of the piece; intervals and tests are over pieces.
        like: ticks of the bars of the written tracks that new notes follow; None for all outside the region.
    """

    score: Score
    region: EditRegion
    piece: str = ""
    like: tuple[int, int] | None = None

    @cached_property
    def is_drums(self) -> bool:
        """Whether all written tracks play drums."""
        return all(self.score.tracks[track].is_drum for track in self.region.tracks)

    @cached_property
    def original(self) -> Array:
        """The notes that were in the region."""
        return self.region.of(self.score.notes)

    @cached_property
    def own(self) -> Array:
        """Notes of the written tracks outside the region, those of the bars to follow where these are said."""
        notes = self.score.notes
        followed = np.isin(notes["track"], self.region.tracks) & ~self.region.mask(notes)
        if self.like is not None:
            followed &= (notes["onset"] >= self.like[0]) & (notes["onset"] < self.like[1])
        return np.asarray(notes[followed])

    @cached_property
    def others(self) -> Array:
        """Pitched notes of the other tracks."""
        pitched = self.score.instruments != DRUM_INSTRUMENT
        return np.asarray(self.score.notes[pitched & ~np.isin(self.score.notes["track"], self.region.tracks)])

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """Bar lines, with one after the last bar and past all notes: shape (bars + 1,)."""
        end = max(self.score.end, self.region.last) + 1
        lines = self.score.bars(end)
        last = int(lines[-1] - lines[-2]) if len(lines) > 1 else 4 * self.score.ticks_per_quarter
        return np.append(lines, max(end, int(lines[-1]) + last))

    @cached_property
    def bars(self) -> tuple[int, int]:
        """Numbers of the first bar that the region touches and of the first after it."""
        return self.bars_of(self.region.first, self.region.last)

    def bars_of(self, first: int, last: int) -> tuple[int, int]:
        """Numbers of the first bar that a range of ticks touches and of the first after it."""
        bar = int(np.searchsorted(self.lines, first, side="right")) - 1
        return bar, max(bar + 1, int(np.searchsorted(self.lines, last, side="left")))
