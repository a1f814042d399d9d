"""The shared part of all typed YAML configs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

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
_FOLDERS = {"data.stores.": 2, "data.pairs.": 2, "data.sounds.": 2, "sounds.": 1}


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
    """The settings of a tree. ConfigError names its fault, and of an unknown setting the one that is meant."""
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        faults = error.errors()
        # A setting that is missing may be one whose name is not right.
        first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
        path, known = _place([str(part) for part in first["loc"]], kind)
        if first["type"] == "extra_forbidden":
            raise ConfigError(unknown_setting(path, known)) from None
        raise ConfigError(f"setting {'.'.join(path) or '(the whole)'}: {first['msg']}") from None


def _place(parts: list[str], kind: type[BaseModel]) -> tuple[list[str], list[str]]:
    """The keys that lead to a setting, without the kinds of unions, which are no keys; and all settings beside it."""
    path, known, models = list[str](), list[str](), [kind]
    for part in parts:
        tagged = [one for one in models if len(models) > 1 and part in get_args(one.model_fields["kind"].annotation)]
        if tagged:
            models = tagged
            continue
        path.append(part)
        fields = models[0].model_fields if models else {}
        annotation = fields[part].annotation if part in fields else None
        known = list(fields)
        models = [one for one in get_args(annotation) or (annotation,) if _has_settings(one)]
    return path, known


def _has_settings(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


# Settings by the names that they have in other libraries.
_ELSEWHERE = {
    "lr": "learning_rate", "max_lr": "learning_rate", "batch_size": "batch", "bs": "batch", "epochs": "steps",
    "max_steps": "steps", "iterations": "steps", "wd": "weight_decay", "max_grad_norm": "clip", "grad_clip": "clip",
    "gradient_accumulation_steps": "accumulate", "warmup_steps": "warmup", "scheduler": "schedule", "ema": "average",
    "lora_rank": "rank", "r": "rank", "alpha": "scale", "fp16": "precision", "seq_len": "length",
    "n_layer": "layers", "num_layers": "layers", "n_head": "heads", "num_heads": "heads", "d_model": "width",
    "n_embd": "width", "hidden_size": "width", "d_ff": "hidden", "checkpoint": "init", "pretrained": "init",
}  # fmt: skip


def unknown_setting(path: Sequence[str], known: Sequence[str]) -> str:
    """What is said of a setting that does not exist: which is meant, or which there are."""
    meant = _ELSEWHERE.get(path[-1].lower().replace("-", "_"), "")
    near = [meant] if meant in known else difflib.get_close_matches(path[-1], known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
    return f"unknown setting {'.'.join(path)}{hint}"
