"""The JSB chorales as tokens of the 16th grid, whole pieces at a time, transposed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music import tokenizers
from symbolic_music.corpora.datasets.chorale_grid import VOICES, Grid, check_trainable, chorale_from_grid, read_grids
from symbolic_music.corpora.windows.batches import Batch as Windows
from symbolic_music.corpora.windows.batches import Collate
from symbolic_music.errors import TrainingError
from symbolic_music.tokenizers.chorale_grid import SILENCE, START
from symbolic_music.training.config import GridData, TrainConfig
from symbolic_music.training.data.base import Held, TokenSource
from symbolic_music.training.task import Share

_VALIDATION_BATCH = 16
_BAR = 16  # steps


class GridSource(TokenSource):
    """A `TokenSource`. An epoch's order is drawn from the seed; pieces of about one length make a batch."""

    def __init__(self, config: TrainConfig, data: GridData) -> None:
        self.config, self.data, self.tokenizer = config, data, tokenizers.get("grid")
        splits = read_grids(data.path)
        check_trainable(splits, data.path)
        self.train, self.valid = ([ids_of(grid) for grid in splits[name]] for name in ("train", "valid"))
        scores = [chorale_from_grid(grid) for grid in splits["valid"]]
        self.notes, self.seconds = [len(s.notes) for s in scores], [s.duration for s in scores]
        if len(self.train) < config.optim.batch:
            raise TrainingError(f"a batch of {config.optim.batch} exceeds the {len(self.train)} chorales")

    def _chosen(self, step: int) -> NDArray[np.int64]:
        """Pieces of a step."""
        size = self.config.optim.batch
        steps = len(self.train) // size
        rng = np.random.default_rng([self.config.seed, 1, step // steps])
        lengths = np.array([len(ids) for ids in self.train]) // len(VOICES)
        order = rng.permutation(len(self.train))[: steps * size]
        spread = self.data.spread
        order = order[np.argsort(lengths[order] + rng.uniform(-spread, spread, len(order)), kind="stable")]
        return np.asarray(order.reshape(steps, size)[rng.permutation(steps)][step % steps])

    @override
    def training(self, first: int, share: Share) -> Iterator[list[Windows]]:
        step, collate = first, Collate()
        while True:
            rng = np.random.default_rng([self.config.seed, 2, step])
            low, high = self.data.transpose
            shifts = rng.integers(low, high + 1, self.config.optim.batch)
            cropped = rng.random(len(shifts)) < self.data.crops
            chosen = [
                _later(self.train[i], rng) if c else self.train[i]
                for i, c in zip(self._chosen(step), cropped, strict=True)
            ]
            moved = [torch.from_numpy(transposed(ids, int(k))) for ids, k in zip(chosen, shifts, strict=True)]
            moved = moved[share.rank :: share.world]
            yield [collate(moved[part :: share.parts]) for part in range(share.parts)]
            step += 1

    @override
    def validation(self, share: Share) -> Iterator[Held]:
        order = sorted(range(len(self.valid)), key=lambda i: len(self.valid[i]))[share.rank :: share.world]
        collate = Collate()
        for start in range(0, len(order), _VALIDATION_BATCH):
            own = order[start : start + _VALIDATION_BATCH]
            windows = collate([torch.from_numpy(self.valid[i]) for i in own])
            yield Held(windows, sum(self.notes[i] for i in own), sum(self.seconds[i] for i in own))

    @override
    def provenance(self, step: int) -> str:
        return f"chorales {', '.join(map(str, self._chosen(step)))} of the train split of {self.data.path}"


def ids_of(grid: Grid) -> NDArray[np.int64]:
    """The ids of `tokenizers.grid` of a chorale's grid, silence at its ends included."""
    return np.concatenate([[START], np.where(grid < 0, SILENCE, grid).ravel()])


def _later(ids: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """From a bar of the first half on."""
    bar = _BAR * len(VOICES)
    first = 1 + bar * int(rng.integers(0, 1 + len(ids) // (2 * bar)))
    return np.concatenate([ids[:1], ids[first:]])


def transposed(ids: NDArray[np.int64], semitones: int) -> NDArray[np.int64]:
    """Pitches moved, silence and start as they are; unchanged where a pitch would leave 0 to 127."""
    pitched = ids < SILENCE
    moved = ids + semitones * pitched
    inside = (moved[pitched] >= 0) & (moved[pitched] < SILENCE)
    return moved if inside.all() else ids
