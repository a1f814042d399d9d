"""Pieces of note stores as examples of a region model."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.corpora.windows.region_variation import varied
from symbolic_music.edits import chord_changes
from symbolic_music.score import Score
from symbolic_music.tokenizers.region.arrangement import arrange_stretch
from symbolic_music.tokenizers.region.events import GridEvents, grid_events
from symbolic_music.tokenizers.region.rows import STEPS, Rows
from symbolic_music.training.config import RegionsData
from symbolic_music.training.data.base import Stores

# Shorter examples teach nothing; shorter pieces have none.
_FEWEST_ROWS, _FEWEST_NOTES = 24, 8
# An eighth of an octave: tempos up to 9 % slower or faster.
_TEMPO_CLASSES = 1


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
        tempo = _TEMPO_CLASSES if data.variations else 0
        self._augmentation = RegionAugmentation(
            data.edits, data.transpose, keys=data.keys, tempo=tempo, new_parts=data.new_parts
        )

    def training(self, size: int, rng: np.random.Generator) -> list[Rows]:
        """A batch of examples."""
        found: list[Rows] = []
        while len(found) < size:
            music = self._music(*self._draw(self._train, rng))
            events = self._events(music)
            if len(events) >= _FEWEST_NOTES:
                chords = _chords(music) if self.data.chords and rng.random() < self.data.chords else []
                events = varied(events, rng) if self.data.variations else events
                example = region_example(events, self.window, self._augmentation, rng, chords)
                if len(example) >= _FEWEST_ROWS:
                    found.append(example)
        return found

    @cached_property
    def validation(self) -> list[Rows]:
        """Stretches from bars of validation pieces, nothing given; the same ones always."""
        indices, rng, found = self._indices(self.data.validation), np.random.default_rng(0), list[Rows]()
        for _ in range(self.data.validation_sequences):
            events = self._events(self._music(*self._draw(indices, rng)))
            bar = int(events.bar[int(rng.integers(0, len(events)))])
            found.append(arrange_stretch(events, bar, self.window))
        return found

    def validation_piece(self) -> Score:
        """A validation piece, the same one always."""
        return self._music(*self._draw(self._indices(self.data.validation), np.random.default_rng(0)))

    def provenance(self, size: int, rng: np.random.Generator) -> str:
        """The first pieces of the batch of this generator."""
        store, piece = self._draw(self._train, rng)
        return f"training piece {self.stores[store].piece(piece).source} of {self.stores[store].path} and others"

    def _music(self, store: int, piece: int) -> Score:
        # Read each time (about 1.4 ms): arrays that stay among a step's short-lived ones would split the heap.
        return self.stores[store].music(piece)

    def _events(self, music: Score) -> GridEvents:
        return grid_events(music, with_pedal=self.data.pedal)


def _chords(music: Score) -> list[tuple[int, str]]:
    """Steps and names of the chords of a piece, see `tokenizers.region.harmony`."""
    return [(round(tick * STEPS / music.ticks_per_quarter), name) for tick, name in chord_changes(music)]
