"""The decoder block of the published models: attention, then a feed-forward, each with pre-normalisation.

Sources: Vaswani et al. 2017 for the parts, with the norms where the authors' later code, and so Huang et al. 2018, has
them. Shapes: B batch, L positions, K positions so far, H heads, D head width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.attention.relative import relative_attention
from symbolic_music.models.attention.relative_terms import Differences, Relation
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import KeyValues, SlidingKeyValues


class CausalAttention(nn.Module):
    """Attention to all positions so far; logits are divided by the root of the head width unless a scale is given."""

    def __init__(self, width: int, heads: int, dropout: float, bias: bool = False, scale: float | None = None) -> None:
        super().__init__()
        self.heads, self.dropout, self.scale = heads, dropout, scale
        self.query_key_value = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor, cache: KeyValues | None = None) -> Tensor:
        """(B, L, width) to the same; the cache's positions come before."""
        q, k, v = split_heads(self.query_key_value(x), 3 * self.heads).chunk(3, dim=1)
        if cache is not None:
            k, v = cache.append(k, v)
        length, keys = q.shape[-2], k.shape[-2]
        mask = None
        if 1 < length < keys:
            mask = torch.ones(length, keys, dtype=torch.bool, device=x.device).tril(keys - length)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=length == keys > 1, scale=self.scale
        )
        return torch.as_tensor(self.out(join_heads(mixed)))


class RelativeAttention(nn.Module):
    """Attention by distance to the last `window` positions, the query's own included.

    `buckets` are the numbers of buckets of further relations, whose differences are given with each call.
    """

    def __init__(
        self, width: int, heads: int, distances: int, window: int, dropout: float, buckets: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.heads, self.window, self.dropout = heads, window, dropout
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        head_width = width // heads
        self.distance = nn.Parameter(torch.randn(heads, distances, head_width) * head_width**-0.5)
        self.related = nn.ParameterList(torch.randn(heads, count, head_width) * head_width**-0.5 for count in buckets)

    def queries(self, x: Tensor) -> Tensor:
        """Queries of (B, L, width), (B, H, L, D)."""
        return split_heads(self.query_key_value(x), 3 * self.heads)[:, : self.heads]

    def tables(self) -> tuple[Tensor, ...]:
        """Embeddings (H, M, D): of distances, then of the further relations."""
        return self.distance, *self.related

    def forward(self, x: Tensor, cache: SlidingKeyValues | None, *differences: Differences) -> Tensor:
        """(B, L, width) to the same; the cache's positions come before. Differences are of all K positions."""
        q, k, v = split_heads(self.query_key_value(x), 3 * self.heads).chunk(3, dim=1)
        if cache is not None:
            k, v = cache.append(k, v)
        dropout = self.dropout if self.training else 0.0
        relations = [Relation(table, apart) for table, apart in zip(self.related, differences, strict=True)]
        window = self.window if k.shape[-2] > self.window else None
        mixed = relative_attention(q, k, v, self.distance, dropout=dropout, relations=relations, window=window)
        return torch.as_tensor(self.out(join_heads(mixed)))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, L, heads D) to (B, heads, L, D)."""
    return x.view(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, H, L, D) to (B, L, H D)."""
    return x.transpose(1, 2).flatten(-2)


class DecoderBlock(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x)); epsilon is the norms'."""

    def __init__(
        self, attention: nn.Module, feed_forward: FeedForward, width: int, dropout: float, epsilon: float = 1e-5
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=epsilon)
        self.attention = attention
        self.feed_forward_norm = nn.LayerNorm(width, eps=epsilon)
        self.feed_forward = feed_forward
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, cache: KeyValues | SlidingKeyValues | None = None, *differences: Differences
    ) -> Tensor:
        """(B, L, width) to the same; the cache's positions come before. See the attention for the rest."""
        x = x + self.drop(self.attention(self.attention_norm(x), cache, *differences))
        return x + torch.as_tensor(self.drop(self.feed_forward(self.feed_forward_norm(x))))


def initialise(module: nn.Module) -> None:
    """Draw weight matrices uniformly with the deviation that keeps variances (Glorot & Bengio 2010), biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
