"""MIDI-LLM's checkpoints: a `LlamaForCausalLM` in Hugging Face's layout, with the tokenizer of its text.

The rows of its table past the text's ids are the anticipatory ids; two of them, and the text's logits, are never drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from symbolic_music import tokenizers
from symbolic_music.errors import MissingExtraError, ModelError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.models.architectures.midi_llm import MidiLlm, MidiLlmConfig
from symbolic_music.models.checkpoints.config_and_weights import write_folder
from symbolic_music.models.checkpoints.llama_layout import fill_from, llama_shape
from symbolic_music.models.checkpoints.memory import check_memory
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, ConfigReader, copy_into
from symbolic_music.models.modules.llama_stack import llama_names
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.base import Tokenizer

_TABLE, _HEAD, _BLOCKS = "model.embed_tokens.weight", "lm_head.weight", "model.layers"
# Rows of music, two of them unused.
MUSIC = v.SIZE + 2
_CONTEXT = 4096
_HEAD_WIDTH = 64
TOKENIZER = "tokenizer.json"
_OPENING = (
    "You are a world-class composer. Please compose some music according to the following description: "  # its prompt
)


class TextIds:
    """Ids of texts, as the model was trained on them.

    Args:
        folder: of the checkpoint, with tokenizer.json.
        size: number of ids of text.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._path, self._size = folder / TOKENIZER, size

    def copy_into(self, folder: Path) -> None:
        """Write tokenizer.json into another folder, where there is one and it is another."""
        if self._path.is_file() and folder.resolve() != self._path.parent.resolve():
            write_bytes(folder / TOKENIZER, self._path.read_bytes())

    def __call__(self, text: str) -> Sequence[int]:
        """Ids of the request for music that this text describes.

        Raises:
            ModelError: when tokenizer.json is missing, broken, or of another model.
            MissingExtraError: when the package tokenizers is not installed.
        """
        try:
            from tokenizers import Tokenizer as TextTokenizer
        except ImportError:
            raise MissingExtraError("tokenizers", "text") from None
        if not self._path.is_file():
            raise ModelError(f"{self._path.parent} has no {TOKENIZER}, the tokenizer of its text")
        try:
            ids = TextTokenizer.from_file(str(self._path)).encode(f"{_OPENING}{text} ").ids
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{self._path} is no tokenizer ({' '.join(str(error).split())[:120]})") from None
        if any(not 0 <= token < self._size for token in ids):
            raise ModelError(f"{self._path} is of another model: it has more than {self._size:,} ids")
        return list(ids)


def open_folder(folder: Path, theirs: Mapping[str, Any]) -> tuple[MidiLlm, Tokenizer]:
    """The network in a folder, ready to evaluate, and the tokenizer of its music.

    Raises:
        ModelError: when it is no MIDI-LLM, or tensors are missing, too many or of wrong shapes.
    """
    read = ConfigReader(theirs, folder)
    rows = read.whole("vocab_size")
    if rows <= MUSIC:
        raise ModelError(f"{folder} is a Llama of {rows:,} ids; known here is MIDI-LLM, of text and {MUSIC:,} of music")
    checkpoint = CheckpointTensors.of_folder(folder)
    shape = llama_shape(checkpoint, theirs, _BLOCKS, _HEAD_WIDTH)
    config = MidiLlmConfig(
        text=rows - MUSIC,
        context=min(_CONTEXT, read.whole("max_position_embeddings", default=_CONTEXT)),
        width=shape.width,
        layers=shape.layers,
        heads=shape.heads,
        key_heads=shape.key_heads,
        hidden=shape.hidden,
        base=shape.base,
        stretch=shape.stretch.factor,
        low=shape.stretch.low,
        high=shape.stretch.high,
        original=shape.stretch.original,
        epsilon=shape.epsilon,
        tied=bool(theirs.get("tie_word_embeddings", False)),
    )
    with torch.device("meta"):
        network = MidiLlm(config)
    names = _names(config.layers)
    table = {_TABLE: (rows, config.width)}
    head = {_HEAD: (rows, config.width)}
    checkpoint.check_joined(network, names, "Llama", table | ({} if config.tied else head), head if config.tied else {})
    check_memory(network, folder)
    network = network.to_empty(device="cpu").eval()
    _fill_tables(network, checkpoint)
    fill_from(network, checkpoint, names)
    network.text_ids = TextIds(folder, config.text)
    return network, tokenizers.get("anticipation")


def _names(layers: int) -> dict[str, tuple[str, ...]]:
    """Our names of all weights but the tables -> theirs."""
    return dict(llama_names(layers, "blocks", _BLOCKS)) | {"norm.weight": ("model.norm.weight",)}


@torch.no_grad()
def save_midi_llm(network: MidiLlm, folder: str | Path) -> Path:
    """Write a network as `transformers.LlamaForCausalLM.from_pretrained` reads it; see `save_pretrained`.

    The two rows of music that the encoding does not use are zero.
    """
    c = network.config
    if network.head is not None:
        raise ModelError("the output matrix of text was not loaded with this network, and transformers needs it")
    table = torch.cat([network.text_embedding.weight, network.embedding.weight])
    weights = {_TABLE: torch.cat([table, table.new_zeros(c.text + MUSIC - len(table), c.width)])}
    names = _names(c.layers)
    rows = [c.width, c.width * c.key_heads // c.heads, c.width * c.key_heads // c.heads]
    for name, parameter in network.named_parameters():
        theirs = names.get(name, ())
        parts = torch.split(parameter, rows) if len(theirs) > 1 else (parameter,)
        weights |= dict(zip(theirs, parts, strict=False))
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": c.text + MUSIC,
        "hidden_size": c.width,
        "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads,
        "num_key_value_heads": c.key_heads,
        "intermediate_size": c.hidden,
        "max_position_embeddings": c.context,
        "rms_norm_eps": c.epsilon,
        "rope_theta": float(c.base),
        "rope_scaling": {
            "rope_type": "llama3", "factor": float(c.stretch), "low_freq_factor": float(c.low),
            "high_freq_factor": float(c.high), "original_max_position_embeddings": c.original,
        },
        "tie_word_embeddings": True,
        "torch_dtype": str(table.dtype).removeprefix("torch."),
        "bos_token_id": None,
        "eos_token_id": None,
    }  # fmt: skip
    written = write_folder(folder, config, {name: tensor.cpu().contiguous() for name, tensor in weights.items()})
    if isinstance(network.text_ids, TextIds):
        network.text_ids.copy_into(written)
    return written


def _fill_tables(network: MidiLlm, checkpoint: CheckpointTensors) -> None:
    """The embeddings of text and music, and the output matrix of music."""
    text, size = network.config.text, network.config.vocabulary
    table = checkpoint.tensor(_TABLE)
    copy_into(network.text_embedding.weight, table[:text], _TABLE, checkpoint.where)
    copy_into(network.embedding.weight, table[text : text + size], _TABLE, checkpoint.where)
    if network.head is not None:
        copy_into(network.head.weight, checkpoint.tensor(_HEAD)[text : text + size], _HEAD, checkpoint.where)
    elif _HEAD in checkpoint.shapes:
        head = checkpoint.tensor(_HEAD)[text : text + size]
        if not torch.equal(head.to(torch.float32), network.embedding.weight):
            raise ModelError(f"{checkpoint.where} has an output matrix that is not its embedding; its config ties them")
