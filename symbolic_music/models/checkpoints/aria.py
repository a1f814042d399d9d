"""Aria's checkpoints: one safetensors file whose tensors define the architecture, with or without a config.json.

Tensors are `model.tok_embeddings.weight`, `model.encode_layers.I.PART.weight`, `model.out_layer_norm.*`, and
`lm_head.weight`, or `emb_head.weight` of a model that embeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.aria import Aria, AriaConfig
from symbolic_music.models.checkpoints.config_and_weights import Undrawn
from symbolic_music.models.checkpoints.memory import check_memory
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, ConfigReader, copy_into
from symbolic_music.tokenizers.base import Tokenizer

TABLE = "model.tok_embeddings.weight"
_HEAD_WIDTH = 64
_BLOCK = re.compile(r"model\.encode_layers\.(\d+)\.")
# Ours -> theirs, within a block.
_IN_A_BLOCK = {
    "attention.query_key_value": "mixed_qkv",
    "attention.out": "att_proj_linear",
    "feed_forward.gate": "ff_gate_proj",
    "feed_forward.up": "ff_up_proj",
    "feed_forward.out": "ff_down_proj",
    "attention_norm": "norm1",
    "feed_forward_norm": "norm2",
}


def open_checkpoint(checkpoint: CheckpointTensors, theirs: Mapping[str, Any]) -> tuple[Aria, Tokenizer]:
    """The network of a checkpoint, ready to evaluate, and the tokenizer of its ids.

    Heads are 64 wide unless the config says how many there are.

    Raises:
        ModelError: when tensors are missing, too many, or of shapes that do not fit each other.
    """
    config = _config_of(checkpoint, theirs)
    sizes = {len(t.vocabulary): t for t in (tokenizers.get("aria"), tokenizers.get("aria", preset="demo"))}
    if config.vocabulary not in sizes:
        raise ModelError(f"{checkpoint.where} has {config.vocabulary:,} ids; Aria has {' or '.join(map(str, sizes))}")
    with torch.device("meta"), Undrawn():
        network = Aria(config)
    names = _names(config)
    checkpoint.check({names[n]: tuple(p.shape) for n, p in network.named_parameters()}, "Aria", {})
    check_memory(network, checkpoint.where)
    network = network.to_empty(device="cpu").eval()
    for name, parameter in network.named_parameters():
        copy_into(parameter, checkpoint.tensor(names[name]), names[name], checkpoint.where)
    return network, sizes[config.vocabulary]


def _config_of(checkpoint: CheckpointTensors, theirs: Mapping[str, Any]) -> AriaConfig:
    """The shape that the tensors have."""
    shapes, where = checkpoint.shapes, checkpoint.where
    first = "model.encode_layers.0.ff_up_proj.weight"
    for name in (TABLE, first):
        if len(shapes.get(name, ())) != 2:
            raise ModelError(f"{where} lacks {name}, or it is no matrix")
    vocabulary, width = shapes[TABLE]
    read = ConfigReader(theirs, Path(where))
    heads = read.whole("num_attention_heads", "n_heads", default=max(1, width // _HEAD_WIDTH))
    embedding = shapes["emb_head.weight"][0] if "emb_head.weight" in shapes else 0
    return AriaConfig(
        vocabulary=vocabulary,
        context=read.whole("max_seq_len", "max_position_embeddings", default=8192),
        width=width,
        layers=len({match[1] for name in shapes if (match := _BLOCK.match(name))}),
        heads=heads,
        hidden=shapes[first][0],
        embedding=embedding,
    )


def _names(config: AriaConfig) -> dict[str, str]:
    """Our names of all weights -> theirs."""
    names = {"embedding.weight": TABLE, "head.weight": "emb_head.weight" if config.embedding else "lm_head.weight"}
    names |= {f"norm.{kind}": f"model.out_layer_norm.{kind}" for kind in ("weight", "bias")}
    for layer in range(config.layers):
        for ours, theirs in _IN_A_BLOCK.items():
            for kind in ("weight", "bias"):
                names[f"blocks.{layer}.{ours}.{kind}"] = f"model.encode_layers.{layer}.{theirs}.{kind}"
    return names
