"""Type checks of the fields of configs and cards, before anything is built."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import Any

from symbolic_music.errors import ModelError

# A size that is larger is a mistake, and its products overflow.
_MOST = 1 << 31
_MOST_LAYERS = 1024


def _whole(x: object) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


def _number(x: object) -> bool:
    return _whole(x) or (isinstance(x, float) and math.isfinite(x))


def _several(each: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda x: isinstance(x, tuple) and all(map(each, x))


def _text(x: object) -> bool:
    return isinstance(x, str)


# Annotation -> whether a value is of it, and how it is said.
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "int": (_whole, "a whole number"),
    "float": (_number, "a number"),
    "str": (_text, "text"),
    "bool": (lambda x: isinstance(x, bool), "true or false"),
    "tuple[int, ...]": (_several(_whole), "a list of whole numbers"),
    "tuple[float, ...]": (_several(_number), "a list of numbers"),
    "tuple[str, ...]": (_several(_text), "a list of texts"),
    "dict[str, float]": (lambda x: isinstance(x, dict) and all(map(_number, x.values())), "a table of numbers"),
}


def check_types(record: Any) -> None:
    """Make lists of a frozen dataclass tuples; ModelError for a field that holds something else than it says."""
    for field in dataclasses.fields(record):
        value, (fits, said) = getattr(record, field.name), _KINDS[str(field.type)]
        if isinstance(value, list):
            value = tuple(value)
            object.__setattr__(record, field.name, value)
        if not fits(value):
            raise ModelError(f"{field.name} of a {type(record).__name__} is {said}, not {_shown(value)}")


def check_config(config: Any, zero: Collection[str] = ()) -> None:
    """ModelError for a config whose shape is impossible, whatever the architecture.

    Sizes are whole numbers from 1 (from 0 in lists), all else is a share from 0 to below 1, and heads divide the width.

    Args:
        config: a dataclass; lists in it are made tuples.
        zero: sizes that may be 0.
    """
    check_types(config)
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{field.name} of a {type(config).__name__}"
        if field.type == "float" and not 0 <= value < 1:
            raise ModelError(f"{name} is at least 0 and below 1, not {_shown(value)}")
        if field.type in ("int", "tuple[int, ...]"):
            least = 0 if field.type != "int" or field.name in zero else 1
            if not all(least <= x < _MOST for x in (value if isinstance(value, tuple) else (value,))):
                raise ModelError(f"{name} is at least {least} and below {_MOST:,}, not {_shown(value)}")
        if field.type == "int" and field.name.endswith("layers") and value > _MOST_LAYERS:
            raise ModelError(f"there are at most {_MOST_LAYERS:,} {field.name}, not {value:,}")
    heads = getattr(config, "heads", 1)
    if heads > 1 and config.width % heads:
        raise ModelError(f"width {config.width} is not a multiple of {heads} heads")


def _shown(value: object) -> str:
    return f"{value!r:.60}"
