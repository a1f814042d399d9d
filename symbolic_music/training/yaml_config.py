"""What the typed YAML files of all trainings share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from symbolic_music.errors import ConfigError


class Strict(BaseModel):
    """Settings of known names, that do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Settings = TypeVar("Settings", bound=Strict)


def read_tree(path: str | Path) -> Any:
    """What a YAML file holds. ConfigError when it cannot be read."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read config {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def read_settings(path: str | Path, kind: type[Settings]) -> Settings:
    """The settings in a YAML file. ConfigError names its fault."""
    try:
        return kind.model_validate(read_tree(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
