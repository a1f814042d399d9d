"""MIDI-GPT checkpoints: one safetensors file, whose header contains the architecture and the vocabulary.

Names of the tensors are those of Hugging Face's GPT-2, with an output matrix of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError, OptionError
from symbolic_music.models.architectures.gpt2 import GPT2, GPT2Config
from symbolic_music.models.checkpoints.config_and_weights import open_weights
from symbolic_music.models.checkpoints.huggingface_gpt2 import gpt2_of, plain_name
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors, ConfigReader
from symbolic_music.tokenizers.base import Tokenizer

_VERSION = "2"


def header_of(path: Path) -> dict[str, str] | None:
    """The metadata in the header of a file; None unless it is a MIDI-GPT checkpoint."""
    with open_weights(path) as file:
        found = dict(file.metadata() or {})
    return found if "encoder_config" in found else None


def open_file(path: Path, header: dict[str, str]) -> tuple[GPT2, Tokenizer]:
    """The network in a file, ready to evaluate, and the tokenizer of its ids.

    Raises:
        ModelError: when it is of another version or architecture, or its parts do not fit each other.
    """
    if header.get("format_version") != _VERSION or header.get("arch", "gpt2") != "gpt2":
        raise ModelError(
            f"{path} is of version {header.get('format_version')!r:.20} and architecture {header.get('arch')!r:.20}; "
            f"known here are version {_VERSION!r} and 'gpt2'"
        )
    shape, meaning = (_object(path, header, name) for name in ("config", "encoder_config"))
    try:
        tokenizer = tokenizers.get("midigpt", configuration=meaning)
    except OptionError as error:
        raise ModelError(f"{path}: {error}") from None
    read, size = ConfigReader(shape, path), len(tokenizer.vocabulary)
    rows = read.whole("vocab_size")
    if rows != size:
        raise ModelError(f"{path} has a vocabulary of {rows:,} ids; its configuration has {size:,}")
    config = GPT2Config(
        vocabulary=rows,
        context=read.whole("n_positions"),
        width=read.whole("n_embd"),
        layers=read.whole("n_layer"),
        heads=read.whole("n_head"),
        scale_by_layer=False,
        tied=False,
    )
    return gpt2_of(config, rows, CheckpointTensors([path], plain_name, path)), tokenizer


def _object(path: Path, header: dict[str, str], name: str) -> dict[str, Any]:
    """A JSON object in a header."""
    try:
        found = json.loads(header.get(name, ""))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{path} has no {name} in its header")
    return found
