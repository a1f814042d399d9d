"""Pieces of note stores as examples of a region model."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.score import Score
from symbolic_music.tokenizers.region.arrangement import arrange_stretch
from symbolic_music.tokenizers.region.events import GridEvents, grid_events
from symbolic_music.tokenizers.region.rows import Rows
from symbolic_music.training.config import RegionsData
from symbolic_music.training.data.base import Stores

# Shorter examples teach nothing; shorter pieces have none.
_FEWEST_ROWS, _FEWEST_NOTES = 24, 8


class StoreRegions(Stores):
    """Examples drawn from stores by their shares, and from their pieces by the square root of their notes.

    Args:
        data: see there.
        window: rows of the model.

    Raises:
        TrainingError: when a split is missing from all stores.
    """

    def __init__(self, data: RegionsData, window: int) -> None:
        self.data, self.window = data, window
        super().__init__(data.stores, data.train)
        self._augmentation = RegionAugmentation(data.edits, data.transpose)

    def training(self, size: int, rng: np.random.Generator) -> list[Rows]:
        """A batch of examples."""
        found: list[Rows] = []
        while len(found) < size:
            events = self._events(*self._draw(self._train, rng))
            if len(events) >= _FEWEST_NOTES:
                example = region_example(events, self.window, self._augmentation, rng)
                if len(example) >= _FEWEST_ROWS:
                    found.append(example)
        return found

    @cached_property
    def validation(self) -> list[Rows]:
        """Stretches from bars of validation pieces, nothing given; the same ones always."""
        indices, rng, found = self._indices(self.data.validation), np.random.default_rng(0), list[Rows]()
        for _ in range(self.data.validation_sequences):
            events = self._events(*self._draw(indices, rng))
            bar = int(events.bar[int(rng.integers(0, len(events)))])
            found.append(arrange_stretch(events, bar, self.window))
        return found

    def request(self) -> Score:
        """A piece without notes: the tracks that have notes, the first tempo and meter of a validation piece."""
        store, piece = self._draw(self._indices(self.data.validation), np.random.default_rng(0))
        score = self.stores[store].music(piece)
        played = np.unique(score.notes["track"]).tolist()
        return Score(
            ticks_per_quarter=score.ticks_per_quarter, tempos=score.tempos[:1], meters=score.meters[:1],
            tracks=tuple(score.tracks[track] for track in played),
        )  # fmt: skip

    def provenance(self, size: int, rng: np.random.Generator) -> str:
        """The first pieces of the batch of this generator."""
        store, piece = self._draw(self._train, rng)
        return f"training piece {self.stores[store].piece(piece).source} of {self.stores[store].path} and others"

    def _events(self, store: int, piece: int) -> GridEvents:
        # Read each time (about 1.4 ms): arrays that stay among a step's short-lived ones would split the heap.
        return grid_events(self.stores[store].music(piece), with_pedal=self.data.pedal)
