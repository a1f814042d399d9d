"""Save a model as a folder: model.safetensors, config.json and a card; or a network in the layout of transformers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symbolic_music import tokenizers
from symbolic_music.errors import ModelError
from symbolic_music.models import registry
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.models.checkpoints.config_and_weights import stored, write_folder
from symbolic_music.models.checkpoints.huggingface_gpt2 import save_gpt2
from symbolic_music.models.model import Model
from symbolic_music.version import __version__


def save_model(model: Model[Any], folder: str | Path, dtype: torch.dtype = torch.float16) -> Path:
    """Write a model folder atomically.

    Args:
        model: what to write.
        folder: created if missing; other files in it stay.
        dtype: of the weights in the file. They are loaded as float32.

    Raises:
        ModelError: when weights are not finite, or too large for the type.
        UnknownNameError: when the network is not of a registered architecture.
        FileError: when it cannot be written.

    Examples:
        >>> folder = sm.models.save_model(sm.load_model("chorales"), "copy")
        >>> sm.load_model(folder).card.name
        'chorales'
    """
    named = model.tokenizer.to_config()
    name, preset = named.pop("name"), named.pop("preset")
    config = {
        "architecture": registry.name_of(model.network),
        "library_version": __version__,
        "tokenizer": {
            "name": name,
            "preset": preset,
            "options": named,
            "sha256": tokenizers.fingerprint(model.tokenizer),
        },
        "network": dataclasses.asdict(model.network.config),
        "view": dataclasses.asdict(model.view),
        "card": model.card.record(),
    }
    return write_folder(folder, config, {k: stored(k, x, dtype) for k, x in model.network.state_dict().items()})


def save_pretrained(network: nn.Module, folder: str | Path) -> Path:
    """Write a network as transformers reads it, in the type of its weights.

    A GPT-2, of whatever ids, is a `transformers.GPT2LMHeadModel`, a MIDI-LLM a `LlamaForCausalLM` with the tokenizer
    of its text. The architectures of other models are not in transformers: `save_model` writes them.

    Raises:
        ModelError: for a network of another architecture; for a MIDI-LLM whose output matrix is not its embedding.
        FileError: when it cannot be written.

    Examples:
        >>> network = sm.models.GPT2(sm.models.GPT2Config(width=32, layers=2, heads=2))
        >>> folder = sm.models.save_pretrained(network, "gpt2")
        >>> sorted(file.name for file in folder.iterdir())
        ['config.json', 'model.safetensors']
    """
    if isinstance(network, GPT2):
        return save_gpt2(network, folder)
    from symbolic_music.models.architectures.midi_llm import MidiLlm
    from symbolic_music.models.checkpoints.midi_llm import save_midi_llm

    if isinstance(network, MidiLlm):
        return save_midi_llm(network, folder)
    name = registry.name_of(network)
    raise ModelError(f"transformers has no architecture {name}; GPT-2 and MIDI-LLM are saved for it, all by save_model")
