"""GPT-2 checkpoints in Hugging Face's layout, such as those of the published anticipatory transformers.

A folder has config.json and one of: model.safetensors; several such files with model.safetensors.index.json; the older
pytorch_model.bin (or several with their index), which is a pickle and is read by torch's restricted reader alone. Each
tensor is copied into the network by itself, so that loading takes little more than the network.

Hugging Face's GPT-2 keeps the matrices of a block as (in, out); ours are `nn.Linear`'s (out, in). The published large
anticipatory transformer has a table of 55,030 rows, of which the encoding uses 55,028: rows past the vocabulary are
left in the file, so that no sampler can draw them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.checkpoints.config_and_weights import Undrawn, read_config, write_folder
from symbolic_music.models.checkpoints.memory import check_memory
from symbolic_music.models.checkpoints.published_tensors import WEIGHT_FILES, CheckpointTensors, ConfigReader, copy_into
from symbolic_music.tokenizers.anticipation import vocabulary as v

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_HEAD = "lm_head.weight"
# Both are the tanh approximation.
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh")
# Ours -> theirs, within a block.
_IN_A_BLOCK = {
    "attention_norm": "ln_1",
    "attention.query_key_value": "attn.c_attn",
    "attention.out": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "feed_forward.inner": "mlp.c_fc",
    "feed_forward.out": "mlp.c_proj",
}
_BLOCK = re.compile(r"h\.\d+\.")
# Masks that older versions stored with the weights.
_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")


def load_pretrained(source: str | Path, vocabulary: int = v.SIZE, revision: str | None = None) -> GPT2:
    """A GPT-2 checkpoint as our network, in float32, on the CPU, ready to evaluate.

    Args:
        source: a folder, or the id (owner/name) of a repository on the Hugging Face hub, whose files are downloaded
            once into the hub's cache.
        vocabulary: ids that it must have; 55,028 for anticipation, of which a checkpoint may have more, 34,025 for its
            preset interarrival.
        revision: branch, tag or commit on the hub.

    Raises:
        ModelError: when there is no such folder or repository; when it is no GPT-2, has another vocabulary, or
            options that ours does not support; when tensors are missing, too many or of wrong shapes; when a file is
            broken, or a pickle that holds more than tensors; when the memory does not suffice.
        MissingExtraError: for a hub id where huggingface_hub is not installed.

    Examples:
        >>> network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=2, heads=2))
        >>> sm.models.load_pretrained(sm.models.save_pretrained(network, "gpt2")).config.width
        32
    """
    folder = Path(source)
    if not folder.is_dir():
        if not _HUB_ID.fullmatch(str(source)):
            raise ModelError(f"no folder {source}, and it is no id of the hub (owner/name)")
        from symbolic_music.models.checkpoints.hub_download import download

        folder = download(str(source), WEIGHT_FILES, revision)
    config, rows = gpt2_config(read_config(folder), folder, vocabulary)
    return gpt2_of(config, rows, CheckpointTensors.of_folder(folder, plain_name))


def save_gpt2(network: GPT2, folder: str | Path) -> Path:
    """Write a network as `transformers.GPT2LMHeadModel.from_pretrained` reads it; see `save_pretrained`."""
    c = network.config
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": c.vocabulary,
        "n_positions": c.context,
        "n_ctx": c.context,
        "n_embd": c.width,
        "n_layer": c.layers,
        "n_head": c.heads,
        "n_inner": c.hidden or None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": c.epsilon,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": c.scale_by_layer,
        "reorder_and_upcast_attn": False,
        "resid_pdrop": c.dropout,
        "embd_pdrop": c.dropout,
        "attn_pdrop": c.attention_dropout,
        "tie_word_embeddings": c.tied,
        "torch_dtype": str(network.embedding.weight.dtype).removeprefix("torch."),
        # They have none of these; transformers' own defaults would be ids outside of the vocabulary.
        "bos_token_id": None,
        "eos_token_id": None,
    }
    names = _names(c.layers)
    names = {ours: theirs if theirs == _HEAD else f"transformer.{theirs}" for ours, theirs in names.items()}
    weights = {
        names[name]: _turned(name, parameter.detach()).cpu().contiguous()
        for name, parameter in network.named_parameters()
    }
    return write_folder(folder, config, weights)


def gpt2_config(theirs: Mapping[str, Any], folder: Path, vocabulary: int | None = None) -> tuple[GPT2Config, int]:
    """Our config of theirs, and how many rows their table has; ModelError for what is impossible or unknown to us.

    Args:
        theirs: their config.json.
        folder: named in errors.
        vocabulary: ids that it must have, None for as many as there are; more than 55,028 where that many are asked.
    """
    read = ConfigReader(theirs, folder)
    kind = theirs.get("model_type")
    if kind != "gpt2" and not (kind is None and "n_embd" in theirs):
        raise ModelError(f"{folder}/config.json is of a model of type {kind!r}, not 'gpt2'")
    activation = theirs.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise ModelError(f"{folder}/config.json has the activation {activation!r}; only 'gelu_new' is supported")
    scaled = theirs.get("scale_attn_by_inverse_layer_idx", False)
    if not isinstance(scaled, bool):
        raise ModelError(f"{folder}/config.json: scale_attn_by_inverse_layer_idx is true or false, not {scaled!r:.60}")
    read.known(scale_attn_weights=True, tie_word_embeddings=True, add_cross_attention=False)
    rows = read.whole("vocab_size")
    vocabulary = rows if vocabulary is None else vocabulary
    if rows != vocabulary and not (rows > vocabulary == v.SIZE):
        hint = "; pass vocabulary=34_025 for the interarrival encoding" if rows == 34_025 else ""
        raise ModelError(f"{folder} has a vocabulary of {rows:,} ids; {vocabulary:,} are expected{hint}")
    width, heads = read.whole("n_embd"), read.whole("n_head")
    if width % heads:
        raise ModelError(f"{folder}/config.json: n_embd {width} is not a multiple of n_head {heads}")
    config = GPT2Config(
        vocabulary=vocabulary,
        context=read.whole("n_positions", "n_ctx"),
        width=width,
        layers=read.whole("n_layer"),
        heads=heads,
        hidden=0 if theirs.get("n_inner") is None else read.whole("n_inner"),
        dropout=read.share("resid_pdrop", 0.1),
        attention_dropout=read.share("attn_pdrop", 0.1),
        epsilon=read.share("layer_norm_epsilon", 1e-5),
        scale_by_layer=scaled,
    )
    return config, rows


def gpt2_of(config: GPT2Config, rows: int, checkpoint: CheckpointTensors) -> GPT2:
    """The network with a checkpoint's tensors, which are checked before memory is taken.

    Args:
        rows: of the checkpoint's table; those past the config's vocabulary are left out.
    """
    blocks = {match[0] for name in checkpoint.shapes if (match := _BLOCK.match(name))}
    if len(blocks) != config.layers:
        first = min(len(blocks), config.layers)
        unfit = f"lacks h.{first}.*" if first < config.layers else f"h.{first}.* is too much"
        raise ModelError(
            f"{checkpoint.where} has tensors of {len(blocks)} layers, its config.json {config.layers}: {unfit}"
        )
    with torch.device("meta"), Undrawn():
        network = GPT2(config)
    names = _names(config.layers)
    wanted = {names[n]: tuple(_turned(n, p).shape) for n, p in network.named_parameters()}
    wanted["wte.weight"] = (rows, config.width)
    checkpoint.check(wanted, "GPT-2", {_HEAD: wanted["wte.weight"]} if config.tied else {})
    check_memory(network, checkpoint.where)
    network = network.to_empty(device="cpu").eval()
    for name, parameter in network.named_parameters():
        tensor = _turned(name, checkpoint.tensor(names[name]))
        # Of a table with rows that no id stands for.
        tensor = tensor[: config.vocabulary] if names[name] == "wte.weight" else tensor
        copy_into(parameter, tensor, names[name], checkpoint.where)
        if config.tied and names[name] == "wte.weight" and _HEAD in checkpoint.shapes:
            # At once, while little else is in memory.
            head = checkpoint.tensor(_HEAD)[: config.vocabulary].to(torch.float32)
            if not torch.equal(head, parameter):
                raise ModelError(f"{checkpoint.where} has an output matrix that is not its embedding; ours are tied")
            del head
        del tensor
    return network


def plain_name(key: str) -> str | None:
    """A name without the prefix that some versions write; None for the masks that older ones stored."""
    name = key.removeprefix("transformer.")
    return None if _BUFFER.fullmatch(name) else name


def _names(layers: int) -> dict[str, str]:
    """Our names of all weights -> theirs."""
    names = {"embedding.weight": "wte.weight", "position.weight": "wpe.weight"}
    names["head.weight"] = _HEAD
    names |= {f"norm.{kind}": f"ln_f.{kind}" for kind in ("weight", "bias")}
    for layer in range(layers):
        for ours, theirs in _IN_A_BLOCK.items():
            names |= {f"blocks.{layer}.{ours}.{kind}": f"h.{layer}.{theirs}.{kind}" for kind in ("weight", "bias")}
    return names


def _turned(name: str, tensor: Tensor) -> Tensor:
    """A tensor between our layout and theirs: the matrices of the blocks are transposed."""
    return tensor.T if name.startswith("blocks.") and tensor.dim() == 2 else tensor
