"""Score conditioning for codec language models, and the learned null condition for classifier-free guidance.

Shapes: B batch, T frames, F features of a frame.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError

# Features of the frames from one to another, (B, n, F); zeros before the first and after the last.
Features = Callable[[int, int], Tensor]
AROUND = 4  # frames on either side that a frame's condition is made of


class Conditioned(nn.Module):
    """A network conditioned on a score; `nothing` is the learned null condition."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.condition = nn.Linear(features, width)
        self.around = nn.Conv1d(width, width, 2 * AROUND + 1)
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)

    def embed(self, features: Tensor) -> Tensor:
        """The condition of frames: (B, AROUND + T + AROUND, F) to (B, T, width); zeros beyond the ends of the score."""
        inner = functional.gelu(self.condition(features)).transpose(1, 2)
        return functional.gelu(self.around(inner)).transpose(1, 2)

    def embed_all(self, features: Tensor, frames: int) -> Tensor:
        """The condition of whole examples, (B, T, F); ModelError for another shape."""
        wanted = (frames, self.condition.in_features)
        if features.ndim != 3 or features.shape[1:] != wanted:
            raise ModelError(f"conditions are (batch, {wanted[0]}, {wanted[1]}), not {tuple(features.shape)}")
        return self.embed(functional.pad(features, (0, 0, AROUND, AROUND)))

    def embed_range(self, features: Features, first: int, last: int) -> Tensor:
        """The condition of a range of frames, (B, last - first, width)."""
        return self.embed(features(first - AROUND, last + AROUND).to(self.nothing.device))

    def with_dropout(self, condition: Tensor, share: float) -> Tensor:
        """The condition with a share of the examples replaced by `nothing`, (B, T, width)."""
        kept = torch.rand(len(condition), 1, 1, device=condition.device) >= share
        return torch.where(kept, condition, self.nothing)


def features_of(features: Tensor) -> Features:
    """Features (B, T, F) in memory, by frames."""

    def between(first: int, last: int) -> Tensor:
        inner = features[:, max(0, first) : max(0, last)]
        before = min(last, 0) - min(first, 0)
        return functional.pad(inner, (0, 0, before, last - first - before - inner.shape[1]))

    return between
