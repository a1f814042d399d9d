"""Relative attention: by distance in the sequence (with the skew) and by distance in musical time.

Shapes: B batch, H heads, L queries, K keys, D head width. Queries are the last L of the K positions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def distance_logits(q: Tensor, embeddings: Tensor, keys: int) -> Tensor:
    """Logits q . e[distance] of each query for each key, read straight from the definition (Shaw et al. 2018).

    Args:
        q: (B, H, L, D).
        embeddings: (H, M, D), row d for the key d positions back; farther keys share the last row.
        keys: K, the number of keys.

    Returns:
        (B, H, L, K); what stands at keys after the query has no meaning.
    """
    length, reach = q.shape[-2], embeddings.shape[-2]
    query = torch.arange(keys - length, keys, device=q.device)
    distance = (query[:, None] - torch.arange(keys, device=q.device)).clamp(0, reach - 1)
    return torch.einsum("bhld,hlkd->bhlk", q, embeddings[:, distance])


def skewed_distance_logits(q: Tensor, embeddings: Tensor, keys: int) -> Tensor:
    """`distance_logits` by the skew of Huang et al. 2018 (Music Transformer, section 3.4.1).

    Works in O(L K) memory where the definition needs O(L K D): one product with all embeddings, then each row
    is shifted into place by padding one column and reading the same memory with rows one shorter.
    """
    reach = embeddings.shape[-2]
    # Column j of the product belongs to distance keys - 1 - j.
    distance = torch.arange(keys - 1, -1, -1, device=q.device).clamp(max=reach - 1)
    product = q @ embeddings[:, distance].transpose(-1, -2)
    return skew(product, keys)


def skew(product: Tensor, keys: int) -> Tensor:
    """Shift row i of (B, H, L, K) left by L - 1 - i, so that its last column moves to key K - L + i."""
    batch, heads, length, _ = product.shape
    padded = functional.pad(product, (0, length))
    flat = padded.flatten(-2)[..., length - 1 : length - 1 + length * (keys + length - 1)]
    # One element less a row moves each row one further to the left than the row below it.
    return flat.reshape(batch, heads, length, keys + length - 1)[..., :keys]


def time_logits(q: Tensor, embeddings: Tensor, buckets: Tensor) -> Tensor:
    """Logits q . e[bucket] with the bucket of each (query, key) pair given: relative time, as in section 3.4.2.

    Args:
        q: (B, H, L, D).
        embeddings: (H, M, D).
        buckets: (B, L, K) of whole numbers below M.

    Returns:
        (B, H, L, K).
    """
    product = q @ embeddings.transpose(-1, -2)
    return product.gather(-1, buckets[:, None].expand(-1, q.shape[1], -1, -1))


def relative_attention(
    q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, extra: Tensor | None = None, dropout: float = 0.0
) -> Tensor:
    """Causal attention softmax((q k^T + relative) / sqrt(D)) v, the relative logits by the skew.

    Args:
        q: (B, H, L, D), the queries of the last L positions.
        k: (B, H, K, D).
        v: (B, H, K, D).
        embeddings: (H, M, D), see `distance_logits`.
        extra: (B, H, L, K), further logits to add before scaling, such as `time_logits`.
        dropout: probability of dropping an attention weight.

    Returns:
        (B, H, L, D).
    """
    length, keys, width = q.shape[-2], k.shape[-2], q.shape[-1]
    logits = skewed_distance_logits(q, embeddings, keys)
    if extra is not None:
        logits = logits + extra
    future = torch.ones(length, keys, dtype=torch.bool, device=q.device).triu(keys - length + 1)
    mask = (logits * width**-0.5).masked_fill(future, float("-inf"))
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
