"""Typed training configurations in YAML."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from symbolic_music.errors import ConfigError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(_Strict):
    """Shape of the anticipatory transformer; see `models.AnticipatoryConfig`."""

    width: int = Field(192, ge=8)
    layers: int = Field(5, ge=1)
    heads: int = Field(4, ge=1)
    hidden: int = Field(512, ge=8)
    instruments: tuple[int, ...] = (40, 41, 42, 43)
    window: int = Field(512, ge=16)
    distances: int = Field(128, ge=1)
    time_unit: int = Field(15, ge=1)
    time_reach: int = Field(64, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)


class DataConfig(_Strict):
    """The corpus and how its pieces are varied."""

    path: str
    transpose: tuple[int, int] = (-6, 5)
    edits: float = Field(0.5, ge=0, le=1)
    crops: float = Field(0.3, ge=0, le=1)


class OptimConfig(_Strict):
    """AdamW with linear warm-up and a cosine to zero."""

    steps: int = Field(3_000, ge=1)
    batch: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    warmup: int = Field(300, ge=0)
    weight_decay: float = Field(0.1, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = Field(1.0, gt=0)
    average: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are evaluated")


class TrainConfig(_Strict):
    """A whole experiment."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    out: str = "runs"
    seed: int = Field(0, ge=0)
    threads: int = Field(0, ge=0, description="CPU threads; 0 leaves torch's choice")
    evaluate_every: int = Field(500, ge=1)
    checkpoint_every: int = Field(200, ge=1)
    model: ModelConfig = ModelConfig()
    data: DataConfig
    optim: OptimConfig = OptimConfig()

    @property
    def folder(self) -> Path:
        """Where the run writes: `out`/`name`."""
        return Path(self.out) / self.name


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and apply `key=value` overrides (`optim.steps=100`).

    Raises:
        ConfigError: naming the file's fault, or a key that is unknown and the nearest known one.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"cannot read config {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must be a mapping of settings")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"an override reads key=value, not {override!r}")
        _set(tree, key.split("."), yaml.safe_load(value))
    return parse_config(tree)


def parse_config(tree: dict[str, Any]) -> TrainConfig:
    """A TrainConfig from a tree of settings; ConfigError as in `load_config`."""
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        where = ".".join(path)
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(path[-1], _keys(path[:-1]), n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(_keys(path[:-1]))}"
            raise ConfigError(f"unknown setting {where}{hint}") from None
        raise ConfigError(f"setting {where}: {first['msg']}") from None


def _set(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{'.'.join(keys)}: {key} is not a section")
    tree[keys[-1]] = value


def _keys(path: list[str]) -> list[str]:
    model: Any = TrainConfig
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            return []
        model = field.annotation
    return list(getattr(model, "model_fields", {}))
