"""The objective of region models: regions of pieces given everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music import tokenizers
from symbolic_music.errors import TrainingError
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.evaluation.region_likelihood import region_likelihood
from symbolic_music.models import registry
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.models.model import Card, Model, View
from symbolic_music.score import Score
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.region.rows import KIND, NOTE, PREDICTED, STATE, STEPS, WRITTEN, collate
from symbolic_music.training.config import RegionsData, TrainConfig
from symbolic_music.training.data.store_regions import StoreRegions
from symbolic_music.training.run.model_cards import card_of
from symbolic_music.training.run.run_log import write_sample
from symbolic_music.training.task import Batch, Share
from symbolic_music.training.tasks.music_task import ExamplesTask

_FIELDS = ("gap", "slot", "key", "duration", "instrument")
# Steps of 10 ms at this tempo are the model's of 1/60 quarter.
_QUARTERS_PER_MINUTE = 60 * 100 / STEPS


class RegionsTask(ExamplesTask):
    """A `Task`. Its tokens are notes; those of spans that are written count more, and velocities less."""

    def __init__(self, config: TrainConfig, data: RegionsData) -> None:
        if config.model.architecture != "region-transformer":
            raise TrainingError("data of kind regions are for the region-transformer architecture")
        self.config, self.data = config, data
        self._window = int(config.model.settings.get("window", 640))
        if (data.chords or data.keys) and not config.model.settings.get("harmony"):
            raise TrainingError("regions with known chords or keys are for networks with model.harmony: true")
        self.source = StoreRegions(data, self._window)
        self.tokenizer: Tokenizer = tokenizers.get("region", preset="pedal" if data.pedal else "default")

    @override
    def build(self) -> nn.Module:
        model = self.config.model
        return registry.get(model.architecture).build(model.settings, model.preset)

    @override
    def batch(self, examples: list[Any]) -> Batch:
        rows = torch.from_numpy(collate(examples, self._window))
        then = rows[:, 1:]
        is_note = (then[..., KIND] == NOTE) & (then[..., PREDICTED] > 0)
        return Batch((rows,), max(1, int((is_note * self._weights(then)).sum())))

    def _weights(self, then: Tensor) -> Tensor:
        return torch.where(then[..., STATE] >= WRITTEN, self.data.written_weight, 1.0)

    @override
    def loss(self, network: nn.Module, *tensors: Tensor) -> Tensor:
        (rows,) = tensors
        found = cast(RegionTransformer, network).losses(rows)
        nats = torch.stack([found[name] for name in _FIELDS]).sum(0) + self.data.velocity_weight * found["velocity"]
        return torch.as_tensor((nats * self._weights(rows[:, 1:])).sum())

    @override
    def likelihood(self, network: nn.Module, share: Share) -> Likelihood:
        """Of stretches, without anything given, all fields but the velocity."""
        return region_likelihood(cast(RegionTransformer, network), self.source.validation[share.rank :: share.world])

    @override
    def model(self, network: nn.Module, card: Card) -> Model[Any]:
        return Model(network, card, View(_QUARTERS_PER_MINUTE, ()), self.tokenizer)

    @override
    def sample(self, network: nn.Module, step: int, folder: Path) -> None:
        """Music for what a validation piece is for, since other instruments may not be in the data."""
        model = self.model(network, card_of(self.config, network, Likelihood(), step))
        asked = sample_request(self.source.validation_piece())
        write_sample(model, step, folder, self.config.sample_seconds, self.config.seed, asked)


def sample_request(piece: Score) -> Score:
    """What samples are written for: the tracks of a piece that have notes, its first tempo and meter, and no notes."""
    played = np.unique(piece.notes["track"]).tolist()
    return Score(
        ticks_per_quarter=piece.ticks_per_quarter, tempos=piece.tempos[:1], meters=piece.meters[:1],
        tracks=tuple(piece.tracks[track] for track in played),
    )  # fmt: skip
