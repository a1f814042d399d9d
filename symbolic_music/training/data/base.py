"""Sources of training and validation sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.batches import Batch as Windows
from symbolic_music.errors import TrainingError
from symbolic_music.models.model import View
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.training.task import Share

Rows = NDArray[np.int64]


class EditSource(Protocol):
    """The source of sequences for an `EditsTask`; see `corpora.windows.edit_examples`."""

    @property
    def instruments(self) -> tuple[int, ...]:
        """The instruments of the model."""
        ...

    @property
    def validation(self) -> Sequence[Rows]:
        """Sequences without controls."""
        ...

    def training(self, size: int, rng: np.random.Generator) -> list[Rows]:
        """A batch."""
        ...

    def view(self) -> View:
        """How the model sees scores."""
        ...

    def provenance(self, size: int, rng: np.random.Generator) -> str:
        """The pieces of the batch of this generator."""
        ...


class Stores:
    """Note stores: one is drawn by its share, a piece of it by the square root of its notes.

    Raises:
        TrainingError: when a split is missing from all stores.
    """

    def __init__(self, shares: Mapping[str, float], train: str) -> None:
        self.stores, self._shares = [NoteStore(path) for path in shares], np.array(list(shares.values()))
        self._train = self._indices(train)

    def _indices(self, split: str) -> list[Rows]:
        found = [store.splits.get(split, np.zeros(0, np.int64)) for store in self.stores]
        if not any(len(one) for one in found):
            advice = "add pieces, or prepare it with other --splits"
            raise TrainingError(f"no store has pieces in split {split!r}: {advice}")
        return found

    def _draw(self, indices: list[Rows], rng: np.random.Generator) -> tuple[int, int]:
        shares = self._shares * [len(one) > 0 for one in indices]
        store = int(rng.choice(len(shares), p=shares / shares.sum()))
        weights = np.sqrt(self.stores[store].note_counts[indices[store]])
        return store, int(rng.choice(indices[store], p=weights / weights.sum()))


class Held(NamedTuple):
    """Validation windows side by side, with the notes and seconds that they stand for."""

    windows: Windows
    notes: int
    seconds: float


class TokenSource(Protocol):
    """The source of sequences for a `TokenTask`."""

    tokenizer: Tokenizer

    def training(self, first: int, share: Share) -> Iterator[list[Windows]]:
        """The share of this process of the batch of each step, in `share.parts` parts, from step `first`."""
        ...

    def validation(self, share: Share) -> Iterator[Held]:
        """The share of this process of the validation split."""
        ...

    def provenance(self, step: int) -> str:
        """The pieces of the batch of a step."""
        ...
