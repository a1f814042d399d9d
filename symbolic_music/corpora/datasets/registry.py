"""Find a data set by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from symbolic_music.corpora.datasets.base import Listing
from symbolic_music.errors import PluginError
from symbolic_music.plugins import Registry

# The folder of a data set, or its file, and the value of --splits, to what it consists of.
List = Callable[[Path, str], Listing]
Function = TypeVar("Function", bound=List)


@dataclass(frozen=True)
class DataSet:
    """How a data set is listed.

    Args:
        name: that `prepare` calls it by.
        listing: of the folder (or file) and the value of --splits, empty for the data set's own; CorpusError when the
            folder is not this data set.
        takes_file: whether it may be given as one file.
        takes_dedup: whether its splits may be drawn so that near-duplicates stay together: it has none of its own.
    """

    name: str
    listing: List
    takes_file: bool = False
    takes_dedup: bool = False

    @property
    def defined(self) -> List:
        """By which a changed definition is known from another data set; see `plugins`."""
        return self.listing


# Name -> module, and what it takes. Imported on first use.
_DATASETS: dict[str, tuple[str, dict[str, bool]]] = {
    "maestro": ("maestro", {"takes_file": True}),
    "lakh": ("lakh", {"takes_dedup": True}),
    "chorales": ("jsb_chorales", {"takes_file": True}),
    "pop909": ("pop909", {}),
    "groove": ("groove", {}),
    "folder": ("any_folder", {"takes_dedup": True}),
}


def _imported(name: str) -> DataSet:
    module, takes = _DATASETS[name]
    return DataSet(name, import_module(f"symbolic_music.corpora.datasets.{module}").listing, **takes)


def _fitted(name: str, part: Any) -> DataSet:
    if isinstance(part, DataSet):
        return replace(part, name=name)
    if not callable(part):
        raise PluginError(f"corpus {name!r} is a function of a folder and its splits, not {part!r:.80}")
    return DataSet(name, part)


_BUILT_IN = {name: partial(_imported, name) for name in _DATASETS}
_registry: Registry[DataSet] = Registry("corpus", "symbolic_music.corpora", _BUILT_IN, _fitted)


def register(name: str, *, takes_file: bool = False, takes_dedup: bool = False) -> Callable[[Function], Function]:
    """Decorator of a function that lists a data set: `prepare` finds it by this name.

    Packages offer theirs by entry points of the group `symbolic_music.corpora`.

    Args:
        name: as in `symbolic-music prepare NAME`.
        takes_file, takes_dedup: as in `DataSet`.

    Raises:
        PluginError: when the name is taken.

    Examples:
        >>> from pathlib import Path
        >>> @sm.corpora.register("two-pieces")
        ... def listing(source, splits=None):
        ...     files = sorted(Path(source).iterdir())[:2]
        ...     sources = [sm.corpora.Source(file.stem, (file.name,), split="train") for file in files]
        ...     return sm.corpora.Listing(Path(source), tuple(sources))
        >>> len(sm.corpora.prepare("two-pieces", "my-midi", "two.store"))
        2
    """

    def add(listing: Function) -> Function:
        _registry.add(name, DataSet(name, listing, takes_file, takes_dedup))
        return listing

    return add


names, get = _registry.names, _registry.get
