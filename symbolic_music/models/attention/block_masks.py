"""Masks of attention in blocks: the keys that a block of queries may attend to, as plain data.

Queries are the last L of K positions. `causal_blocks(5, 7)`, were blocks 2 rows high, is

    Block(0, 2, 0, 4), Block(2, 4, 0, 6), Block(4, 5, 0, 7):

the first two queries stand at positions 2 and 3, so the keys 0..3 are all that they see.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from symbolic_music.models.attention.block_sizes import Sizes, sizes_of

_CPU = torch.device("cpu")


class Block(NamedTuple):
    """Queries start..stop, counted from the first query, and the keys first..end, of which each sees those up to it.

    The last query stands at the last of the keys. With a window, a query sees only the last `window` keys up to its
    own.
    """

    start: int
    stop: int
    first: int
    end: int
    window: int | None = None

    @property
    def rows(self) -> int:
        """Number of queries."""
        return self.stop - self.start

    @property
    def columns(self) -> int:
        """Number of keys."""
        return self.end - self.first


def causal_blocks(length: int, keys: int, sizes: Sizes | None = None) -> list[Block]:
    """Blocks in which each query sees all keys up to its own."""
    fewest, most = (sizes or sizes_of(_CPU)).rows
    rows = min(max(length // 8, fewest), most)
    stops = [min(start + rows, length) for start in range(0, length, rows)]
    return [Block(start, stop, 0, keys - length + stop) for start, stop in zip([0, *stops], stops, strict=False)]


def windowed_blocks(length: int, keys: int, window: int, sizes: Sizes | None = None) -> list[Block]:
    """Blocks in which each query sees the last `window` keys up to its own."""
    return [
        block._replace(first=max(0, keys - length + block.start - window + 1), window=window)
        for block in causal_blocks(length, keys, sizes)
    ]


def local_blocks(length: int, keys: int, size: int, sizes: Sizes | None = None) -> list[Block]:
    """Blocks in which each query sees, up to its own, the keys of its stretch of `size` positions and the one before.

    Stretches begin at the multiples of `size`, whether their first positions are queries or keys alone.
    """
    most = (sizes or sizes_of(_CPU)).rows[1]
    blocks, start = [], keys - length
    while start < keys:
        stretch = start // size * size
        stop = min(start + most, stretch + size, keys)
        blocks.append(Block(start - (keys - length), stop - (keys - length), max(0, stretch - size), stop))
        start = stop
    return blocks
