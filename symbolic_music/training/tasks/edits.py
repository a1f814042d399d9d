"""The objective of our anticipatory model: anticipated events, some of them arranged as edits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.corpora.windows.edit_examples import padded
from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.models import AnticipatoryTransformer, registry
from symbolic_music.models.architectures.anticipatory import EVENT, SEPARATOR
from symbolic_music.models.model import Card, Model
from symbolic_music.training.config import TrainConfig
from symbolic_music.training.data.base import EditSource
from symbolic_music.training.task import Batch, Share
from symbolic_music.training.tasks.music_task import MusicTask


class EditsTask(MusicTask):
    """A `Task`."""

    tokenizer = None

    def __init__(self, config: TrainConfig, source: EditSource) -> None:
        if config.model.architecture != "anticipatory":
            raise TrainingError(f"data of kind {config.data.kind} are for the anticipatory architecture")
        self.config, self.source, self.instruments = config, source, source.instruments

    @override
    def build(self) -> nn.Module:
        model = self.config.model
        settings = {"instruments": self.source.instruments, **model.settings}
        return registry.get(model.architecture).build(settings, model.preset)

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, step])

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
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

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        parts = cast(AnticipatoryTransformer, network).losses(tensors[0])
        return torch.as_tensor(parts["time"].sum() + parts["duration"].sum() + parts["note"].sum())

    @override
    def likelihood(self, network: nn.Module, share: Share) -> Likelihood:
        """Without controls."""
        return likelihood(cast(AnticipatoryTransformer, network), self.source.validation[share.rank :: share.world])

    @override
    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        return Model(network, card, self.source.view())

    @override
    def provenance(self, step: int) -> str:
        return self.source.provenance(self.config.optim.batch, self._rng(step))
