"""Folders of a trained transcriber: model.safetensors in float16, config.json with its card. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.checkpoints.network_folder import found_folder, restored, save_network
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card
from symbolic_music.transcription.network import Transcriber, TranscriberConfig

ARCHITECTURE = "transcriber"
BUNDLED = "transcription"


def save_transcriber(network: Transcriber, card: Card, folder: str | Path) -> Path:
    """Write a transcriber, whole or not at all.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.

    Examples:
        >>> network = sm.transcription.Transcriber(sm.transcription.TranscriberConfig(width=8))
        >>> card = sm.models.Card("mine", 9_000, "CC0-1.0", "nothing yet")
        >>> sm.transcription.save_transcriber(network, card, "mine").name
        'mine'
    """
    return save_network(network, ARCHITECTURE, {"transcriber": dataclasses.asdict(network.config)}, card, folder)


def load_transcriber(name_or_path: str | Path = BUNDLED, device: str = "auto") -> Transcriber:
    """A bundled transcriber by name, or a folder of one by path, ready for use.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder is of another model, or broken.

    Examples:
        >>> network = sm.transcription.Transcriber(sm.transcription.TranscriberConfig(width=8))
        >>> card = sm.models.Card("mine", 9_000, "CC0-1.0", "nothing yet")
        >>> folder = sm.transcription.save_transcriber(network, card, "mine")
        >>> sm.transcription.load_transcriber(folder).config.width
        8
    """
    folder = found_folder(name_or_path, "transcriber")
    config = read_config(folder)
    if config.get("architecture") != ARCHITECTURE or not isinstance(config.get("transcriber"), dict):
        raise ModelError(f"{folder} holds no transcriber")
    try:
        shape = TranscriberConfig(**config["transcriber"])
    except (TypeError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    return restored(lambda: Transcriber(shape), folder).eval().to(resolve_device(device))
