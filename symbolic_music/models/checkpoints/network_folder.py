"""Folders of one network: found by name, saved in float16, and loaded in no more memory than there are weights for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from symbolic_music.bundled import bundled_folder
from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models.checkpoints.config_and_weights import (
    WEIGHTS,
    Undrawn,
    check_weights,
    fill,
    open_weights,
    stored,
    write_folder,
)
from symbolic_music.models.model import Card
from symbolic_music.version import __version__

Network = TypeVar("Network", bound=nn.Module)


def found_folder(name_or_path: str | Path, what: str) -> Path:
    """The folder of a bundled model, or the path; UnknownNameError for an unknown name."""
    folder = bundled_folder(str(name_or_path)) or Path(name_or_path)
    if not os.path.isdir(folder):
        raise UnknownNameError(f"no {what} named {str(name_or_path)[:100]!r} and no such folder")
    return folder


def half(network: nn.Module) -> dict[str, Tensor]:
    """Weights as float16. ModelError when some are not finite."""
    return {name: stored(name, value, torch.float16) for name, value in network.state_dict().items()}


def save_network(
    network: nn.Module, architecture: str, settings: Mapping[str, Any], card: Card, folder: str | Path
) -> Path:
    """Write a network as float16, with its card, whole or not at all.

    Args:
        network: whose weights they are.
        architecture: its name in config.json.
        settings: of config.json besides, such as the network's config.
        card: what it is.
        folder: where.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.
    """
    config = {
        "architecture": architecture, "library_version": __version__, **settings, "card": card.record(),
    }  # fmt: skip
    return write_folder(folder, config, half(network))


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
