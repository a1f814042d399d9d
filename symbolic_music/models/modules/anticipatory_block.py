"""The decoder block of our own transformer: relative attention and a gated feed-forward, with pre-normalisation.

Shapes: B batch, L positions, K positions so far, H heads, D head width, M embeddings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from symbolic_music.models.attention.relative import last_position_attention, relative_attention
from symbolic_music.models.attention.relative_terms import Differences, Relation
from symbolic_music.models.modules.feed_forward import GatedFeedForward
from symbolic_music.models.modules.kv_cache import SlidingKeyValues


class RelativeAttention(nn.Module):
    """Attention by distance in the sequence and by musical time apart, to the last `window` positions."""

    def __init__(self, width: int, heads: int, distances: int, buckets: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.distance = nn.Parameter(torch.randn(heads, distances, width // heads) * 0.02)
        self.time = nn.Parameter(torch.randn(heads, buckets, width // heads) * 0.02)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, x.shape[-1] // self.heads).transpose(1, 2)

    def queries(self, x: Tensor) -> Tensor:
        """Queries of (B, L, width), (B, H, L, D)."""
        return self._split(self.query(x))

    def tables(self) -> tuple[Tensor, ...]:
        """Embeddings (H, M, D): of distances, then of time apart."""
        return self.distance, self.time

    def keys_values(self, x: Tensor, cache: SlidingKeyValues | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values of (B, L, width), each (B, H, K, D), after those of a cache."""
        keys, values = (self._split(part) for part in self.key_value(x).chunk(2, dim=-1))
        return (keys, values) if cache is None else cache.append(keys, values)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, apart: Differences) -> Tensor:
        """Attend from (B, L, width), the last L positions, each to the last `window` of the K up to its own."""
        window = self.window if keys.shape[-2] > self.window else None
        mixed = relative_attention(
            self.queries(x), keys, values, self.distance, relations=[Relation(self.time, apart)], window=window
        )
        return self._joined(mixed)

    def at_last(self, x: Tensor, keys: Tensor, values: Tensor, apart: Differences) -> Tensor:
        """Attend from several inputs (B, L, width) that all stand at the last position, to all K."""
        relations = [Relation(self.time, apart)]
        return self._joined(last_position_attention(self.queries(x), keys, values, self.distance, relations=relations))

    def _joined(self, mixed: Tensor) -> Tensor:
        return torch.as_tensor(self.out(mixed.transpose(1, 2).flatten(-2)))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(
        self, width: int, heads: int, hidden: int, distances: int, buckets: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(width)
        self.attention = RelativeAttention(width, heads, distances, buckets, window)
        self.feed_forward_norm = nn.RMSNorm(width)
        self.feed_forward = GatedFeedForward(width, hidden)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, apart: Differences, cache: SlidingKeyValues | None = None) -> Tensor:
        """(B, L, width) to the same; with a cache, its positions come before x. Time apart is of all of them."""
        normed = self.attention_norm(x)
        x = x + self.drop(self.attention(normed, *self.attention.keys_values(normed, cache), apart))
        return self.fed_forward(x)

    def fed_forward(self, x: Tensor) -> Tensor:
        """The second half, (..., width) to the same."""
        return x + torch.as_tensor(self.drop(self.feed_forward(self.feed_forward_norm(x))))
