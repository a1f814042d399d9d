"""Folders of a trained codec: model.safetensors, config.json with its card. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from symbolic_music.bundled import bundled_folder
from symbolic_music.codec.autoencoder.model import Codec, CodecConfig
from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models.checkpoints.safetensors_folder import (
    WEIGHTS,
    Undrawn,
    check_weights,
    fill,
    open_weights,
    read_config,
    stored,
    write_folder,
)
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card
from symbolic_music.version import __version__

ARCHITECTURE = "codec"
Network = TypeVar("Network", bound=nn.Module)


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
    config = {
        "architecture": ARCHITECTURE,
        "library_version": __version__,
        "codec": dataclasses.asdict(codec.config),
        "card": card.record(),
    }
    return write_folder(folder, config, half(codec))


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


def found_folder(name_or_path: str | Path, what: str) -> Path:
    """The folder of a bundled model, or the path; UnknownNameError for an unknown name."""
    folder = bundled_folder(str(name_or_path)) or Path(name_or_path)
    if not os.path.isdir(folder):
        raise UnknownNameError(f"no {what} named {str(name_or_path)[:100]!r} and no such folder")
    return folder


def half(network: nn.Module) -> dict[str, Tensor]:
    """Weights as float16. ModelError when some are not finite."""
    return {name: stored(name, value, torch.float16) for name, value in network.state_dict().items()}


def restored(make: Callable[[], Network], folder: Path) -> Network:
    """A network with a folder's weights. ModelError when they are not those of such a network.

    It is outlined first: what a config asks for takes memory only where there are weights for it.
    """
    with open_weights(folder / WEIGHTS) as weights:
        try:
            with torch.device("meta"), Undrawn():
                outline = make()
        except (RuntimeError, OverflowError, TypeError, ValueError) as error:
            raise ModelError(f"{folder}/config.json makes no network ({str(error)[:100]})") from None
        check_weights(outline, weights, folder)
        with Undrawn():
            network = make()
        fill(network, weights, folder)
    return network
