"""Load models: bundled ones, folders, and published checkpoints by their names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symbolic_music import tokenizers
from symbolic_music.bundled import bundled_folder, bundled_folders
from symbolic_music.errors import ModelError, OptionError, TokenError, UnknownNameError
from symbolic_music.models import registry
from symbolic_music.models.checkpoints import public
from symbolic_music.models.checkpoints.config_and_weights import (
    WEIGHTS,
    Undrawn,
    check_weights,
    fill,
    open_weights,
    read_config,
)
from symbolic_music.models.model import Card, Model, View

DEFAULT_MODEL = "chorales"


def load_model(name_or_path: str | Path | None = None, device: str = "auto", offline: bool = False) -> Model[Any]:
    """Load a model; the default is the bundled chorale model.

        sm.load_model("song")

    Public checkpoints come from the Hugging Face hub on first use and stay in its cache; their size and licence are
    logged before, and a licence for non-commercial use whenever the model is loaded.

    Args:
        name_or_path: name of a bundled model; a model folder, one of ours or in the layout of one of the public
            families; the short name of a public model (`amt-small`, see `checkpoints.catalogue`); or the id of a
            repository on the hub, owner/name.
        device: auto (CUDA, then MPS, then the CPU), cpu, cuda or mps.
        offline: do not use the network; the variable HF_HUB_OFFLINE does the same.

    Raises:
        UnknownNameError: for an unknown name.
        ModelError: when the folder's parts are missing, broken, or do not fit each other; when the ids of the
            tokenizer that it names have changed since; when the hub cannot be reached or does not have it; when the
            memory does not suffice.
        MissingExtraError: when its tokenizer or architecture, or the hub, needs a package that is not installed.
        MissingWeightsError: when it is a bundled model of the package of models, which is not installed.
    """
    name = str(name_or_path) if name_or_path is not None else DEFAULT_MODEL
    where = resolve_device(device)
    folder = bundled_folder(name) or Path(name)
    # Not Path.is_dir, which raises of a name too long.
    is_lone = os.path.isdir(folder) and public.lone_file(folder) is not None
    config = read_config(folder) if os.path.isdir(folder) and not is_lone else None
    if config is not None and "architecture" not in config and os.path.isfile(folder / "best" / "config.json"):
        raise ModelError(f"{name} is the folder of a run; its model is {name}/best")
    if config is None or public.is_theirs(config):
        return _public(name, where, offline)
    model = _of_folder(folder, config, where)
    public.say_licence(model.card.name, model.card.license)
    return model


def _public(name: str, where: torch.device, offline: bool) -> Model[Any]:
    """A checkpoint of others."""
    opened, known = public.open_public(name, [*bundled_folders()], offline)
    public.say_licence(known.name, known.license)
    count = public.parameters_of(opened.network)
    card = Card(known.name, count, known.license, known.data, f"public checkpoint of the family {known.family}")
    return Model(opened.network.to(where), card, View(120.0, ()), opened.tokenizer)


def _of_folder(folder: Path, config: dict[str, Any], where: torch.device) -> Model[Any]:
    """A model folder of ours."""
    architecture, shape = _shape(folder, config)
    tokenizer = _tokenizer(folder, config)
    with _fitting(folder):
        view = View(**config["view"]) if "view" in config else View(120.0, ())
        card = Card.of_record(config["card"])
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{folder} has no {WEIGHTS} (pickles such as .bin, .pt and .ckpt are not read)")
    with open_weights(path) as weights:
        model: Model[Any] = Model(_outline(architecture, shape, weights, folder), card, view, tokenizer)
        check_weights(model.network, weights, folder)
        with Undrawn():
            network = architecture.model(shape)
        fill(network, weights, folder)
    return dataclasses.replace(model, network=network.eval().to(where))


@contextmanager
def _fitting(folder: Path) -> Iterator[None]:
    """ModelError for what a part of a config cannot be made of."""
    try:
        yield
    except (ModelError, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ModelError(f"{folder}/config.json does not fit this version ({error})") from None


def _shape(folder: Path, config: dict[str, Any]) -> tuple[registry.Architecture, Any]:
    """The architecture of a folder, and the config of its network."""
    name, shape = config.get("architecture"), config.get("network")
    try:
        architecture = registry.get(name) if isinstance(shape, dict) else None  # type: ignore[arg-type]
    except UnknownNameError:
        architecture = None
    if architecture is None:
        raise ModelError(f"{folder}/config.json names no architecture of {', '.join(registry.names())} and its network")
    with _fitting(folder):
        return architecture, architecture.shaped(shape)


def _outline(architecture: registry.Architecture, shape: Any, weights: Any, folder: Path) -> nn.Module:
    """The network of a config without memory for its weights."""
    count = len(weights.keys())
    for name, value in dataclasses.asdict(shape).items():
        # Every layer has a weight; objects alone for what a config may ask would fill the memory.
        if name.endswith("layers") and value > count:
            raise ModelError(f"{folder / WEIGHTS} has {count} tensors; that is too few for {value:,} {name}")
    with _fitting(folder), torch.device("meta"), Undrawn():
        return architecture.model(shape)


def _tokenizer(folder: Path, config: dict[str, Any]) -> tokenizers.Tokenizer:
    """The tokenizer of a config. One without a hash is taken as it is: the first model folders had none."""
    named = config.get("tokenizer")
    if not isinstance(named, dict) or not isinstance(named.get("options", {}), dict):
        raise ModelError(f"{folder}/config.json names no tokenizer")
    try:
        tokenizer = tokenizers.get(str(named.get("name")), preset=named.get("preset"), **named.get("options", {}))
    except (UnknownNameError, OptionError, TokenError, TypeError, ValueError) as error:
        raise ModelError(f"{folder}/config.json names a tokenizer that this version does not have: {error}") from None
    if "sha256" in named and named["sha256"] != tokenizers.fingerprint(tokenizer):
        version = config.get("library_version", "another version")
        raise ModelError(
            f"{folder} has ids that tokenizer {tokenizer.name} ({tokenizer.preset}) no longer produces: "
            f"use symbolic-music {version}, which saved it, or train it again"
        )
    return tokenizer


def resolve_device(device: str) -> torch.device:
    """auto (CUDA, then MPS, then the CPU), cpu, cuda or mps; OptionError for one that is not there."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if available[d]))
    if device not in available:
        raise OptionError(f"unknown device {device!r}: choose from auto, cpu, cuda, mps")
    if not available[device]:
        raise OptionError(f"device {device} is not available here; use --device auto")
    return torch.device(device)


def list_models() -> list[Card]:
    """Cards of the models that come with the package.

    Examples:
        >>> free = [card.name for card in sm.list_models() if "NC" not in card.license]
    """
    return [Card.of_record(read_config(folder)["card"]) for folder in bundled_folders().values()]
