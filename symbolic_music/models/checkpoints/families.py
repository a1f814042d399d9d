"""Families of public checkpoints: detection, network and tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints import aria, midi_llm, midigpt_file, skytnt
from symbolic_music.models.checkpoints.huggingface_gpt2 import gpt2_config, gpt2_of, plain_name
from symbolic_music.models.checkpoints.published_tensors import CheckpointTensors
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.base import Tokenizer

_INTERARRIVAL = 34_025


@dataclass(frozen=True)
class Opened:
    """A checkpoint of others as ours.

    Args:
        network: in evaluation mode, on the CPU, in float32.
        tokenizer: of its ids.
        family: it is of.
    """

    network: nn.Module
    tokenizer: Tokenizer
    family: str


def open_file(path: Path) -> Opened:
    """A checkpoint of one file: safetensors or a pickle of tensors, whose header or names tell its kind.

    Raises:
        ModelError: when the kind is unknown, or the file does not fit it.
    """
    header = midigpt_file.header_of(path) if path.suffix == ".safetensors" else None
    if header is not None:
        return Opened(*midigpt_file.open_file(path, header), "midigpt")
    checkpoint = CheckpointTensors([path], where=path)
    if aria.TABLE in checkpoint.shapes:
        return Opened(*aria.open_checkpoint(checkpoint, {}), "aria")
    if skytnt.ROW_TABLE in checkpoint.shapes:
        own = CheckpointTensors([path], skytnt.plain_name, path)
        return Opened(*skytnt.open_checkpoint(own, {}, path.stem), "skytnt")
    if any(name.startswith("patch_level_decoder.") for name in checkpoint.shapes):
        raise ModelError(f"{path} is a checkpoint of NotaGen, which is not supported")
    raise ModelError(f"{path.parent} has no config.json, and {path.name} does not name its model")


def open_folder(folder: Path, theirs: Mapping[str, Any]) -> Opened:
    """The checkpoint in a folder with a config.json.

    Raises:
        ModelError: when it is of no family that is known here, or does not fit its config.
    """
    kind = theirs.get("model_type")
    if kind is None and "n_embd" in theirs:
        kind = "gpt2"
    opening = _OPENINGS.get(kind) if isinstance(kind, str) else None
    if opening is None:
        known = ", ".join(sorted(_OPENINGS))
        raise ModelError(f"{folder}/config.json is of a model of type {kind!r:.60}; known here are {known}")
    return opening(folder, theirs)


def _gpt2(folder: Path, theirs: Mapping[str, Any]) -> Opened:
    """GPT-2 over anticipatory ids, or over those of a MidiTok tokenizer that lies beside it."""
    rows = theirs.get("vocab_size")
    tokenizer: Tokenizer
    family = "anticipation"
    if isinstance(rows, int) and rows >= v.SIZE:
        tokenizer = tokenizers.get("anticipation")
    elif rows == _INTERARRIVAL:
        tokenizer = tokenizers.get("anticipation", preset="interarrival")
    else:
        from symbolic_music.models.checkpoints.miditok_folder import tokenizer_beside

        tokenizer, family = tokenizer_beside(folder), "miditok"
    config, rows = gpt2_config(theirs, folder, len(tokenizer.vocabulary))
    return Opened(gpt2_of(config, rows, CheckpointTensors.of_folder(folder, plain_name)), tokenizer, family)


def _aria(folder: Path, theirs: Mapping[str, Any]) -> Opened:
    return Opened(*aria.open_checkpoint(CheckpointTensors.of_folder(folder), theirs), "aria")


def _skytnt(folder: Path, theirs: Mapping[str, Any]) -> Opened:
    checkpoint = CheckpointTensors.of_folder(folder, skytnt.plain_name)
    return Opened(*skytnt.open_checkpoint(checkpoint, theirs, folder.name), "skytnt")


def _llama(folder: Path, theirs: Mapping[str, Any]) -> Opened:
    return Opened(*midi_llm.open_folder(folder, theirs), "midi-llm")


_OPENINGS: Mapping[str, Callable[[Path, Mapping[str, Any]], Opened]] = {
    "gpt2": _gpt2,
    "aria": _aria,
    "midi_model": _skytnt,
    "llama": _llama,
}
