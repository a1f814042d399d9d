"""How relative attention is cut into blocks, by device.

On a CPU a block's logits stay in the cache, and half precision has no products that are worth its rounding. On an
accelerator the cost is that of starting each product: blocks are as large as a buffer of 64 to 128 MB allows, and
products are of the type of their arguments, with sums over blocks in float32.
"""

from __future__ import annotations

from typing import NamedTuple

import torch


class Sizes(NamedTuple):
    """Sizes of the blocks of a device.

    `rows`: fewest and most queries in a block: few slow the products down, many see keys that most of them may not.
    `logits`: that are computed in a go, over several heads, where a block of one head has fewer.
    `keeps_half`: whether products of half precision are computed in it, and not in float32.
    """

    rows: tuple[int, int]
    logits: int
    keeps_half: bool


CPU = Sizes((64, 128), 1 << 18, False)
ACCELERATOR = Sizes((64, 512), 1 << 25, True)


def sizes_of(device: torch.device) -> Sizes:
    """The sizes for a device."""
    return CPU if device.type == "cpu" else ACCELERATOR
