"""Passages from note stores, in musical time, for an `EditsTask`: any instruments, drums, polyphony."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.windows.edit_examples import choose, cropped, musical_events, rows, transposed
from symbolic_music.models.model import View
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events
from symbolic_music.training.config import StoreEditsData
from symbolic_music.training.data.base import Rows, Stores

# A quarter note is 60 steps of 10 ms, which 2, 3, 4, 5 and 6 divide.
QUARTERS_PER_MINUTE = 100.0
_INSTRUMENTS = tuple(range(v.INSTRUMENTS))
Mask = NDArray[np.bool_]


class _Stretch(NamedTuple):
    """Events whose times begin near 0, and whether the piece begins and ends with them."""

    events: Events
    opens: bool
    closes: bool

    def rows(self, is_control: Mask) -> Rows:
        """The events as rows, those that are given as controls."""
        return rows(self.events, is_control, self.opens, self.closes)


class StoreEdits(Stores):
    """An `EditSource`.

    A store is drawn by its share, a piece of it by the square root of its notes, and a stretch of it that begins on a
    bar line: as many events as the window has rows, and what is given within five seconds of the last.

    Args:
        data: see there.
        window: rows of the model.

    Raises:
        TrainingError: when a split is missing from all stores.
    """

    instruments = _INSTRUMENTS

    def __init__(self, data: StoreEditsData, window: int) -> None:
        self.data, self.window = data, window
        super().__init__(data.stores, data.train)

    @cached_property
    def validation(self) -> list[Rows]:
        """Stretches of pieces of all stores, always the same."""
        indices, rng, found = self._indices(self.data.validation), np.random.default_rng(0), []
        for _ in range(self.data.validation_sequences):
            store, piece = self._draw(indices, rng)
            stretch = self._stretch(store, piece, rng)
            found.append(stretch.rows(np.zeros(len(stretch.events), bool))[: self.window])
        return found

    def training(self, size: int, rng: np.random.Generator) -> list[Rows]:
        """A batch."""
        pieces, found = self._drawn(size, rng), []
        for store, piece in pieces:
            stretch = self._stretch(store, piece, rng)
            shift = int(rng.integers(self.data.transpose[0], self.data.transpose[1] + 1))
            stretch = stretch._replace(events=transposed(stretch.events, shift))
            found.append(stretch.rows(choose(stretch.events, self.data.edits, rng)))
        return found

    def view(self) -> View:
        """The model's clock and its parts: none."""
        return View(QUARTERS_PER_MINUTE, ())

    def provenance(self, size: int, rng: np.random.Generator) -> str:
        """The pieces of the batch of this generator."""
        pieces = self._drawn(size, rng)
        return "training pieces " + ", ".join(
            f"{self.stores[s].piece(i).source} of {self.stores[s].path}" for s, i in pieces
        )

    def _drawn(self, size: int, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Stores and pieces of a batch."""
        return [self._draw(self._train, rng) for _ in range(size)]

    def _stretch(self, store: int, piece: int, rng: np.random.Generator) -> _Stretch:
        score = self.stores[store].music(piece)
        events = musical_events(score, QUARTERS_PER_MINUTE)
        # A bar line is found by a note, so that dense bars are begun with as often as they last long.
        first, opens = 0, rng.random() < self.data.openings
        if not opens:
            bars = np.rint(score.bars() * (60 / score.ticks_per_quarter)).astype(np.int64)
            earlier = bars[bars <= events[int(rng.integers(0, len(events))), 0]]
            first = int(earlier[-1]) if len(earlier) else 0
        moved = cropped(events, first)
        last = min(len(moved), self.window)
        ahead = int(np.searchsorted(moved[:, 0], moved[last - 1, 0] + v.DELTA, side="right"))
        return _Stretch(moved[:ahead], bool(moved.shape[0] == len(events)), ahead == len(moved))
