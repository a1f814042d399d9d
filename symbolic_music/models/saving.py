"""Save a model as a folder: model.safetensors, config.json and a card."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch

from symbolic_music import tokenizers
from symbolic_music.models import registry
from symbolic_music.models.checkpoints.config_and_weights import (
    stored,
    write_folder,
)
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
