"""Sources of training and validation sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.windows.batches import Batch as Windows
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
