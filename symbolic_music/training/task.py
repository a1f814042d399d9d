"""The interface of a task: its batches, loss, evaluation, and the resulting model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.training.config import TrainConfig


class Batch(NamedTuple):
    """A part of a step's batch: what the loss is computed from, and how many tokens it predicts."""

    tensors: tuple[Tensor, ...]
    tokens: int


class Share(NamedTuple):
    """Which part of every batch this process computes, and in how many parts.

    Rank r of w takes sequences r, r + w, r + 2w, ... of a batch, so that all ranks together do what one would.
    """

    rank: int = 0
    world: int = 1
    parts: int = 1


class Task(Protocol):
    """See the module's docstring. A step's batch depends on the seed and the step alone.

    `config` is that of the run; `tokenizer` is of the ids that are learnt, None where they are events or codes;
    `instruments` are those of the data, where the network has to know them.
    """

    config: TrainConfig
    tokenizer: Tokenizer | None
    instruments: tuple[int, ...] = ()

    def network(self) -> nn.Module:
        """The network with new weights, drawn from torch's generator."""
        ...

    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        """The share of this process of the batch of each step, from `first`."""
        ...

    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        """Nats of a batch's tokens, summed."""
        ...

    def evaluate(self, network: nn.Module, share: Share) -> Likelihood:
        """Validation likelihood of this process' share of the sequences."""
        ...

    def save(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        """Write the network as a model's folder; returns its card."""
        ...

    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Write something that the network makes, `config.sample_seconds` long, as files of this step."""
        ...

    def provenance(self, step: int) -> str:
        """The pieces of the batch of a step, for a message."""
        ...
