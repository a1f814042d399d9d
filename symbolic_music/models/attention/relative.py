"""Relative attention by distance in the sequence and by other relations, in three implementations.

`distance_logits` is the definition, `reference_relative_attention` what Huang et al. 2018 write, and
`relative_attention` what models use: the same numbers in less time and memory.

Shapes: B batch, H heads, L queries, K keys, D head width. Queries are the last L of the K positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.block_masks import causal_blocks, windowed_blocks
from symbolic_music.models.attention.block_sizes import sizes_of
from symbolic_music.models.attention.differentiable import blocked_attention
from symbolic_music.models.attention.relative_terms import Relation


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
    """Logits q . e[bucket] with the bucket of each (query, key) pair given: relative time and pitch.

    Args:
        q: (B, H, L, D).
        embeddings: (H, M, D).
        buckets: (B, L, K) of whole numbers below M, or (B, 1, K) where all queries share them.

    Returns:
        (B, H, L, K).
    """
    product = q @ embeddings.transpose(-1, -2)
    return product.gather(-1, buckets[:, None].expand(-1, *q.shape[1:3], -1))


def relation_logits(q: Tensor, relation: Relation, keys: slice) -> Tensor:
    """`time_logits` of a relation to some of the keys: (B, H, L, D) to (B, H, L, keys)."""
    return time_logits(q, relation.embeddings.to(q), relation.buckets.of(slice(None), slice(None), keys))


def reference_relative_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    extra: Tensor | None = None,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
    window: int | None = None,
) -> Tensor:
    """`relative_attention` as Huang et al. 2018 write it: softmax((q k^T + Skew(q E^T)) / sqrt(D)) v, causal.

    Takes several times the memory of the logits (B, H, L, K).
    """
    length, keys, width = q.shape[-2], k.shape[-2], q.shape[-1]
    logits = q @ k.transpose(-1, -2) + skewed_distance_logits(q, embeddings, keys)
    for relation in relations:
        logits = logits + relation_logits(q, relation, slice(0, keys))
    if extra is not None:
        logits = logits + extra
    seen = torch.ones(length, keys, dtype=torch.bool, device=q.device).tril(keys - length)
    if window is not None:
        seen = seen.triu(keys - length - window + 1)
    weights = (logits * width**-0.5).masked_fill(~seen, float("-inf")).softmax(-1)
    return functional.dropout(weights, dropout) @ v


def relative_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    extra: Tensor | None = None,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
    window: int | None = None,
) -> Tensor:
    """Causal attention softmax((q k^T + relative) / sqrt(D)) v in O(L x block) memory, see `blocked_attention`.

    Args:
        q: (B, H, L, D), the queries of the last L positions.
        k: (B, H, K, D).
        v: (B, H, K, D).
        embeddings: (H, M, D), see `distance_logits`.
        extra: (B, H, L, K), further logits to add before scaling.
        dropout: probability of dropping an attention weight, in [0, 1).
        relations: embeddings by time apart, pitch apart or the like, whose logits are added before scaling.
        window: a query sees the last `window` keys up to its own; all of them if None.

    Returns:
        (B, H, L, D).

    Raises:
        ModelError: shapes do not fit each other, dropout is out of range, or window is below 1; or when a gradient is
            requested that can be differentiated again.

    Examples:
        >>> import torch
        >>> q, k, v = torch.randn(3, 1, 2, 16, 8)  # one sequence, two heads, 16 positions of width 8
        >>> embeddings = torch.randn(2, 16, 8)  # of the 16 distances, for each head
        >>> sm.models.relative_attention(q, k, v, embeddings).shape
        torch.Size([1, 2, 16, 8])
    """
    if window is not None and (window < 1 or not isinstance(window, int)):
        raise ModelError(f"a window holds at least one key, not {window}")
    check_arguments(q, k, v, embeddings, dropout, relations)
    length, keys = q.shape[-2], k.shape[-2]
    if extra is not None:
        if extra.dim() > 4 or any(
            a not in (1, b) for a, b in zip(extra.shape[::-1], (keys, *q.shape[-2::-1]), strict=False)
        ):
            raise ModelError(f"extra is (B, H, L, K) or broadcasts to it, not {tuple(extra.shape)}")
        extra = extra.expand(*q.shape[:-1], keys)
    if length == 1:
        return last_position_attention(q, k, v, embeddings, extra, dropout, relations, window)
    sizes = sizes_of(q.device)
    blocks = causal_blocks(length, keys, sizes) if window is None else windowed_blocks(length, keys, window, sizes)
    return blocked_attention(q, k, v, embeddings, blocks, extra, dropout, relations)


def check_arguments(
    q: Tensor, k: Tensor, v: Tensor, embeddings: Tensor, dropout: float, relations: Sequence[Relation]
) -> None:
    """ModelError for arguments of `relative_attention` that do not fit each other."""
    if q.dim() != 4 or not q.is_floating_point():
        raise ModelError(f"q is (B, H, L, D) in floating point, not {q.dtype} {tuple(q.shape)}")
    batch, heads, length, width = q.shape
    for name, tensor in (("k", k), ("v", v)):
        if tensor.shape != (batch, heads, k.shape[-2], width):
            raise ModelError(f"{name} is ({batch}, {heads}, K, {width}) beside this q, not {tuple(tensor.shape)}")
    if length > k.shape[-2]:
        raise ModelError(f"there are more queries than keys: {length} and {k.shape[-2]}")
    tables = [("embeddings", embeddings), *(("embeddings of a relation", r.embeddings) for r in relations)]
    for name, table in tables:
        if table.dim() != 3 or not table.shape[1] or table.shape[::2] != (heads, width):
            raise ModelError(f"{name} are ({heads}, M, {width}) beside this q, not {tuple(table.shape)}")
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout must be at least 0 and below 1, not {dropout}")


def last_position_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    extra: Tensor | None = None,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
    window: int | None = None,
) -> Tensor:
    """`relative_attention` of queries that all stand at the last position, as generation asks: nothing is skewed."""
    last, reach = k.shape[-2], embeddings.shape[-2]
    first = 0 if window is None else max(0, last - window)
    keys = last - first
    relative = (q @ embeddings[:, :keys].transpose(-1, -2).to(q)).flip(-1)
    if reach < keys:
        far = relative[..., :1].expand(*relative.shape[:-1], keys - reach)
        relative = torch.cat([far, relative], dim=-1)
    logits = q @ k[:, :, first:].transpose(-1, -2) + relative
    for relation in relations:
        logits = logits + relation_logits(q, relation, slice(first, last))
    if extra is not None:
        logits = logits + extra[..., first:]
    weights = (logits * q.shape[-1] ** -0.5).softmax(-1)
    return functional.dropout(weights, dropout) @ v[:, :, first:]
