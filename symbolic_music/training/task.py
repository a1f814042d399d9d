"""What a training run learns: its batches, its loss, how it is evaluated, and the model that comes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from torch import Tensor, nn

from symbolic_music.errors import ConfigError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.training.config import (
    CodesData,
    EditsData,
    GridData,
    ModelsData,
    RegionsData,
    StoreEditsData,
    TrainConfig,
)

if TYPE_CHECKING:
    from symbolic_music.training.tasks.edits import EditSource


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

    `tokenizer` is of the ids that are learnt; None where they are the anticipatory events of our own model.
    """

    @property
    def tokenizer(self) -> Tokenizer | None:
        """See the class."""
        ...

    def network(self) -> nn.Module:
        """The network with new weights, drawn from torch's generator."""
        ...

    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        """Of the batch of each step from `first` on this process' share."""
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
        """What a step's batch was made of, for a message."""
        ...


def task_of(config: TrainConfig) -> Task:
    """The task that a config describes."""
    if isinstance(config.data, EditsData | StoreEditsData):
        from symbolic_music.training.tasks.edits import EditsTask

        return EditsTask(config, _edit_source(config))
    if isinstance(config.data, RegionsData):
        from symbolic_music.training.tasks.regions import RegionsTask

        return RegionsTask(config, config.data)
    if isinstance(config.data, CodesData):
        from symbolic_music.training.tasks.codec_codes import CodesTask

        return CodesTask(config, config.data)
    from symbolic_music.training.tasks.tokens import TokenTask

    if isinstance(config.data, GridData):
        from symbolic_music.training.data.chorale_grids import GridSource

        return TokenTask(config, GridSource(config, config.data))
    if isinstance(config.data, ModelsData):
        raise ConfigError("data.kind=of-model takes the ids of the model that init names: set init=MODEL")
    from symbolic_music.training.data.store_windows import WindowSource

    return TokenTask(config, WindowSource(config, config.data))


def _edit_source(config: TrainConfig) -> EditSource:
    if isinstance(config.data, StoreEditsData):
        from symbolic_music.training.data.store_edits import StoreEdits

        return StoreEdits(config.data, int(config.model.settings.get("window", 512)))
    from symbolic_music.training.data.chorale_edits import ChoraleEdits

    assert isinstance(config.data, EditsData)
    return ChoraleEdits(config.data)
