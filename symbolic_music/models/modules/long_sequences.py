"""Sequences longer than the window of a model with absolute positions.

The window jumps: when it is full, its newer half becomes the start of the next one and is read again at its new
positions, so that every id is predicted from at least half a window. With hop = window // 2, position t is predicted
from the ids start(t)..t, where start(t) is 0 up to t = window - 1 and then the smallest multiple of hop that leaves
start(t) > t - window. `states_in_windows` computes that for whole sequences, `step_in_windows` id by id, reading half a
window again once in hop ids.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from symbolic_music.models.modules.kv_cache import WindowIds, hop_of


def states_in_windows(ids: Tensor, window: int, run: Callable[[Tensor], Tensor]) -> Tensor:
    """States of all positions.

    Args:
        ids: (B, L, ...).
        window: most ids that `run` is given.
        run: (B, K, ...) ids from a window's start to (B, K, width) states.

    Returns:
        (B, L, width).
    """
    hop = hop_of(window)
    parts = [run(ids[:, :window])]
    later = range(hop, ids.shape[1] - window + hop, hop)
    parts += [run(ids[:, start : start + window])[:, window - hop :] for start in later]
    return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]


def step_in_windows(
    ids: Tensor, held: WindowIds, restart: Callable[[], None], run: Callable[[Tensor], Tensor]
) -> Tensor:
    """State of the last of the ids, appended to a cache.

    Args:
        ids: (B, L, ...), L at least 1.
        held: the cache's ids; extended.
        restart: empties the rest of the cache.
        run: (B, K, ...) ids after those in the cache to (B, K, width) states; extends the rest of the cache.

    Returns:
        (B, width).
    """
    states = ids.new_zeros(0)
    while ids.shape[1]:
        kept = ids[:, :0]
        if not held.room:
            kept = held.jump()
            restart()
        piece, ids = ids[:, : held.room], ids[:, held.room :]
        held.append(piece)
        states = run(torch.cat([kept, piece], dim=1))
    return states[:, -1]
