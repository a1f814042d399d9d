"""Folders of a trained codec: model.safetensors, config.json with its card. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
import os
from importlib import resources
from pathlib import Path

import torch

import symbolic_music
from symbolic_music.codec.autoencoder import Codec, CodecConfig
from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models.bundle import Card, resolve_device
from symbolic_music.models.folders import WEIGHTS, open_weights, read_config, write_folder

ARCHITECTURE = "codec"


def save_codec(codec: Codec, card: Card, folder: str | Path) -> Path:
    """Write a codec, as float16, whole or not at all.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.
    """
    weights = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in codec.state_dict().items()}
    broken = [name for name, value in weights.items() if not torch.isfinite(value).all()]
    if broken:
        raise ModelError(f"weights of {broken[0]} are not finite: nothing is saved")
    config = {
        "architecture": ARCHITECTURE,
        "library_version": symbolic_music.__version__,
        "codec": dataclasses.asdict(codec.config),
        "card": dataclasses.asdict(card),
    }
    return write_folder(folder, config, weights)


def load_codec(name_or_path: str | Path, device: str = "auto") -> Codec:
    """A bundled codec by name, or a folder of one by path, ready for use.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder is of another model, or broken.
    """
    bundled = Path(str(resources.files("symbolic_music") / "weights")) / str(name_or_path)
    folder = bundled if (bundled / "config.json").is_file() else Path(name_or_path)
    if not os.path.isdir(folder):
        raise UnknownNameError(f"no codec named {str(name_or_path)[:100]!r} and no such folder")
    config = read_config(folder)
    if config.get("architecture") != ARCHITECTURE or not isinstance(config.get("codec"), dict):
        raise ModelError(f"{folder} holds no codec of ours")
    try:
        codec = Codec(CodecConfig(**config["codec"]))
    except (TypeError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    with open_weights(folder / WEIGHTS) as weights:
        found = {str(name): weights.get_tensor(name).float() for name in weights.keys()}  # noqa: SIM118
    try:
        codec.load_state_dict(found)
    except RuntimeError as error:
        line = str(error).splitlines()[min(1, len(str(error).splitlines()) - 1)].strip()
        raise ModelError(f"{folder / WEIGHTS} does not fit its config.json: {line}") from None
    if not all(torch.isfinite(value).all() for value in found.values()):
        raise ModelError(f"{folder / WEIGHTS} has weights that are not finite")
    return codec.eval().to(resolve_device(device))
