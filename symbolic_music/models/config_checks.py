"""Configs and cards as dataclasses whose values pydantic checks, wherever they were read."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, Strict, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from symbolic_music.errors import ModelError

Class = TypeVar("Class", bound=type[Any])
# A size that is larger is a mistake, and its products overflow.
_MOST, _MOST_LAYERS = 1 << 31, 1024

# Types of fields. Lists of JSON are made tuples; a whole number is a number, but no other is taken for another.
Size = Annotated[int, Field(ge=1, lt=_MOST)]
SizeOrZero = Annotated[int, Field(ge=0, lt=_MOST)]
Layers = Annotated[int, Field(ge=1, le=_MOST_LAYERS)]
LayersOrZero = Annotated[int, Field(ge=0, le=_MOST_LAYERS)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Sizes = Annotated[tuple[SizeOrZero, ...], Strict(False)]
Numbers = Annotated[tuple[Number, ...], Strict(False)]
Texts = Annotated[tuple[str, ...], Strict(False)]

_SAID = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a table of numbers",
    "tuple_type": "a list",
}
_SEVERAL = {int: "whole numbers", float: "numbers", str: "texts"}


def checked(cls: Class) -> Class:
    """Class decorator of a frozen dataclass, above `dataclass`: values of other types or out of range are ModelErrors.

    Types are strict: True is no whole number, and 3.0 is none. A field of lists is of `Sizes`, `Numbers` or `Texts`.
    A class attribute `renamed` maps old names of fields to new ones: they are taken with a DeprecationWarning.
    """
    made: Any = dataclass(cls, frozen=True, config=ConfigDict(strict=True, extra="forbid"))
    made.__doc__ = cls.__doc__  # which pydantic leaves out
    build: Callable[..., None] = made.__init__

    @wraps(build)
    def __init__(self: Any, *args: Any, **values: Any) -> None:
        for old, new in getattr(cls, "renamed", {}).items():
            if old in values:
                warnings.warn(f"{cls.__name__}({old}=...) is now {new}", DeprecationWarning, stacklevel=2)
                values[new] = values.pop(old)
        try:
            build(self, *args, **values)
        except ValidationError as error:
            raise ModelError(_worded(cls, error.errors(include_url=False)[0], values)) from None

    made.__init__ = __init__
    found: Class = made
    return found


def check_heads(width: int, heads: int) -> None:
    """ModelError when heads do not divide a width."""
    if width % heads:
        raise ModelError(f"width {width} is not a multiple of {heads} heads")


def _worded(cls: type[Any], error: ErrorDetails, values: dict[str, Any]) -> str:
    """What is wrong with a field, in a sentence."""
    field, kind, value = str(error["loc"][0]), error["type"], error["input"]
    if kind == "unexpected_keyword_argument":
        return f"a {cls.__name__} has no {field}"
    if kind in ("missing", "missing_argument"):
        return f"a {cls.__name__} needs {field}"
    name, hint = f"{field} of a {cls.__name__}", get_type_hints(cls, include_extras=True)[field]
    within = len(error["loc"]) > 1
    if kind == "less_than_equal":
        return f"there are at most {_bounds(hint)['Le'].le:,} {field}, not {value:,}"
    if kind in ("greater_than_equal", "less_than"):
        return f"{name} is {_range(_element(hint) if within else hint)}, not {value!r:.60}"
    whole = values.get(field, value) if within else value
    said = _SAID.get(kind, error["msg"])
    if kind == "tuple_type" or (within and isinstance(error["loc"][1], int)):
        said = f"a list of {_SEVERAL[_plain(_element(hint))]}"
    elif within:
        said = "a table of numbers"
    return f"{name} is {said}, not {whole!r:.60}"


def _plain(hint: Any) -> Any:
    """A type without what is annotated to it."""
    return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint


def _element(hint: Any) -> Any:
    """The type of the elements of a list."""
    return get_args(_plain(hint))[0]


def _bounds(hint: Any) -> dict[str, Any]:
    """The bounds that are annotated to a type, by the names of their classes."""
    return {type(bound).__name__: bound for extra in hint.__metadata__ for bound in getattr(extra, "metadata", ())}


def _range(hint: Any) -> str:
    bounds = _bounds(hint)
    most = f"below {bounds['Lt'].lt:,}" if "Lt" in bounds else f"at most {bounds['Le'].le:,}"
    return f"at least {bounds['Ge'].ge} and {most}"
