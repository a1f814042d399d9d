"""The decoder block of the Llama family: attention with rotary positions and a gated feed-forward, both pre-normed.

Rotary positions (Su et al. 2021, arXiv 2104.09864) turn pairs of numbers (i, i + D / 2) of queries and keys; the gate
is a SiLU (Shazeer 2020, arXiv 2002.05202); several queries may share a key (Ainslie et al. 2023, arXiv 2305.13245).

Shapes: B batch, L positions, K positions so far, H heads, D head width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.modules.decoder_block import join_heads, split_heads
from symbolic_music.models.modules.feed_forward import LlamaFeedForward
from symbolic_music.models.modules.kv_cache import KeyValues


class Stretch(NamedTuple):
    """How Llama 3 stretches slow waves for contexts longer than those trained on at first; factor 1 for not at all."""

    factor: int = 1
    low: int = 1
    high: int = 4
    original: int = 8192


def turns(positions: Tensor, head_width: int, base: float, stretch: Stretch) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions (L,), each (L, D), in float32."""
    exponents = torch.arange(0, head_width, 2, device=positions.device).float() / head_width
    rates = 1.0 / base**exponents
    if stretch.factor > 1:
        waves = 2 * math.pi / rates
        smooth = (stretch.original / waves - stretch.low) / (stretch.high - stretch.low)
        between = (1 - smooth) * rates / stretch.factor + smooth * rates
        slow, fast = waves > stretch.original / stretch.low, waves < stretch.original / stretch.high
        rates = torch.where(slow, rates / stretch.factor, torch.where(fast, rates, between))
    angles = positions.float()[:, None] * rates
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Queries or keys (B, H, L, D) at their positions."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine


class LlamaAttention(nn.Module):
    """Attention to all positions so far; `key_heads` divides `heads`."""

    def __init__(self, width: int, heads: int, key_heads: int) -> None:
        super().__init__()
        self.heads, self.key_heads = heads, key_heads
        head_width = width // heads
        self.query_key_value = nn.Linear(width, (heads + 2 * key_heads) * head_width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], cache: KeyValues | None = None) -> Tensor:
        """(B, L, width) to the same; the cache's positions come before."""
        parts = split_heads(self.query_key_value(x), self.heads + 2 * self.key_heads)
        q, k, v = torch.split(parts, [self.heads, self.key_heads, self.key_heads], dim=1)
        q, k = turned(q, *turn), turned(k, *turn)
        if cache is not None:
            k, v = cache.append(k, v)
        length, keys = q.shape[-2], k.shape[-2]
        mask = None
        if 1 < length < keys:
            mask = torch.ones(length, keys, dtype=torch.bool, device=x.device).tril(keys - length)
        mixed = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=length == keys > 1, enable_gqa=self.key_heads < self.heads
        )
        return torch.as_tensor(self.out(join_heads(mixed)))


class LlamaBlock(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x)); the norms are given."""

    def __init__(self, width: int, heads: int, key_heads: int, hidden: int, norms: tuple[nn.Module, nn.Module]) -> None:
        super().__init__()
        self.attention_norm, self.feed_forward_norm = norms
        self.attention = LlamaAttention(width, heads, key_heads)
        self.feed_forward = LlamaFeedForward(width, hidden)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], cache: KeyValues | None = None) -> Tensor:
        """(B, L, width) to the same; the cache's positions come before."""
        x = x + self.attention(self.attention_norm(x), turn, cache)
        return x + torch.as_tensor(self.feed_forward(self.feed_forward_norm(x)))
