"""Chorales as anticipated events, some of them arranged as edits: what the bundled chorale model learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symbolic_music.corpora import read_chorales
from symbolic_music.corpora.anticipated import Augmentation, padded, rows, sample
from symbolic_music.corpora.chorales import QUARTERS_PER_MINUTE, VOICE_PROGRAMS, VOICES
from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood, likelihood
from symbolic_music.models import AnticipatoryTransformer, registry
from symbolic_music.models.anticipatory import EVENT, SEPARATOR
from symbolic_music.models.bundle import Model, View
from symbolic_music.tokenizers.anticipation_events import events_of
from symbolic_music.training.cards import card_of
from symbolic_music.training.config import EditsData, TrainConfig
from symbolic_music.training.tasks import Batch, Share


class EditsTask:
    """A `Task`."""

    tokenizer = None

    def __init__(self, config: TrainConfig, data: EditsData) -> None:
        if config.model.architecture != "anticipatory":
            raise TrainingError(f"data of kind {data.kind} are for the anticipatory architecture")
        self.config, self.augmentation = config, Augmentation(data.transpose, data.edits, data.crops)
        splits = {name: [events_of(s) for s in scores] for name, scores in read_chorales(data.path).items()}
        self.pieces = splits["train"]
        self.validation = [rows(e, np.zeros(len(e), bool)) for e in splits["valid"]]

    def network(self) -> nn.Module:
        """See `Task`."""
        model = self.config.model
        settings = {"instruments": VOICE_PROGRAMS, **model.settings}
        return registry.get(model.architecture).build(settings, model.preset)

    def _chosen(self, step: int) -> tuple[NDArray[np.int64], np.random.Generator]:
        rng = np.random.default_rng([self.config.seed, step])
        return rng.integers(0, len(self.pieces), self.config.optim.batch), rng

    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        """See `Task`."""
        step = first
        window = self.config.model.settings.get("window", 512)
        while True:
            chosen, rng = self._chosen(step)
            sequences = [sample(self.pieces[i], self.augmentation, rng) for i in chosen][share.rank :: share.world]
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
        return likelihood(cast(AnticipatoryTransformer, network), self.validation[share.rank :: share.world])

    def model(self, network: nn.Module, found: Likelihood, step: int) -> Model[Any]:
        """See `Task`."""
        card = card_of(self.config, network, found, step)
        notes = np.concatenate(self.pieces)[:, 2]
        parts = cast(AnticipatoryTransformer, network).config.instruments
        means = [(notes % 128)[notes // 128 == part] for part in parts]
        centres = tuple(round(float(own.mean()), 2) if len(own) else 60.0 for own in means)
        return Model(network, card, View(float(QUARTERS_PER_MINUTE), parts, VOICES, centres))

    def provenance(self, step: int) -> str:
        """See `Task`."""
        return f"training pieces {', '.join(str(i) for i in self._chosen(step)[0])} of {self.config.data.path}"
