"""Groups of options: a dataclass parameter of a verb stands for all its fields."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with the fields of its dataclass parameters as options, in their place; positional ones stay."""
    hints = get_type_hints(verb, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type[Any], list[str]]] = {}
    for name in inspect.signature(verb).parameters:
        kind = hints[name]
        if not dataclasses.is_dataclass(kind):
            parameters.append(inspect.signature(verb).parameters[name].replace(annotation=kind))
            continue
        assert isinstance(kind, type)
        within = get_type_hints(kind, include_extras=True)
        groups[name] = (kind, [field.name for field in dataclasses.fields(kind)])
        for field in dataclasses.fields(kind):
            default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=within[field.name]
                )
            )

    @functools.wraps(verb)
    def call(**values: Any) -> None:
        for name, (kind, fields) in groups.items():
            values[name] = kind(**{field: values.pop(field) for field in fields})
        verb(**values)

    ordered = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in ordered}
    return call
