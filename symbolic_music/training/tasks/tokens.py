"""The objective of token models, with any tokenizer: each id given the previous ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood, token_nats
from symbolic_music.models import registry
from symbolic_music.models.model import Card, Model
from symbolic_music.training.config import TrainConfig
from symbolic_music.training.data.base import TokenSource
from symbolic_music.training.task import Batch, Share
from symbolic_music.training.tasks.music_task import MusicTask


class TokenTask(MusicTask):
    """A `Task`."""

    def __init__(self, config: TrainConfig, source: TokenSource) -> None:
        self.config, self.source, self.tokenizer = config, source, source.tokenizer

    @override
    def build(self) -> nn.Module:
        """It takes its vocabulary's size from the tokenizer where the config leaves it out."""
        model = self.config.model
        kind, sizes = registry.get(model.architecture), self.source.tokenizer.vocabulary.sizes
        settings = dict(model.settings)
        known = getattr(kind.config, "__dataclass_fields__", {})
        if kind.reads != "ids":
            fitting = "edits or chorale-edits" if kind.reads == "events" else "regions"
            raise TrainingError(
                f"{kind.name} reads {kind.reads}, not ids: name another model.architecture, a model by init=, "
                f"or data of kind {fitting}"
            )
        if "vocabulary" in known and len(sizes) == 1:
            if settings.setdefault("vocabulary", sizes[0]) < sizes[0]:
                raise TrainingError(
                    f"model.vocabulary is {settings['vocabulary']}, and {self.source.tokenizer.name} has {sizes[0]} ids"
                )
        elif "sizes" in known and len(sizes) > 1:
            settings.setdefault("sizes", sizes)
        network = kind.build(settings, model.preset)
        if len(sizes) > 1 and not hasattr(network.config, "sizes"):
            raise TrainingError(f"{kind.name} has no compound words, which {self.source.tokenizer.name} writes")
        return network

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        for parts in self.source.training(first, share):
            yield [Batch((part.ids, part.mask), int(part.mask[:, 1:].sum())) for part in parts]

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        ids, mask = tensors
        return token_nats(network, ids, mask)

    @override
    @torch.no_grad()
    def likelihood(self, network: nn.Module, share: Share) -> Likelihood:
        was_training = network.training
        network.eval()
        device, total = next(network.parameters()).device, Likelihood()
        for held in self.source.validation(share):
            ids, mask = held.windows.ids.to(device), held.windows.mask.to(device)
            total += Likelihood(float(token_nats(network, ids, mask)), int(mask[:, 1:].sum()), held.notes, held.seconds)
        network.train(was_training)
        return total

    @override
    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        return Model(network, card, tokenizer=self.source.tokenizer)

    @override
    def provenance(self, step: int) -> str:
        return self.source.provenance(step)
