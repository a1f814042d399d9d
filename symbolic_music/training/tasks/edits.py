"""The objective of our anticipatory model: anticipated events, some of them arranged as edits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from symbolic_music.corpora.windows.edit_examples import padded
from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.models import AnticipatoryTransformer, registry
from symbolic_music.models.architectures.anticipatory import EVENT, SEPARATOR
from symbolic_music.models.model import Card, Model
from symbolic_music.training.config import TrainConfig
from symbolic_music.training.data.base import EditSource
from symbolic_music.training.task import Batch, Share
from symbolic_music.training.tasks.music_task import EventTask


class EditsTask(EventTask):
    """A `Task`."""

    tokenizer = None

    def __init__(self, config: TrainConfig, source: EditSource) -> None:
        if config.model.architecture != "anticipatory":
            raise TrainingError(f"data of kind {config.data.kind} are for the anticipatory architecture")
        self.config, self.source = config, source

    def network(self) -> nn.Module:
        """See `Task`."""
        model = self.config.model
        settings = {"instruments": self.source.instruments, **model.settings}
        return registry.get(model.architecture).build(settings, model.preset)

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, step])

    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        """See `Task`."""
        step = first
        window = self.config.model.settings.get("window", 512)
        while True:
            sequences = self.source.training(self.config.optim.batch, self._rng(step))[share.rank :: share.world]
            batches = []
            for part in range(share.parts):
                table = torch.from_numpy(padded(sequences[part :: share.parts], window))
                kind, before = table[:, 1:, 3], table[:, :-1, 3]
                ends = (kind == SEPARATOR) & (before != SEPARATOR)
                batches.append(Batch((table,), int(3 * (kind == EVENT).sum() + ends.sum())))
            yield batches
            step += 1

    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        """See `Task`."""
        parts = cast(AnticipatoryTransformer, network).losses(tensors[0])
        return torch.as_tensor(parts["time"].sum() + parts["duration"].sum() + parts["note"].sum())

    def evaluate(self, network: nn.Module, share: Share) -> Likelihood:
        """See `Task`; without controls."""
        return likelihood(cast(AnticipatoryTransformer, network), self.source.validation[share.rank :: share.world])

    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        """See `EventTask`."""
        return Model(network, card, self.source.view())

    def provenance(self, step: int) -> str:
        """See `Task`."""
        return self.source.provenance(self.config.optim.batch, self._rng(step))
