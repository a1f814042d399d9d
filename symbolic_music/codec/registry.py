"""Find a codec by name: the bundled one, a folder, one that was registered, or one of the Hugging Face hub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from symbolic_music.bundled import ELSEWHERE, KEPT, bundled_folder
from symbolic_music.codec.autoencoder.checkpoint import ARCHITECTURE, load_autoencoder
from symbolic_music.codec.base import AudioCodec, Format
from symbolic_music.codec.huggingface import KINDS, load_adapter
from symbolic_music.errors import ModelError, PluginError, UnknownNameError
from symbolic_music.models.checkpoints.config_and_weights import read_config
from symbolic_music.models.loading import resolve_device
from symbolic_music.plugins import Registry

# A folder whose config.json names it as "architecture", None for what it is without, and a device, to a codec.
Loader = Callable[[Path | None, torch.device], AudioCodec]
Function = TypeVar("Function", bound=Loader)
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def _fitted(name: str, part: Any) -> Loader:
    if not callable(part):
        raise PluginError(f"codec {name!r} is a function of a folder and a device, not {part!r:.80}")
    loader: Loader = part
    return loader


_registry: Registry[Loader] = Registry("codec", "symbolic_music.codecs", {}, _fitted)


def register(name: str) -> Callable[[Function], Function]:
    """Decorator of a function that loads a codec: `load_codec`, `encode --codec` and training find it by this name.

    It is called with a folder and a device. The folder is None where the codec was requested by its name; else the one
    whose config.json has `"architecture": name`. Packages offer theirs by entry points of the group
    `symbolic_music.codecs`.

    Raises:
        PluginError: when the name is taken.

    Examples:
        >>> @sm.codec.register("same-codec")
        ... def loaded(folder, device):
        ...     return sm.codec.load_codec("codec", device.type)
        >>> sm.codec.load_codec("same-codec").format.codebooks
        8
    """

    def add(loader: Function) -> Function:
        if name in (*KEPT, *ELSEWHERE):
            raise PluginError(f"there is a codec named {name!r} already: choose another name")
        _registry.add(name, loader)
        return loader

    return add


def load_codec(name_or_path: str | Path, device: str = "auto") -> AudioCodec:
    """A codec, ready for use.

    Args:
        name_or_path: the name of a bundled codec or of one that was registered; a folder of one, ours or an EnCodec or
            DAC of `transformers`; or the id of such a one on the hub, owner/name.
        device: auto (CUDA, then MPS, then the CPU), cpu, cuda or mps.

    Raises:
        UnknownNameError: for an unknown name.
        ModelError: when the folder is of another model, or broken, or the hub does not have it.
        PluginError: when the package that offers it cannot be loaded, or gives no codec.
        MissingExtraError: without transformers, for its codecs.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codec.format.sample_rate
        24000
    """
    name, where = str(name_or_path), resolve_device(device)
    folder = bundled_folder(name) or Path(name_or_path)
    if os.path.isdir(folder):
        config = read_config(folder)
        kind = config.get("architecture")
        if kind == ARCHITECTURE:
            return load_autoencoder(folder, device)
        if config.get("model_type") in KINDS:
            return load_adapter(folder)
        if isinstance(kind, str) and kind in _registry.names():
            return _made(kind, folder, where)
        raise ModelError(f"{folder} holds no codec of ours")
    if name in _registry.names():
        return _made(name, None, where)
    if _HUB_ID.fullmatch(name):
        return load_adapter(name)
    others = "".join(f", {other}" for other in _registry.names())
    raise UnknownNameError(f"no codec named {name[:100]!r} and no such folder; there are: codec{others}")


def _made(name: str, folder: Path | None, device: torch.device) -> AudioCodec:
    codec = _registry.get(name)(folder, device)
    if not isinstance(getattr(codec, "format", None), Format) or not isinstance(codec, AudioCodec):
        raise PluginError(f"codec {name!r} gives a {type(codec).__name__}, which lacks format, encode or decode")
    return codec
