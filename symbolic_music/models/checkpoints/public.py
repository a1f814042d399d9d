"""Public models by short name, id of the hub, or folder."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from symbolic_music.errors import ModelError, UnknownNameError
from symbolic_music.models.checkpoints.catalogue import CATALOGUE, PublicModel, entry, is_non_commercial
from symbolic_music.models.checkpoints.config_and_weights import CONFIG, read_config
from symbolic_music.models.checkpoints.families import Opened, open_file, open_folder
from symbolic_music.models.checkpoints.hub_download import download, is_cached
from symbolic_music.models.checkpoints.published_tensors import LONE_SUFFIXES, WEIGHT_FILES

_LOG = logging.getLogger(__name__)
_HUB_ID = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", re.ASCII)
# Keys of config.json that distinguish public checkpoints from our folders.
_THEIRS = ("model_type", "n_embd", "architectures")
# Files beside the weights that a family needs, where it has them.
_BESIDE = ("tokenizer.json", "tokenizer.conf")


def is_theirs(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is of a checkpoint of others, not of one of our folders."""
    return "architecture" not in config and any(key in config for key in _THEIRS)


def open_public(name: str, others: Sequence[str], offline: bool = False) -> tuple[Opened, PublicModel]:
    """A public model, and what is known of it.

    Args:
        name: short name, id of the hub, or folder.
        others: further names that might have been meant.
        offline: take nothing from the network.

    Raises:
        UnknownNameError: for an unknown name, with similar names.
        ModelError: as `families.open_folder` and `hub_download.download`.
    """
    if os.path.isdir(name):  # where a Path raises, of a name too long
        opened = _opened(Path(name))
        return opened, _of_folder(Path(name).resolve().name, opened, "not named")
    if os.path.isfile(name) and name.endswith(LONE_SUFFIXES):
        opened = open_file(Path(name))
        return opened, _of_folder(Path(name).stem, opened, "not named")
    known = entry(name)
    if known is None and not _HUB_ID.fullmatch(name):
        raise UnknownNameError(unknown(name, others))
    above = os.path.dirname(name)
    if known is None and os.path.isdir(above):  # runs/frist: no id of the hub, but a folder misspelt
        there = ", ".join(sorted(one.name for one in os.scandir(above) if one.is_dir())[:12]) or "no folders"
        raise UnknownNameError(f"there is no folder {name}; {above} has {there}")
    if known is not None and known.family == "clamp3":
        raise ModelError(
            "clamp3 embeds pieces for evaluation: evaluation.clamp3.load_clamp3, compare --embedding clamp3"
        )
    repository = name if known is None else known.repository
    files = (known.file,) if known is not None and known.file else WEIGHT_FILES
    folder = _fetched(repository, files, offline)
    opened = open_file(folder / known.file) if known is not None and known.file else _opened(folder)
    licence = f"see https://huggingface.co/{repository}"
    return opened, known or _of_folder(repository, opened, licence)


def lone_file(folder: Path) -> Path | None:
    """The one file of weights in a folder that has no config.json."""
    if (folder / CONFIG).is_file():
        return None
    found = [path for path in sorted(folder.glob("*")) if path.suffix in LONE_SUFFIXES]
    return found[0] if len(found) == 1 else None


def _opened(folder: Path) -> Opened:
    lone = lone_file(folder)
    return open_file(lone) if lone is not None else open_folder(folder, read_config(folder))


def _fetched(repository: str, files: Sequence[str], offline: bool) -> Path:
    """The folder of a repository in the cache; the network is used for what is not there."""
    has_config = files == WEIGHT_FILES
    if offline or any(is_cached(repository, name) for name in files):
        try:
            return download(repository, files, None, _BESIDE, has_config, local_files_only=True)
        except ModelError:
            if offline:
                raise
    return download(repository, files, None, _BESIDE, has_config)


def unknown(name: str, others: Sequence[str]) -> str:
    """The error for an unknown name."""
    names = [*others, *(one.name for one in CATALOGUE)]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    meant = f"did you mean {', '.join(near)}?" if near else f"bundled models: {', '.join(sorted(others)) or 'none'};"
    return f"no model named {name[:100]!r} and no such folder; {meant} symbolic-music models --all lists all names"


def say_licence(name: str, licence: str) -> None:
    """Log a licence that not everything may be done under."""
    if is_non_commercial(licence):
        _LOG.warning("model %s is for non-commercial use only: %s", name, licence)


def on_disk(model: PublicModel) -> bool:
    """Whether the hub's cache holds the weights of a model, or the beginning of their parts."""
    names = (model.file,) if model.file else WEIGHT_FILES
    return any(is_cached(model.repository, name) for name in names) and (
        bool(model.file) or is_cached(model.repository, CONFIG)
    )


def _of_folder(name: str, opened: Opened, licence: str) -> PublicModel:
    return PublicModel(name, "", opened.family, parameters_of(opened.network), licence, "not named", ())


def parameters_of(network: nn.Module) -> int:
    """How many numbers a network has learnt."""
    return sum(parameter.numel() for parameter in network.parameters())
