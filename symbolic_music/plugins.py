"""Parts from other packages: a registry for each kind, filled by a decorator or an entry point.

A room has a `Registry` and a `register` of its own (`tokenizers.register`, `models.register`, `corpora.register`,
`codec.register`, `synthesis.register`); docs/extending.md shows each. Nothing is imported before a name is requested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from symbolic_music.errors import PluginError, UnknownNameError

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """Parts of one kind by name: those built in, those registered, and those that installed packages offer.

    Args:
        kind: what a part is called in messages, such as "tokenizer".
        group: of the entry points of packages that offer such parts.
        built_in: what gives each part that comes with the library; called on access.
        fitted: makes a part of what was registered under a name, or raises PluginError saying what it lacks.
    """

    def __init__(
        self, kind: str, group: str, built_in: Mapping[str, Callable[[], Part]], fitted: Callable[[str, Any], Part]
    ) -> None:
        self.kind, self.group = kind, group
        self._built_in, self._fitted = dict(built_in), fitted
        self._registered: dict[str, Part] = {}

    def names(self) -> list[str]:
        """All names: built in, registered, offered by packages. Imports none of them."""
        offered = sorted({point.name for point in entry_points(group=self.group)})
        return list(dict.fromkeys([*self._built_in, *self._registered, *offered]))

    def registered(self) -> Iterator[tuple[str, Part]]:
        """Names and parts that were registered, or loaded from packages, so far."""
        yield from self._registered.items()

    def add(self, name: str, part: Any) -> Part:
        """Register a part; registering one of the same definition again replaces it, as a notebook's cell does.

        Raises:
            PluginError: when the name is taken, or the part does not fit.
        """
        if not isinstance(name, str) or not name or name != name.strip():
            raise PluginError(f"a {self.kind} is registered by a name, not by {name!r:.60}")
        try:
            fitted = self._fitted(name, part)
        except PluginError:
            raise
        except Exception as error:  # code of the part, such as a description of itself
            raise PluginError(f"{self.kind} {name!r} cannot be looked at ({type(error).__name__})") from error
        before = self._registered.get(name)
        if name in self._built_in or (before is not None and _source(before) != _source(fitted)):
            raise PluginError(f"there is a {self.kind} named {name!r} already: choose another name")
        self._registered[name] = fitted
        return fitted

    def get(self, name: str) -> Part:
        """The part of this name; one that is built in, whatever packages offer under it.

        Raises:
            UnknownNameError: when there is none.
            PluginError: when the package that offers it cannot be loaded, or offers something else.
        """
        if not isinstance(name, str):
            raise UnknownNameError(f"no {self.kind} {name!r:.60}: choose from {', '.join(self.names())}")
        if name in self._registered:
            return self._registered[name]
        if name in self._built_in:
            return self._built_in[name]()
        offered = list(entry_points(group=self.group, name=name))
        if not offered:
            raise UnknownNameError(f"no {self.kind} {name!r}: choose from {', '.join(self.names())}")
        if len({_package(point) for point in offered}) > 1:
            packages = " and ".join(sorted(_package(point) for point in offered))
            raise PluginError(f"{self.kind} {name!r} is offered by {packages}: uninstall one of them")
        return self._loaded(offered[0])

    def _loaded(self, point: EntryPoint) -> Part:
        """The part of an entry point. Loading its module may register it; else the object itself is registered."""
        try:
            part = point.load()
        except (Exception, SystemExit) as error:  # a package that ends the process ends nothing here
            raise PluginError(
                f"{self.kind} {point.name!r} of {_package(point)} cannot be loaded "
                f"({type(error).__name__}: {' '.join(str(error).split())[:200]}): mend or uninstall that package"
            ) from error
        if point.name in self._registered:
            return self._registered[point.name]
        try:
            return self.add(point.name, part)
        except PluginError as error:
            raise PluginError(f"{self.kind} {point.name!r} of {_package(point)} does not fit: {error}") from None


def _package(point: EntryPoint) -> str:
    """The distribution of an entry point, with its version."""
    if point.dist is not None:
        return f"package {point.dist.name} {point.dist.version}"
    return f"module {point.value.split(':')[0]!r}"


def _source(part: Any) -> tuple[str, str]:
    """Where a part was defined: distinguishes a changed definition from another part."""
    own = getattr(part, "defined", part)
    own = own if hasattr(own, "__qualname__") else type(own)
    return own.__module__, own.__qualname__
