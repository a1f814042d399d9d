"""Causal attention by blocks of queries, without relative terms; and of one query to keys that a batch shares."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Queries of a block; a block of logits stays in the processor's cache.
_BLOCK = 128


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
