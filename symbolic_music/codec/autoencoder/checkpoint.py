"""Folders of a trained codec: model.safetensors, config.json with its card. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.checkpoints.network_folder import found_folder, restored, save_network
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card

ARCHITECTURE = "codec"


def save_codec(codec: Codec, card: Card, folder: str | Path) -> Path:
    """Write a codec, as float16, whole or not at all.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> card = sm.models.Card("my-codec", 1_900_000, "CC0-1.0", "my recordings")
        >>> sm.codec.load_codec(sm.codec.save_codec(codec, card, "my-codec")).format == codec.format
        True
    """
    return save_network(codec, ARCHITECTURE, {"codec": dataclasses.asdict(codec.config)}, card, folder)


def load_autoencoder(name_or_path: str | Path, device: str = "auto") -> Codec:
    """A bundled codec of ours by name, or a folder of one by path, ready for use.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder is of another model, or broken.
    """
    folder = found_folder(name_or_path, "codec")
    config = read_config(folder)
    if config.get("architecture") != ARCHITECTURE or not isinstance(config.get("codec"), dict):
        raise ModelError(f"{folder} holds no codec of ours")
    try:
        shape = CodecConfig(**config["codec"])
    except (TypeError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    return restored(lambda: Codec(shape), folder).eval().to(resolve_device(device))
