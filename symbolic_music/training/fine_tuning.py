"""Fine-tuning: initialise a run from a trained model."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from torch import nn

from symbolic_music import tokenizers
from symbolic_music.errors import TrainingError
from symbolic_music.models import AnticipatoryTransformer, Model, registry
from symbolic_music.models.architectures.anticipatory_instruments import with_instruments
from symbolic_music.tokenizers.base import Tokenizer
from symbolic_music.training.config import (
    ModelConfig,
    ModelsData,
    RegionsData,
    StoreEditsData,
    TrainConfig,
    WindowsData,
    check_settings,
)


def resolved(config: TrainConfig, start: nn.Module, instruments: Collection[int] = ()) -> TrainConfig:
    """The config with the shape of the model that it begins from; settings of its own, such as dropout, stay.

    Args:
        instruments: to add to those of the model, if it distinguishes them.

    Raises:
        TrainingError: when the config asks for another architecture.
        ConfigError: when it sets what the architecture has not.
    """
    name, asked = registry.name_of(start), config.model
    if "architecture" in asked.model_fields_set and asked.architecture != name:
        raise TrainingError(f"{config.init} is of architecture {name}, not {asked.architecture}")
    shape: Any = start.config
    settings = dataclasses.asdict(shape)
    check_settings(asked, list(settings))
    if "instruments" in settings:
        settings["instruments"] = sorted({*settings["instruments"], *instruments})
    model = ModelConfig(architecture=name, **{**settings, **asked.settings})
    return config.model_copy(update={"model": model})


def with_data_of(config: TrainConfig, model: Model[Any]) -> TrainConfig:
    """The config with data of the kind that the model which it begins from was trained on, where it leaves it to that.

    Our event models (`piano`, `multitrack`, `chorales`) learn edits of the store's pieces, region models regions of
    them; models of the anticipatory ids the published chunks; others windows of their own ids, compound words and REMI
    whole bars.
    """
    data = config.data
    if not isinstance(data, ModelsData):
        return config
    if model.reads == "events":
        edits = StoreEditsData(kind="edits", stores={data.path: 1.0}, transpose=data.transpose)
        return config.model_copy(update={"data": edits})
    if model.reads == "regions":
        pedal = model.tokenizer.reads_pedal
        regions = RegionsData(kind="regions", stores={data.path: 1.0}, transpose=data.transpose, pedal=pedal)
        return config.model_copy(update={"data": regions})
    options = dict(model.tokenizer.to_config())
    name, preset = str(options.pop("name")), str(options.pop("preset"))
    kind = model.tokenizer.windows
    shape = model.network.config
    most = getattr(shape, "window", None) or getattr(shape, "context", None) or 2048
    length = data.length or min(most, 1024 if kind == "packed" else 2048)
    windows = WindowsData(
        kind="windows", path=data.path, tokenizer=name, preset=preset, options=options, windows=kind, length=length
    )
    return config.model_copy(update={"data": windows})


def check_ids(source: str, model: Model[Any], tokenizer: Tokenizer | None) -> None:
    """TrainingError when a model was trained on other ids than a tokenizer's; None stands for anticipatory events."""
    if tokenizer is not None and tokenizers.fingerprint(model.tokenizer) != tokenizers.fingerprint(tokenizer):
        raise TrainingError(
            f"{source} uses the ids of {model.tokenizer.to_config()}, the data those of {tokenizer.to_config()}"
        )


def begin_from(network: nn.Module, start: nn.Module, source: str) -> None:
    """Give a network the weights of another, which may have fewer instruments. TrainingError for other shapes."""
    if isinstance(start, AnticipatoryTransformer) and isinstance(network, AnticipatoryTransformer):
        start = with_instruments(start, network.config.instruments)
    own, given = ({name: tuple(v.shape) for name, v in one.state_dict().items()} for one in (network, start))
    for name in [*own, *given]:
        if own.get(name) != given.get(name):
            there, here = given.get(name, "missing"), own.get(name, "missing")
            raise TrainingError(f"{source} does not fit the model: {name} is {there} there and {here} here")
    network.load_state_dict(start.state_dict())
