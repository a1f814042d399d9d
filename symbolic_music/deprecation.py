"""Deprecated public names, which work with a warning that gives the new name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any


def old_names(module: str, names: Mapping[str, tuple[str, Callable[[], Any]]]) -> Callable[[str], Any]:
    """A module's `__getattr__` for its old names: each with the new name, and what gives the object."""

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        new, found = names[name]
        warn_of_old_name(f"{module}.{name}", new)
        return found()

    return get


def warn_of_old_name(old: str, new: str) -> None:
    """DeprecationWarning at the line that used the old name."""
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=3)
