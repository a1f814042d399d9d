"""Rotary positions on several axes, and causal attention in blocks with rotated queries and keys.

Source: Su et al. 2021, "RoFormer", here with the periods of music in the place of a geometric series.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# Queries of a block; a block of logits stays in the processor's cache.
_BLOCK = 128


class Rotation(NamedTuple):
    """Cosines and sines of the angles of rows, each (B, 1, N, head width / 2)."""

    cos: Tensor
    sin: Tensor

    @staticmethod
    def of(angles: Tensor, dtype: torch.dtype) -> Rotation:
        """Rotations for angles in radians, (B, N, head width / 2)."""
        return Rotation(angles.cos().to(dtype)[:, None], angles.sin().to(dtype)[:, None])

    def __call__(self, x: Tensor) -> Tensor:
        """Rotate (B, H, N, D)."""
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)


def turns(values: Tensor, periods: Tensor) -> Tensor:
    """Angles of values (B, N) under periods (P,): (B, N, P)."""
    return values[..., None].float() * (2 * math.pi / periods)


def causal_blocks(query: Tensor, key: Tensor, scale: float) -> list[Tensor]:
    """Logits of causal attention over N rows by blocks of queries: (B, block, rows up to its end) each.

    Args:
        query, key: (B, N, D).
        scale: of the logits.
    """
    count = query.shape[1]
    query = query * scale
    after = torch.full((_BLOCK, _BLOCK), float("-inf"), dtype=query.dtype, device=query.device).triu(1)
    found = []
    for start in range(0, count, _BLOCK):
        end = min(count, start + _BLOCK)
        logits = torch.bmm(query[:, start:end], key[:, :end].transpose(1, 2))
        newest = logits[:, :, start:] + after[: end - start, : end - start]
        found.append(torch.cat([logits[:, :, :start], newest], -1) if start else newest)
    return found


class _Blockwise(torch.autograd.Function):
    """Causal attention by blocks of queries, (B, N, D) each, with the gradients of all blocks written into one tensor.

    Left to autograd, each block's gradients of the keys and values up to it are as large as all rows, mostly zeros, and
    added up.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """As `blockwise_attention`, of scaled queries."""
        count, out = query.shape[1], torch.empty_like(query)
        after = torch.full((_BLOCK, _BLOCK), float("-inf"), dtype=query.dtype, device=query.device).triu(1)
        weights = []
        for start in range(0, count, _BLOCK):
            end = min(count, start + _BLOCK)
            logits = torch.bmm(query[:, start:end], key[:, :end].transpose(1, 2))
            logits[:, :, start:] += after[: end - start, : end - start]
            weights.append(logits.softmax(-1))
            out[:, start:end] = torch.bmm(weights[-1], value[:, :end])
        ctx.save_for_backward(query, key, value, *weights)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of queries, keys and values."""
        query, key, value, *weights = ctx.saved_tensors
        of_query, of_key, of_value = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
        for number, own in enumerate(weights):
            start, end = _BLOCK * number, _BLOCK * number + own.shape[1]
            block = grad[:, start:end]
            of_value[:, :end] += torch.bmm(own.transpose(1, 2), block)
            of_weights = torch.bmm(block, value[:, :end].transpose(1, 2))
            of_logits = torch._softmax_backward_data(of_weights, own, -1, own.dtype)
            of_query[:, start:end] = torch.bmm(of_logits, key[:, :end])
            of_key[:, :end] += torch.bmm(of_logits.transpose(1, 2), query[:, start:end])
        return of_query, of_key, of_value


def blockwise_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention of N rows, by blocks of queries: (B, N, D) each to (B, N, D).

    Under autocast in its precision, as matrix products are.
    """
    device = query.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else query.dtype
    query = (query * query.shape[-1] ** -0.5).to(dtype)
    with torch.autocast(device, enabled=False):
        found: Tensor = _Blockwise.apply(query, key.to(dtype), value.to(dtype))  # type: ignore[no-untyped-call]
    return found


def attention_to_shared(query: Tensor, key: Tensor, value: Tensor, shared: int) -> Tensor:
    """Attention of one query a sequence, (B, H, 1, D), to keys (B, H, K, D) of which the first are the same in all.

    Those are read once for the whole batch.
    """
    heads_first = query[:, :, 0].transpose(0, 1)
    common = torch.bmm(heads_first, key[0, :, :shared].transpose(1, 2)).transpose(0, 1)
    own = (query @ key[:, :, shared:].transpose(2, 3))[:, :, 0]
    weights = (torch.cat([common, own], -1) * query.shape[-1] ** -0.5).softmax(-1)
    found = torch.bmm(weights[..., :shared].transpose(0, 1), value[0, :, :shared]).transpose(0, 1)[:, :, None]
    return torch.as_tensor(found + weights[:, :, None, shared:] @ value[:, :, shared:])


class RegionAttention(nn.Module):
    """Causal attention of rows to a source of as many rows, with normalised queries and keys.

    Args:
        width: of the rows.
        heads: of width / heads each.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gain = nn.Parameter(torch.full((heads, 1, 1), 4.0))

    def keys_values(self, source: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor]:
        """Keys and values of a source (B, N, width), each (B, H, N, D)."""
        batch, count, _ = source.shape
        key, value = self.kv(source).view(batch, count, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return rotation(functional.layer_norm(key, (key.shape[-1],))), value

    def forward(
        self, x: Tensor, rotation: Rotation, key: Tensor, value: Tensor, hidden: Tensor | None = None, shared: int = 0
    ) -> Tensor:
        """Rows (B, N, width) to N keys, causally; or to K keys but those that are hidden (B, K), N = 1.

        The first `shared` keys and values are the same in the whole batch.
        """
        batch, count, width = x.shape
        query = self.query(x).view(batch, count, self.heads, -1).transpose(1, 2)
        query = rotation(functional.layer_norm(query, (query.shape[-1],)) * self.gain.to(query.dtype))
        if count == 1 and shared and batch > 1:
            found = attention_to_shared(query, key, value, shared)
        elif count == 1:
            mask = None if hidden is None else ~hidden[:, None, None]
            found = functional.scaled_dot_product_attention(query, key, value, mask)
        else:
            found = blockwise_attention(*(one.flatten(0, 1) for one in (query, key, value)))
            found = found.view(batch, self.heads, count, -1)
        return torch.as_tensor(self.out(found.transpose(1, 2).reshape(batch, count, width)))


class RegionBlock(nn.Module):
    """Attention and a feed-forward network of squared rectifiers (So et al. 2021), each on a normalised input."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = RegionAttention(width, heads)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.norms = nn.ModuleList([nn.LayerNorm(width, bias=False) for _ in range(2)])

    def normed(self, x: Tensor) -> Tensor:
        """The normalised rows, the input of the attention."""
        return torch.as_tensor(self.norms[0](x))

    def forward(
        self, x: Tensor, rotation: Rotation, key: Tensor, value: Tensor, hidden: Tensor | None = None, shared: int = 0
    ) -> Tensor:
        """Rows (B, N, width), with keys and values of the source, as the attention takes them."""
        x = x + self.attention(self.normed(x), rotation, key, value, hidden, shared)
        inner = functional.relu(self.up(self.norms[1](x)))
        return torch.as_tensor(x + self.down(inner * inner))
