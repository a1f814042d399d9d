"""Conditions of codec language models, and the learned null conditions for classifier-free guidance.

Each frame has the features of a score. A model may be conditioned on a melody and on words besides (Copet et al. 2023):
their columns follow, each group with a last column that is 1 where there is such a condition and 0 where there is none.

Shapes: B batch, T frames, F features of a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.codec.language_models.melody_features import MELODY
from symbolic_music.errors import ModelError

# Features of the frames from one to another, (B, n, F); zeros before the first and after the last.
Features = Callable[[int, int], Tensor]
AROUND = 4  # frames on either side that a frame's condition is made of


class Extra(nn.Module):
    """A condition besides the score's: its columns, or the learned null condition where there is none."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.into = nn.Linear(columns - 1, width)
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, columns: Tensor) -> Tensor:
        """(B, T, columns) to (B, T, width)."""
        given = columns[..., -1:]
        return torch.as_tensor(given * self.into(columns[..., :-1]) + (1 - given) * self.nothing)


class Conditioned(nn.Module):
    """A network conditioned on a score; `nothing` is the learned null condition.

    Args:
        features: columns of a score.
        width: of the condition.
        melody: whether it is conditioned on a melody, of `melody_frames`.
        text: numbers of a text's vector; 0 without.
    """

    def __init__(self, features: int, width: int, melody: bool = False, text: int = 0) -> None:
        super().__init__()
        self.condition = nn.Linear(features, width)
        self.around = nn.Conv1d(width, width, 2 * AROUND + 1)
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)
        counts = {"melody": MELODY if melody else 0, "text": text + 1 if text else 0}
        self.extras = nn.ModuleDict({name: Extra(count, width) for name, count in counts.items() if count})
        ends = [features, *(features + n for n in accumulate(counts.values()))]
        self.places = {name: slice(*pair) for name, pair in zip(counts, pairwise(ends), strict=True)}

    @property
    def columns(self) -> int:
        """Of a frame, all conditions together."""
        return int(self.places["text"].stop)

    def embed(self, features: Tensor) -> Tensor:
        """The condition of frames: (B, AROUND + T + AROUND, F) to (B, T, width); zeros beyond the ends of the score."""
        inner = functional.gelu(self.condition(features[..., : self.condition.in_features])).transpose(1, 2)
        found = functional.gelu(self.around(inner)).transpose(1, 2)
        for name, extra in self.extras.items():
            found = found + extra(features[:, AROUND : features.shape[1] - AROUND, self.places[name]])
        return found

    def embed_all(self, features: Tensor, frames: int) -> Tensor:
        """The condition of whole examples, (B, T, F); ModelError for another shape."""
        wanted = (frames, self.columns)
        if features.ndim != 3 or features.shape[1:] != wanted:
            raise ModelError(f"conditions are (batch, {wanted[0]}, {wanted[1]}), not {tuple(features.shape)}")
        return self.embed(functional.pad(features, (0, 0, AROUND, AROUND)))

    def embed_range(self, features: Features, first: int, last: int) -> Tensor:
        """The condition of a range of frames, (B, last - first, width)."""
        return self.embed(features(first - AROUND, last + AROUND).to(self.nothing.device))

    def without(self, features: Tensor, name: str, dropped: Tensor | None = None) -> Tensor:
        """Features (B, T, F) without one of the extra conditions, in the examples (B,) that are named."""
        place = self.places[name]
        kept = features.clone()
        given = kept[..., place.stop - 1 : place.stop]
        kept[..., place.stop - 1 : place.stop] = (
            torch.zeros_like(given) if dropped is None else given * ~dropped[:, None, None]
        )
        return kept

    def extras_with_dropout(self, features: Tensor, share: float) -> Tensor:
        """Features (B, T, F) without the melody in a share of the examples, and without the text in another."""
        for name in self.extras:
            features = self.without(features, name, torch.rand(len(features), device=features.device) < share)
        return features

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
