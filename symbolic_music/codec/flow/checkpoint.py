"""Folders of a flow decoder: model.safetensors, config.json with its card. Nothing is unpickled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from symbolic_music.codec.flow.decoder import FlowConfig, FlowDecoder
from symbolic_music.errors import ModelError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.checkpoints.network_folder import found_folder, restored, save_network
from symbolic_music.models.loading import resolve_device
from symbolic_music.models.model import Card

ARCHITECTURE = "flow"


def save_flow(decoder: FlowDecoder, card: Card, folder: str | Path) -> Path:
    """Write a flow decoder, as float16, whole or not at all.

    Raises:
        ModelError: when weights are not finite.
        FileError: when it cannot be written.

    Examples:
        >>> card = sm.models.Card("small", 1, "CC0-1.0", "none")
        >>> decoder = sm.codec.FlowDecoder(sm.codec.FlowConfig(width=16, hidden=16, head_width=16, head_hidden=16))
        >>> sm.codec.save_flow(decoder, card, "small-flow").name
        'small-flow'
    """
    return save_network(decoder, ARCHITECTURE, {"network": dataclasses.asdict(decoder.config)}, card, folder)


def load_flow(name_or_path: str | Path, device: str = "auto") -> tuple[FlowDecoder, Card]:
    """A bundled flow decoder by name, or a folder of one by path, ready for use, and its card.

    Raises:
        UnknownNameError: when it is neither.
        ModelError: when the folder is of another model, or broken.

    Examples:
        >>> decoder, card = sm.codec.load_flow("flow")
        >>> card.name
        'flow'
    """
    folder = found_folder(name_or_path, "flow decoder")
    config = read_config(folder)
    if config.get("architecture") != ARCHITECTURE:
        raise ModelError(f"{folder} has no flow decoder")
    try:
        shape, card = FlowConfig(**config["network"]), Card.of_record(config["card"])
    except (KeyError, TypeError, ValueError, ModelError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None
    return restored(lambda: FlowDecoder(shape), folder).eval().to(resolve_device(device)), card
