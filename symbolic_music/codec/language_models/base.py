"""The shared part of models that predict codes position by position of a pattern.

Shapes: B batch, K codebooks, S positions of a pattern, T frames, F features of a frame.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.codec.language_models import patterns
from symbolic_music.codec.language_models.conditioning import Conditioned, Features
from symbolic_music.codec.language_models.patterns import Pattern


class StepModel(Conditioned):
    """Base of `CodecLanguageModel` and `MusicgenWriter`.

    Args:
        config: with codebooks, size, width, pattern, features, melody, text and unconditioned.

    `special`, the entry after the last of a codebook, marks positions without a code. `longest` is the number of frames
    in a window, None for no limit. The condition of a position is (B, 1, width), or (B, T, width) for a model that
    attends to all frames.
    """

    longest: int | None = None

    def __init__(self, config: Any) -> None:
        super().__init__(config.features, config.width, config.melody, config.text)
        self.config = config
        self.special: int = config.size

    def pattern(self, frames: int) -> Pattern:
        """The pattern for this many frames."""
        return patterns.get(self.config.pattern, self.config.codebooks, frames)

    @abstractmethod
    def conditions(self, features: Tensor, pattern: Pattern) -> Tensor:
        """The condition of `forward` from features (B, T, F) of the score."""

    @abstractmethod
    def step_conditions(self, features: Features, pattern: Pattern) -> Iterator[Tensor]:
        """The condition of `step` at each position."""

    @abstractmethod
    def new_cache(self, batch: int) -> Any:
        """An empty cache for `step`."""

    @abstractmethod
    def step(self, laid: Tensor, condition: Tensor | None, cache: Any) -> Tensor:
        """Logits after these positions, appended to the cache: (B, K, L) to (B, K, size).

        The first position is special in every codebook; the condition belongs to the next positions.
        """

    @abstractmethod
    def logits(self, before: Tensor, condition: Tensor | None, cache: Any) -> Tensor:
        """Logits after each of these positions: (B, K, L) to (B, K, L, size)."""

    def forward(self, laid: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of the codes at each position, given those before it: (B, K, S) to (B, K, S, size).

        Args:
            laid: codes as a pattern lays them; the last position's are not read.
            condition: from `conditions`, or None for none.
        """
        start = laid.new_full((*laid.shape[:2], 1), self.special)
        return self.logits(torch.cat([start, laid[..., :-1]], dim=-1), condition, None)

    def loss(self, codes: Tensor, features: Tensor) -> tuple[Tensor, int]:
        """Nats of codes (B, K, T) given the conditions' features (B, T, F), summed, and their number.

        While training, all conditions of a share of the examples are left out, and of other shares the melody and the
        text, each by itself.
        """
        pattern = self.pattern(codes.shape[-1])
        if self.training and self.extras:
            features = self.extras_with_dropout(features, self.config.unconditioned)
        laid, condition = pattern.build(codes, self.special), self.conditions(features, pattern)
        if self.training:
            condition = self.with_dropout(condition, self.config.unconditioned)
        mask = pattern.mask().to(codes.device).expand_as(laid)
        logits = self.forward(laid, condition)
        return functional.cross_entropy(logits[mask], laid[mask], reduction="sum"), int(mask.sum())
