"""Relations between a query and a key other than distance in the sequence: time difference, pitch difference.

Huang et al. 2018 (Music Transformer) learn an embedding for each number of sixteenths that lie between two tokens
of a chorale and one for each interval between their pitches, and add the query's products with both to the
attention logits ("Generalizing relative attention to capture relational information").

Shapes: B batch, H heads, L queries, K keys, D head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symbolic_music.errors import ModelError


@dataclass(frozen=True)
class Differences:
    """Buckets of the difference query - key of some quantity, in 2 reach + 1 steps; made where they are read.

    A difference x falls into bucket floor(x / unit) + reach, those beyond either end into the last one there.

    Args:
        queries: (B, L) of whole numbers or floats, such as onsets or pitches.
        keys: (B, K) of the same.
        unit: width of a bucket.
        reach: buckets to either side of 0.
    """

    queries: Tensor
    keys: Tensor
    unit: float
    reach: int

    def __post_init__(self) -> None:
        if self.unit <= 0 or self.reach < 0:
            raise ModelError(f"unit must be above 0 and reach at least 0, not {self.unit} and {self.reach}")

    @property
    def count(self) -> int:
        """How many buckets there are."""
        return 2 * self.reach + 1

    def of(self, batch: slice, queries: slice, keys: slice) -> Tensor:
        """Buckets (batch elements, queries, keys) of some of each."""
        a, b = self.queries[batch, queries, None], self.keys[batch, None, keys]
        if self.unit != 1 or a.is_floating_point():
            # Floats divide whole numbers exactly enough, and in half of the time; MPS has none of 64 bits.
            wide = torch.float32 if a.device.type == "mps" else torch.float64
            a, b = a.to(wide), b.to(wide)
        apart = a - b
        if apart.is_floating_point():
            apart = apart.div_(self.unit).floor_()
        return apart.clamp_(-self.reach, self.reach).add_(self.reach).long()


@dataclass(frozen=True)
class Buckets:
    """Buckets of every pair, written out: (B, L, K) whole numbers from 0."""

    table: Tensor

    def of(self, batch: slice, queries: slice, keys: slice) -> Tensor:
        """The part of the table for some batch elements, queries and keys."""
        return self.table[batch, queries, keys]


@dataclass(frozen=True)
class Relation:
    """An embedding for each head and bucket, and the bucket of each pair of a query and a key.

    Args:
        embeddings: (H, M, D).
        buckets: numbers below M.
    """

    embeddings: Tensor
    buckets: Differences | Buckets
