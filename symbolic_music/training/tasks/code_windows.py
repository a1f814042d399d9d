"""The shared part of tasks that learn windows of codes, drawn from folders of recordings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import nn
from typing_extensions import override

from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.training.task import Batch, Share
from symbolic_music.training.tasks.model_task import ModelTask

Source = TypeVar("Source")
_OPENINGS = 0.1  # share of the examples that begin with their recording
_TOGETHER = 16  # examples that an evaluation computes at once
# A number without common factors with usual lengths, so that validation windows begin anywhere.
_STRIDE = 7919


class CodeWindowsTask(ModelTask, Generic[Source]):
    """A `Task` whose tokens are codes. Windows of a batch depend on the seed and the step alone.

    Args:
        folders: of recordings, each with its weight in the draw.
        recordings: reads those of a folder.
        held_out: one recording of this many is for validation.
        window: frames of an example.
    """

    tokenizer = None
    frame_rate: float

    def _read(
        self, folders: Mapping[str, float], recordings: Callable[[Path], list[Source]], held_out: int, window: int
    ) -> None:
        weights = np.array(list(folders.values()))
        self._shares, self._window = weights / weights.sum(), window
        self.training: list[list[Source]] = []
        self.held: list[Source] = []
        for folder in folders:
            found = recordings(Path(folder))
            self.training.append([one for i, one in enumerate(found) if i % held_out])
            self.held += found[::held_out]

    @abstractmethod
    def frames(self, source: Source) -> int:
        """The number of frames of a recording."""

    @abstractmethod
    def batch(self, drawn: list[tuple[Source, int]]) -> Batch:
        """Windows of recordings, each from its first frame on."""

    def drawn(self, step: int) -> list[tuple[Source, int]]:
        """Recordings of a batch, and the frames that their windows begin with."""
        rng = np.random.default_rng([self.config.seed, step])
        found = []
        for folder in rng.choice(len(self._shares), self.config.optim.batch, p=self._shares):
            one = self.training[folder][int(rng.integers(len(self.training[folder])))]
            last = self.frames(one) - self._window
            found.append((one, 0 if rng.random() < _OPENINGS else int(rng.integers(last + 1))))
        return found

    @override
    def batches(self, first: int, share: Share) -> Iterator[list[Batch]]:
        step = first
        while True:
            own = self.drawn(step)[share.rank :: share.world]
            yield [self.batch(own[part :: share.parts]) for part in range(share.parts)]
            step += 1

    @override
    @torch.no_grad()
    def likelihood(self, network: nn.Module, share: Share) -> Likelihood:
        """Windows of recordings held out, evenly chosen and cut."""
        was_training, total = network.training, Likelihood()
        network.eval()
        count, drawn = self.validation_examples, []
        for i in range(count):
            one = self.held[i * len(self.held) // count]
            drawn.append((one, i * _STRIDE % (self.frames(one) - self._window + 1)))
        drawn = drawn[share.rank :: share.world]
        device = next(network.parameters()).device
        for start in range(0, len(drawn), _TOGETHER):
            part = drawn[start : start + _TOGETHER]
            batch = self.batch(part)
            nats = float(self.loss(network, *(tensor.to(device) for tensor in batch.tensors)))
            total += Likelihood(nats, batch.tokens, 0, len(part) * self._window / self.frame_rate)
        network.train(was_training)
        return total

    @property
    @abstractmethod
    def validation_examples(self) -> int:
        """Windows that an evaluation computes."""
