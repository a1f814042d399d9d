"""The shared part of tasks whose model writes music."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn
from typing_extensions import override

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.models.model import Card, Model
from symbolic_music.models.saving import save_model
from symbolic_music.training.lora import merged
from symbolic_music.training.run.context_evaluation import ContextEvaluation
from symbolic_music.training.run.model_cards import card_of
from symbolic_music.training.run.run_log import Records, write_sample
from symbolic_music.training.task import Batch, Measured, Share
from symbolic_music.training.tasks.model_task import ModelTask


class MusicTask(ModelTask):
    """The half of a `Task` that saves the model and writes music at evaluations."""

    _context: ContextEvaluation | None = None

    @override
    def prepare(self) -> None:
        if self.config.context is not None:
            self._context = ContextEvaluation(self.config, self.config.context)

    @override
    def write(self, network: nn.Module, found: Likelihood, step: int, folder: Path) -> Card:
        card = card_of(self.config, network, found, step, self.base)
        save_model(self.model(network, card), folder)
        return card

    @override
    def look(self, network: nn.Module, measured: Measured, step: int, records: Records, seconds: float) -> None:
        super().look(network, measured, step, records, seconds)
        if self._context is not None:
            writer = self.model(merged(network), card_of(self.config, network, measured.found, step, self.base))
            self._context.log(writer, records, step, seconds)

    @override
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Music from nothing."""
        model = self.model(network, card_of(self.config, network, Likelihood(), step))
        write_sample(model, step, folder, self.config.sample_seconds, self.config.seed)

    @abstractmethod
    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        """The network as a model that writes."""


class ExamplesTask(MusicTask):
    """The shared part of tasks that draw the examples of each step anew from a source."""

    source: Any

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, step])

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            examples = self.source.training(self.config.optim.batch, self._rng(step))[share.rank :: share.world]
            yield [self.batch(examples[part :: share.parts]) for part in range(share.parts)]
            step += 1

    @abstractmethod
    def batch(self, examples: list[Any]) -> Batch:
        """Examples as tensors."""

    @override
    def provenance(self, step: int) -> str:
        return str(self.source.provenance(self.config.optim.batch, self._rng(step)))
