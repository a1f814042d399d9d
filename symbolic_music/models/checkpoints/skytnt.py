"""SkyTNT's checkpoints: a folder with a config.json, or one file of weights alone, whose shapes define the network.

Tensors are `net.*` and `net_token.*`, each a `LlamaModel` with its embeddings, and `lm_head.weight`. A file that
Lightning wrote keeps them under `state_dict`. Without a config.json the version is known by the number of ids, and
whether channels are renumbered by the file's name, in which `tv2o` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.skytnt import SkyTnt, SkyTntConfig
from symbolic_music.models.checkpoints.llama_layout import fill_from, llama_shape
from symbolic_music.models.checkpoints.memory import check_memory
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, ConfigReader
from symbolic_music.models.modules.llama_stack import llama_names
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.tokenizers.public.skytnt_vocabulary import LAYOUTS

TABLE, ROW_TABLE = "net.embed_tokens.weight", "net_token.embed_tokens.weight"
# Of the published sizes, where no config says how many there are.
_HEAD_WIDTH, _ROW_HEAD_WIDTH = 64, 256
_BUFFER = re.compile(r"net(_token)?\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq")


def plain_name(key: str) -> str | None:
    """A tensor's name; None for the rates of positions that older versions stored."""
    return None if _BUFFER.fullmatch(key) else key


def open_checkpoint(checkpoint: CheckpointTensors, theirs: Mapping[str, Any], name: str) -> tuple[SkyTnt, Tokenizer]:
    """The network of a checkpoint, ready to evaluate, and the tokenizer of its ids.

    Args:
        checkpoint: its tensors.
        theirs: its config.json; empty where there is none.
        name: of the file or folder.

    Raises:
        ModelError: when tensors are missing, too many, or of shapes that do not fit each other or the config.
    """
    for table in (TABLE, ROW_TABLE):
        if len(checkpoint.shapes.get(table, ())) != 2:
            raise ModelError(f"{checkpoint.where} lacks {table}, or it is no matrix")
    tokenizer = _tokenizer(checkpoint, theirs.get("tokenizer"), name)
    config = _config(checkpoint, theirs)
    with torch.device("meta"):
        network = SkyTnt(config)
    names = dict(_names(config))
    checkpoint.check_joined(network, names, "SkyTNT model")
    check_memory(network, checkpoint.where)
    network = network.to_empty(device="cpu").eval()
    fill_from(network, checkpoint, names)
    return network, tokenizer


def _tokenizer(checkpoint: CheckpointTensors, theirs: Any, name: str) -> Tokenizer:
    """The tokenizer that the config names, else that of as many ids."""
    size, where = checkpoint.shapes[TABLE][0], checkpoint.where
    versions = {len(layout.names): version for version, layout in LAYOUTS.items()}
    if size not in versions:
        known = " or ".join(f"{one:,}" for one in versions)
        raise ModelError(f"{where} has {size:,} ids; SkyTNT's models have {known}")
    version, optimise = versions[size], versions[size] == "v2" and not re.search(r"tv2(?!o)", name)
    if isinstance(theirs, dict):
        optimise = theirs.get("optimise_midi", False)
        if theirs.get("version", version) != version or not isinstance(optimise, bool):
            raise ModelError(
                f"{where}/config.json names tokenizer {theirs.get('version')!r:.20}, its ids are those of {version!r}"
            )
    return tokenizers.get("skytnt", preset=version, optimise=optimise)


def _config(checkpoint: CheckpointTensors, theirs: Mapping[str, Any]) -> SkyTntConfig:
    shapes = checkpoint.shapes
    outer, inner = (theirs.get(name) for name in ("net_config", "net_token_config"))
    outer, inner = (one if isinstance(one, dict) else {} for one in (outer, inner))
    net = llama_shape(checkpoint, outer, "net.layers", _HEAD_WIDTH)
    row = llama_shape(checkpoint, inner, "net_token.layers", _ROW_HEAD_WIDTH)
    if (net.base, net.epsilon) != (row.base, row.epsilon) or net.key_heads != net.heads or row.key_heads != row.heads:
        raise ModelError(
            f"{checkpoint.where}/config.json: both networks have as many keys as queries, and the same base and epsilon"
        )
    return SkyTntConfig(
        vocabulary=shapes[TABLE][0],
        context=ConfigReader(outer, Path(checkpoint.where)).whole("max_position_embeddings", default=4096),
        width=shapes[TABLE][1],
        layers=net.layers,
        heads=net.heads,
        hidden=net.hidden,
        row_layers=row.layers,
        row_heads=row.heads,
        row_hidden=row.hidden,
        base=net.base,
        epsilon=net.epsilon,
    )


def _names(config: SkyTntConfig) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("embedding.weight", (TABLE,)),
        ("norm.weight", ("net.norm.weight",)),
        ("row_embedding.weight", (ROW_TABLE,)),
        ("row_norm.weight", ("net_token.norm.weight",)),
        ("head.weight", ("lm_head.weight",)),
        *llama_names(config.layers, "blocks", "net.layers"),
        *llama_names(config.row_layers, "row_blocks", "net_token.layers"),
    ]
