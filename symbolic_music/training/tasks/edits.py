"""The objective of our anticipatory model: anticipated events, some of them arranged as edits."""

from __future__ import annotations

from typing import Any, cast

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
from symbolic_music.training.tasks.music_task import ExamplesTask


class EditsTask(ExamplesTask):
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

    @override
    def batch(self, examples: list[Any]) -> Batch:
        table = torch.from_numpy(padded(examples, self.config.model.settings.get("window", 512)))
        kind, before = table[:, 1:, 3], table[:, :-1, 3]
        ends = (kind == SEPARATOR) & (before != SEPARATOR)
        return Batch((table,), int(3 * (kind == EVENT).sum() + ends.sum()))

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
