"""A stack of Llama's blocks with its final norm, as published checkpoints have them, and its names there.

Source: Touvron et al. 2023 (arXiv 2302.13971); names of the weights are those of Hugging Face's `LlamaModel`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from symbolic_music.models.modules.kv_cache import KeyValues
from symbolic_music.models.modules.llama_block import LlamaBlock
from symbolic_music.models.modules.rotary import Stretch, turns

_PLAIN = Stretch()


def llama_blocks(layers: int, width: int, heads: int, key_heads: int, hidden: int, epsilon: float) -> nn.ModuleList:
    """The blocks, with root-mean-square norms."""
    return nn.ModuleList(
        LlamaBlock(width, heads, key_heads, hidden, (nn.RMSNorm(width, epsilon), nn.RMSNorm(width, epsilon)))
        for _ in range(layers)
    )


def run_blocks(
    blocks: nn.ModuleList,
    x: Tensor,
    heads: int,
    base: float,
    cache: Sequence[KeyValues] | None = None,
    stretch: Stretch = _PLAIN,
) -> Tensor:
    """Inputs (B, L, width) through the blocks, after those that a cache holds; it gets the keys and values of these.

    Args:
        blocks: of `llama_blocks`.
        x: inputs.
        heads: of the queries.
        base: of the rotary positions.
        cache: one a block.
        stretch: of the rotary positions.
    """
    start = cache[0].length if cache else 0
    positions = torch.arange(start, start + x.shape[1], device=x.device)
    cosine, sine = turns(positions, x.shape[-1] // heads, base, stretch)
    turn = cosine.to(x.dtype), sine.to(x.dtype)
    for number, block in enumerate(blocks):
        x = block(x, turn, None if cache is None else cache[number])
    return x


# Ours -> theirs, within a block, but for queries, keys and values, which are one matrix here.
_IN_A_BLOCK = {
    "attention_norm": "input_layernorm",
    "attention.out": "self_attn.o_proj",
    "feed_forward_norm": "post_attention_layernorm",
    "feed_forward.gate": "mlp.gate_proj",
    "feed_forward.up": "mlp.up_proj",
    "feed_forward.out": "mlp.down_proj",
}
_PROJECTIONS = ("q_proj", "k_proj", "v_proj")


def llama_names(layers: int, ours: str, theirs: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Our name of each weight of the blocks, and theirs; of several of theirs the rows stand one after the other.

    Args:
        layers: number of blocks.
        ours, theirs: names of the list of blocks, such as `blocks` and `model.layers`.
    """
    for layer in range(layers):
        own, other = f"{ours}.{layer}", f"{theirs}.{layer}"
        yield (
            f"{own}.attention.query_key_value.weight",
            tuple(f"{other}.self_attn.{part}.weight" for part in _PROJECTIONS),
        )
        for name, named in _IN_A_BLOCK.items():
            yield f"{own}.{name}.weight", (f"{other}.{named}.weight",)
