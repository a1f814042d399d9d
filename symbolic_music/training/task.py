"""The interface of a task: its network, batches, loss and evaluation, and what a run leaves behind."""

from __future__ import annotations

# Hooks do nothing but where a task has a use for them.
# ruff: noqa: B027
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from symbolic_music.training.base_config import RunConfig

if TYPE_CHECKING:
    from symbolic_music.training.run.run_log import Records
    from symbolic_music.training.run.schedules import Schedule

Losses = Tensor | tuple[Tensor, Mapping[str, Tensor]]


class Batch(NamedTuple):
    """A part of a step's batch: what the loss is computed from, and how many tokens it predicts."""

    tensors: tuple[Tensor, ...]
    tokens: int = 1


class Share(NamedTuple):
    """Which part of every batch this process computes, and in how many parts.

    Rank r of w takes sequences r, r + w, r + 2w, ... of a batch, so that all ranks together do what one would.
    """

    rank: int = 0
    world: int = 1
    parts: int = 1


class Measured(NamedTuple):
    """An evaluation: the loss, of which less is better, the row of the log, and what else the task keeps of it."""

    loss: float
    row: Mapping[str, float]
    found: Any = None


class Task(ABC):
    """See the module's docstring. A step's batch depends on the seed and the step alone.

    Args of a class: `loss_name` is the column of the log for the loss, `columns` are those beside it, `rate_name` the
    one for tokens a second, `folder` the model in the run's folder, which is that of the lowest loss where `keeps_best`
    and else the last one; `free` are settings that may differ when a run is resumed, as pydantic excludes them.
    """

    config: RunConfig
    loss_name: ClassVar[str] = "loss"
    rate_name: ClassVar[str] = "steps_per_second"
    columns: ClassVar[tuple[str, ...]] = ()
    folder: ClassVar[str] = "best"
    keeps_best: ClassVar[bool] = False
    in_processes: ClassVar[bool] = False
    precisions: ClassVar[tuple[str, ...]] = ("32-true", "bf16-mixed")
    milestones: Collection[int] = ()  # steps at which an evaluation is made besides

    @property
    def accumulate(self) -> int:
        """Parts that a process' share of a batch is computed in."""
        return 1

    @property
    def patience(self) -> int:
        """Evaluations without a better one after which the run ends; 0 for never."""
        return 0

    @property
    def free(self) -> dict[str, Any]:
        """Settings that may differ when a run is resumed."""
        return {
            "threads": True, "out": True, "evaluate_every": True, "checkpoint_every": True, "license": True,
            "description": True, "engine": {"device", "tensorboard", "wandb", "sharded"},
        }  # fmt: skip

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.config.optim.steps

    @abstractmethod
    def network(self) -> nn.Module:
        """The network with new weights, drawn from torch's generator; on the CPU."""

    def averaged(self, network: nn.Module) -> nn.Module:
        """The part of the network whose average is evaluated and kept."""
        return network

    @abstractmethod
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer; each group's `peak` is the learning rate that the schedule scales."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """The factor of the learning rates at each step."""

    @abstractmethod
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        """The share of this process of the batch of each step, from `first`."""

    def before(self, network: nn.Module, average: Mapping[str, Tensor], step: int) -> None:
        """Called before each step; `average` is of `averaged`."""

    @abstractmethod
    def loss(self, network: nn.Module, *tensors: Tensor) -> Losses:
        """The loss of a batch, summed over its tokens; with it, the parts of it that the log names."""

    def clipped(self, network: nn.Module) -> Iterable[nn.Module]:
        """Parts of the network whose gradients are clipped each by itself; nothing for the whole at once."""
        return ()

    @abstractmethod
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        """Measure the network, with its averaged weights, on this process' share of what is held out.

        Args:
            total: sums over all processes, which call it equally often.
        """

    @abstractmethod
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        """Write what the run leaves; `row` is that of the log, with the step and the parts of the training loss."""

    def prepare(self) -> None:
        """Called once in the process that keeps the records, before anything is written."""

    def look(self, network: nn.Module, measured: Measured, step: int, records: Records, seconds: float) -> None:
        """Called after an evaluation in the process that keeps the records: samples and the like."""

    @abstractmethod
    def provenance(self, step: int) -> str:
        """The pieces of the batch of a step, for a message."""
