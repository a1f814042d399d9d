"""The decoder block of the Llama family: attention with rotary positions and a gated feed-forward, both pre-normed.

Rotary positions (Su et al. 2021, arXiv 2104.09864) turn pairs of numbers (i, i + D / 2) of queries and keys; the gate
is a SiLU (Shazeer 2020, arXiv 2002.05202); several queries may share a key (Ainslie et al. 2023, arXiv 2305.13245).

Shapes: B batch, L positions, K positions so far, H heads, D head width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.models.modules.decoder_block import join_heads, split_heads
from symbolic_music.models.modules.feed_forward import LlamaFeedForward
from symbolic_music.models.modules.few_rows_linear import FewRowsLinear
from symbolic_music.models.modules.kv_cache import KeyValues
from symbolic_music.models.modules.rotary import turned


class LlamaAttention(nn.Module):
    """Attention to all positions so far; `key_heads` divides `heads`."""

    def __init__(self, width: int, heads: int, key_heads: int) -> None:
        super().__init__()
        self.heads, self.key_heads = heads, key_heads
        head_width = width // heads
        self.query_key_value = FewRowsLinear(width, (heads + 2 * key_heads) * head_width, bias=False)
        self.out = FewRowsLinear(width, width, bias=False)

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
