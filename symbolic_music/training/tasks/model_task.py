"""The shared part of tasks that train a model from a `TrainConfig`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models.model import Card
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.training.config import TrainConfig
from symbolic_music.training.fine_tuning import begin_from
from symbolic_music.training.lora import adapt, merged
from symbolic_music.training.run.model_cards import page_of
from symbolic_music.training.run.optimizers import optimizer_of
from symbolic_music.training.run.run_log import CONTEXT, Records
from symbolic_music.training.run.schedules import Schedule, schedule_of
from symbolic_music.training.task import Measured, Share, Task


class ModelTask(Task):
    """Nats of tokens are learnt; the model with the lowest validation loss is kept.

    `tokenizer` is of the ids that are learnt, None where they are events or codes; `instruments` are those of the data,
    where the network has to know them; `start` is the network that the run begins from, where there is one, and `base`
    its card.
    """

    config: TrainConfig
    tokenizer: Tokenizer | None
    instruments: tuple[int, ...] = ()
    start: nn.Module | None = None
    base: Card | None = None
    loss_name, rate_name = "nats_per_token", "tokens_per_second"
    columns = ("nats_per_note", "bits_per_second", *CONTEXT)
    keeps_best = in_processes = True
    precisions = ("32-true", "16-mixed", "bf16-mixed")

    @property
    @override
    def accumulate(self) -> int:
        return self.config.optim.accumulate

    @property
    @override
    def patience(self) -> int:
        return self.config.optim.patience

    @property
    @override
    def free(self) -> dict[str, Any]:
        return {**super().free, "sample_seconds": True, "context": True, "data": {"path", "workers"}}

    @abstractmethod
    def build(self) -> nn.Module:
        """The network of the config with new weights."""

    @override
    def network(self) -> nn.Module:
        network, lora = self.build(), self.config.lora
        if self.start is not None:
            begin_from(network, self.start, str(self.config.init))
        if lora is not None:
            if self.start is None:
                raise TrainingError("lora changes a trained model; name it by init=")
            adapt(network, lora.rank, lora.scale)
        return network

    @override
    def optimizer(self, network: nn.Module) -> Any:
        return optimizer_of(network, self.config.optim, self.config.engine.precision)

    @override
    def schedule(self) -> Schedule:
        o = self.config.optim
        return schedule_of(o.schedule, o.steps, o.warmup, o.final, o.decay)

    @abstractmethod
    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        """Nats of a batch's tokens, summed."""

    @abstractmethod
    def likelihood(self, network: nn.Module, share: Share) -> Likelihood:
        """Validation likelihood of this process' share of the sequences."""

    @override
    def evaluate(self, network: nn.Module, share: Share, total: Callable[[float], float]) -> Measured:
        own = self.likelihood(network, share)
        parts = {name: (total(nats), int(total(n))) for name, (nats, n) in own.parts.items()}
        notes, seconds = int(total(own.notes)), total(own.seconds)
        found = Likelihood(total(own.nats), int(total(own.tokens)), notes, seconds, parts)
        return Measured(
            found.per_token, {"nats_per_note": found.per_note, "bits_per_second": found.bits_per_second}, found
        )

    @override
    def save(self, network: nn.Module, measured: Measured, row: Mapping[str, float], folder: Path) -> None:
        card = self.write(merged(network), measured.found, int(row["step"]), folder)
        write_bytes(folder / "CARD.md", page_of(card).encode())

    @abstractmethod
    def write(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        """Write the network as a model's folder; returns its card."""

    @override
    def look(self, network: nn.Module, measured: Measured, step: int, records: Records, seconds: float) -> None:
        if self.config.sample_seconds:
            samples = self.config.folder / "samples"
            samples.mkdir(exist_ok=True)
            self.sample(merged(network), step, samples)

    @abstractmethod
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Write something that the network makes, `config.sample_seconds` long, as files of this step."""
