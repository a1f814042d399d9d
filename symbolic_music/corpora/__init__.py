"""Corpora: data sets prepared as note stores, and training windows cut from them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbolic_music.corpora.datasets.base import Listing, Source
from symbolic_music.corpora.datasets.chorale_grid import chorale_from_grid, read_chorales
from symbolic_music.corpora.datasets.registry import register

if TYPE_CHECKING:
    from symbolic_music.corpora.preparation.pipeline import prepare as prepare
    from symbolic_music.corpora.store.statistics import statistics as statistics
    from symbolic_music.corpora.store.store import NoteStore as NoteStore
    from symbolic_music.corpora.windows.augmentation import Augmentation as Augmentation
    from symbolic_music.corpora.windows.augmentation import preset as preset
    from symbolic_music.corpora.windows.batches import Batch as Batch
    from symbolic_music.corpora.windows.batches import Shuffled as Shuffled
    from symbolic_music.corpora.windows.dataset import Windows as Windows
    from symbolic_music.corpora.windows.packed_chunks import Packed as Packed
    from symbolic_music.corpora.windows.policies import Bars as Bars
    from symbolic_music.corpora.windows.policies import Chunks as Chunks
    from symbolic_music.corpora.windows.policies import Crops as Crops

# Imported on first use: windows need torch, reading a chorale does not.
_HOMES = {
    "prepare": "preparation.pipeline",
    "statistics": "store.statistics",
    "NoteStore": "store.store",
    "Augmentation": "windows.augmentation",
    "preset": "windows.augmentation",
    "Batch": "windows.batches",
    "Shuffled": "windows.batches",
    "Windows": "windows.dataset",
    "Packed": "windows.packed_chunks",
    "Bars": "windows.policies",
    "Chunks": "windows.policies",
    "Crops": "windows.policies",
}

__all__ = [
    "Augmentation", "Bars", "Batch", "Chunks", "Crops", "Listing", "NoteStore", "Packed", "Shuffled", "Source",
    "Windows", "chorale_from_grid", "prepare", "preset", "read_chorales", "register", "statistics",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
