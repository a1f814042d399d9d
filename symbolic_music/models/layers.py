"""The decoder block shared by our transformers: relative attention and a gated feed-forward, normalised before."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.attention import relative_attention
from symbolic_music.models.relations import Buckets, Relation


class KeyValues:
    """Preallocated keys and values of one layer, each (B, H, window, D); `length` positions are filled."""

    def __init__(self, batch: int, heads: int, window: int, width: int, like: Tensor) -> None:
        self.keys = like.new_zeros(batch, heads, window, width)
        self.values = torch.zeros_like(self.keys)
        self.length = 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add positions at the end; returns all that are filled."""
        end = self.length + keys.shape[-2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class RelativeAttention(nn.Module):
    """Multi-head attention with relative positions: by distance in the sequence and by bucket of musical time."""

    def __init__(self, width: int, heads: int, distances: int, buckets: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.distance = nn.Parameter(torch.randn(heads, distances, width // heads) * 0.02)
        self.time = nn.Parameter(torch.randn(heads, buckets, width // heads) * 0.02)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)

    def queries(self, x: Tensor) -> Tensor:
        """Queries of (B, L, width), (B, H, L, D)."""
        return self._split(self.query(x))

    def tables(self) -> tuple[Tensor, ...]:
        """Embeddings (H, M, D): of distances, then of time apart."""
        return self.distance, self.time

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of (B, K, width), each (B, H, K, D)."""
        keys, values = self.key_value(x).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, buckets: Tensor) -> Tensor:
        """Attend from (B, L, width), the last L positions, to all K; buckets (B, L, K). Returns (B, L, width)."""
        time = Relation(self.time, Buckets(buckets))
        mixed = relative_attention(self.queries(x), keys, values, self.distance, relations=[time])
        return torch.as_tensor(self.out(mixed.transpose(1, 2).flatten(-2)))


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020): W3 (silu(W1 x) * W2 x)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., width)."""
        gate, value = self.gate(x).chunk(2, dim=-1)
        return torch.as_tensor(self.out(functional.silu(gate) * value))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, width: int, heads: int, hidden: int, distances: int, buckets: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(width)
        self.attention = RelativeAttention(width, heads, distances, buckets)
        self.feed_forward_norm = nn.RMSNorm(width)
        self.feed_forward = GatedFeedForward(width, hidden)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, buckets: Tensor, cache: KeyValues | None = None) -> Tensor:
        """(B, L, width) to the same; with a cache, its positions come before x. buckets (B, L, K)."""
        normed = self.attention_norm(x)
        keys, values = self.attention.keys_values(normed)
        if cache is not None:
            keys, values = cache.append(keys, values)
        x = x + self.drop(self.attention(normed, keys, values, buckets))
        return x + torch.as_tensor(self.drop(self.feed_forward(self.feed_forward_norm(x))))
