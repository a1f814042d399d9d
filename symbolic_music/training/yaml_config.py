"""The shared part of all typed YAML configs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from symbolic_music.errors import ConfigError


class Strict(BaseModel):
    """Settings of known names, that do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Licensed(Strict):
    """Settings of a training: what comes out has a licence. `licence`, the key of before, is read too."""

    license: str = "Apache-2.0"

    @model_validator(mode="before")
    @classmethod
    def _spelt(cls, values: Any) -> Any:
        if isinstance(values, dict) and "licence" in values and "license" not in values:
            return {"license" if key == "licence" else key: value for key, value in values.items()}
        return values


Settings = TypeVar("Settings", bound=Strict)


# A file that is larger, or whose aliases stand for more, is not a config.
MAX_BYTES = 1 << 18
MAX_VALUES = 100_000
_FOLDERS = {"data.stores.": 2, "data.pairs.": 2, "sounds.": 1}


def read_tree(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a YAML file of settings, and apply `key=value` overrides. ConfigError names what is wrong."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read config {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"cannot read config {path!s:.80}: {error}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is too large for a config (over {MAX_BYTES >> 10} KiB)")
    tree = parse_yaml(data, str(path))
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must be a mapping of settings")
    override(tree, overrides)
    return tree


def override(tree: dict[str, Any], overrides: Sequence[str]) -> None:
    """Change a tree of settings by `section.key=value`, the value in YAML. ConfigError names what is wrong."""
    for one in overrides:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise ConfigError(f"an override reads key=value, not {one!r}")
        # In names of stores and folders, which are keys too, there may be dots.
        most = next((n for start, n in _FOLDERS.items() if key.startswith(start)), -1)
        *sections, last = key.split(".", most)
        at = tree
        for section in sections:
            at = at.setdefault(section, {})
            if not isinstance(at, dict):
                raise ConfigError(f"{key}: {section} is not a section")
        at[last] = parse_yaml(value, f"the value of {one[:80]!r}")


def parse_yaml(text: bytes | str, name: str) -> Any:
    """The values of a YAML text. ConfigError says what is wrong with `name`."""
    try:
        tree = yaml.safe_load(text.decode() if isinstance(text, bytes) else text)
        values = _count(tree, {})
    except RecursionError:
        raise ConfigError(f"{name} is nested too deeply") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: no such day, too long a number
        why = " ".join(str(error).split())[:200].partition("; use sys.")[0]  # a hint for programmers
        raise ConfigError(f"{name} is not YAML: {why}") from None
    except (KeyError, AttributeError, TypeError):  # PyYAML's, of what a tag such as !!bool or !!timestamp stands before
        raise ConfigError(f"{name} is not YAML: a tag stands before a value of another kind") from None
    if values > MAX_VALUES:
        raise ConfigError(f"{name} holds {values:,} values; at most {MAX_VALUES:,} make a config")
    return tree


def _count(tree: Any, known: dict[int, int]) -> int:
    """Values of a tree as it would be written out; of those that aliases share, each time."""
    if not isinstance(tree, dict | list):
        return 1
    if id(tree) not in known:
        known[id(tree)] = MAX_VALUES + 1  # stays so where it holds itself
        parts = tree.values() if isinstance(tree, dict) else tree
        known[id(tree)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(tree)]


def read_settings(path: str | Path, kind: type[Settings], overrides: Sequence[str] = ()) -> Settings:
    """The settings in a YAML file, with `key=value` overrides. ConfigError names its fault."""
    return parse_settings(read_tree(path, overrides), kind)


def parse_settings(tree: dict[str, Any], kind: type[Settings]) -> Settings:
    """The settings of a tree. ConfigError names its fault."""
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
