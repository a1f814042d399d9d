"""Relative local attention (Huang et al. 2018, "Relative local attention"): time and memory linear in the length.

The sequence is cut into stretches of N positions; a query sees its own stretch, up to itself, and all of the one
before. So distances run from 0 to 2 N - 1.

Shapes: B batch, H heads, L queries, K keys, D head width. Queries are the last L of the K positions.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.block_masks import local_blocks
from symbolic_music.models.attention.block_sizes import sizes_of
from symbolic_music.models.attention.differentiable import blocked_attention
from symbolic_music.models.attention.relative import check_arguments
from symbolic_music.models.attention.relative_terms import Relation


def local_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embeddings: Tensor,
    size: int,
    dropout: float = 0.0,
    relations: Sequence[Relation] = (),
) -> Tensor:
    """Relative attention of each stretch of `size` positions to itself, causal, and to the stretch before.

    Args:
        q: (B, H, L, D), the queries of the last L positions.
        k, v: (B, H, K, D).
        embeddings: (H, M, D), row d for the key d positions back; farther keys share the last row. 2 size rows tell
            all distances apart.
        size: N, positions in a stretch.
        dropout: probability of dropping an attention weight, in [0, 1).
        relations: see `relative_attention`.

    Returns:
        (B, H, L, D).

    Raises:
        ModelError: shapes do not fit each other, size is below 1, or dropout out of range; or when a gradient is
            requested that can be differentiated again.
    """
    if size < 1:
        raise ModelError(f"a stretch holds at least one position, not {size}")
    check_arguments(q, k, v, embeddings, dropout, relations)
    blocks = local_blocks(q.shape[-2], k.shape[-2], size, sizes_of(q.device))
    return blocked_attention(q, k, v, embeddings, blocks, None, dropout, relations)
