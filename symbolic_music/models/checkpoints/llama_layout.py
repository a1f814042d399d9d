"""Llamas in Hugging Face's layout: their shapes from config and tensors, and the filling of our matrices from theirs.

Queries, keys and values are three matrices there and one of all their rows here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, ConfigReader, copy_into
from symbolic_music.models.modules.rotary import Stretch


@dataclass(frozen=True)
class LlamaShape:
    """What a `LlamaModel` is made of."""

    layers: int
    width: int
    heads: int
    key_heads: int
    hidden: int
    base: int
    epsilon: float
    stretch: Stretch


def llama_shape(checkpoint: CheckpointTensors, theirs: Mapping[str, Any], layers: str, head_width: int) -> LlamaShape:
    """The shape of a stack of blocks, by its tensors, and by its config where they do not tell.

    Args:
        checkpoint: its tensors.
        theirs: its config; may be empty.
        layers: name of the list of blocks.
        head_width: where the config does not tell how many heads there are.

    Raises:
        ModelError: when the first block is missing, or the config has options that are not known here.
    """
    shapes, where = checkpoint.shapes, checkpoint.where
    first = f"{layers}.0.mlp.up_proj.weight"
    keys = f"{layers}.0.self_attn.k_proj.weight"
    for name in (first, keys):
        if len(shapes.get(name, ())) != 2:
            raise ModelError(f"{where} lacks {name}, or it is no matrix")
    read = ConfigReader(theirs, Path(where))
    read.known(hidden_act="silu", attention_bias=False, mlp_bias=False)
    hidden, width = shapes[first]
    heads = read.whole("num_attention_heads", default=max(1, width // head_width))
    key_heads = read.whole("num_key_value_heads", default=heads)
    if width % heads or read.whole("head_dim", default=width // heads) * heads != width or heads % key_heads:
        raise ModelError(f"{where}/config.json: {heads} heads and {key_heads} of keys do not divide a width of {width}")
    found = {match[1] for name in shapes if (match := re.match(rf"{re.escape(layers)}\.(\d+)\.", name))}
    base, stretch = _rotation(theirs, read, where)
    return LlamaShape(
        layers=len(found),
        width=width,
        heads=heads,
        key_heads=key_heads,
        hidden=hidden,
        base=base,
        epsilon=read.share("rms_norm_eps", 1e-6),
        stretch=stretch,
    )


def _rotation(theirs: Mapping[str, Any], read: ConfigReader, where: Path) -> tuple[int, Stretch]:
    """Base and stretch of the rotary positions, which newer versions keep together."""
    together = theirs.get("rope_parameters")
    scaling = together if isinstance(together, dict) else theirs.get("rope_scaling")
    scaling = scaling if isinstance(scaling, dict) else {}
    base = scaling.get("rope_theta", theirs.get("rope_theta", 10_000))
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if not _is_whole(base):
        raise ModelError(f"{where}/config.json: rope_theta is a whole number, not {base!r:.40}")
    if kind == "default":
        return int(base), Stretch()
    names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    numbers = [scaling.get(name) for name in names]
    if kind != "llama3" or not all(map(_is_whole, numbers)):
        raise ModelError(f"{where}/config.json: rotary positions of type {kind!r:.40} are not known here")
    return int(base), Stretch(*(int(n) for n in numbers if n is not None))


def _is_whole(number: object) -> bool:
    """Whether it is a whole number from 1 to a million million; JSON may also hold NaN and Infinity."""
    return isinstance(number, (int, float)) and 1 <= number <= 1e12 and float(number).is_integer()


@torch.no_grad()
def fill_from(network: nn.Module, checkpoint: CheckpointTensors, names: Mapping[str, Sequence[str]]) -> None:
    """Copy the tensors of a checkpoint into the named parameters of a network, each the rows of some of theirs."""
    for name, parameter in network.named_parameters():
        begin = 0
        for theirs in names.get(name, ()):
            rows = checkpoint.shapes[theirs][0]
            copy_into(parameter[begin : begin + rows], checkpoint.tensor(theirs), theirs, checkpoint.where)
            begin += rows
