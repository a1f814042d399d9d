"""An index of a note store, eight bytes a note: positions of the fingerprints of twelve consecutive notes.

STORE/.originality/SPLIT-hashes.npy   sorted hashes, uint32
STORE/.originality/SPLIT-places.npy   the note at which each begins, uint32, counted over all pieces of the split
STORE/.originality/SPLIT.json         which pieces, where each begins, and of which manifest
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError
from symbolic_music.evaluation.originality.interval_fingerprints import GRAM, fingerprints, lines_of
from symbolic_music.io.atomic import write_bytes

FOLDER, VERSION = ".originality", 1
# What the order and fingerprints of notes are made of.
TABLES = ("notes", "tempos")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Index:
    """Fingerprints of the pieces of a split, memory-mapped when they were read from a folder.

    Args:
        store: whose they are.
        pieces: indices in the store, shape (pieces,).
        starts: first place of each piece, and the end, shape (pieces + 1,).
        hashes: sorted, shape (fingerprints,).
        places: where each stands, shape (fingerprints,).
    """

    store: NoteStore
    pieces: NDArray[np.int64]
    starts: NDArray[np.int64]
    hashes: NDArray[np.uint32]
    places: NDArray[np.uint32]

    @property
    def bytes(self) -> int:
        """Size of both tables."""
        return self.hashes.nbytes + self.places.nbytes

    def find(self, hashes: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last (exclusive) row of each hash, shape (n,)."""
        return np.searchsorted(self.hashes, hashes, "left"), np.searchsorted(self.hashes, hashes, "right")


def open_index(store: NoteStore, split: str = "train", progress: Progress | None = None) -> Index:
    """The index that is kept with a store; it is built when it is missing, or of another state of the store.

    Raises:
        CorpusError: when the store has no such split, or its split more than 4,294,967,295 notes.
    """
    if split not in store.splits:
        raise CorpusError(f"{store.path} has no split {split!r}; it has {', '.join(store.splits) or 'none'}")
    folder = Path(store.path) / FOLDER
    state = {
        "version": VERSION,
        "gram": GRAM,
        "manifest": store.manifest["check"],  # the one that is read, which another may have replaced
    }
    about = folder / f"{split}.json"
    if about.is_file():
        try:
            known = json.loads(about.read_text())
            if known["state"] == state:
                tables = (np.load(folder / f"{split}-{name}.npy", mmap_mode="r") for name in ("hashes", "places"))
                return Index(store, np.array(known["pieces"]), np.array(known["starts"]), *tables)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass  # an index that was not finished is made again
    index = build_index(store, split, progress)
    folder.mkdir(exist_ok=True)
    about.unlink(missing_ok=True)
    for name, table in (("hashes", index.hashes), ("places", index.places)):
        buffer = io.BytesIO()
        np.save(buffer, table)
        write_bytes(folder / f"{split}-{name}.npy", buffer.getvalue())
    facts = {"state": state, "pieces": index.pieces.tolist(), "starts": index.starts.tolist()}
    write_bytes(about, json.dumps(facts).encode())
    return index


def build_index(store: NoteStore, split: str = "train", progress: Progress | None = None) -> Index:
    """The index of a split, in memory. Arguments and errors as in `open_index`."""
    pieces = store.splits[split]
    hashes, places, starts = [], [], [0]
    for number, piece in enumerate(pieces.tolist(), 1):
        lines = lines_of(store.music(piece, TABLES))
        found, at = fingerprints(lines)
        hashes.append(found)
        places.append(at + starts[-1])
        starts.append(starts[-1] + len(lines))
        if starts[-1] >= 2**32:
            raise CorpusError(f"split {split!r} of {store.path} has more notes than an index can count")
        if progress:
            progress(number / len(pieces))
    all_hashes = np.concatenate(hashes) if hashes else np.zeros(0, np.uint32)
    order = np.argsort(all_hashes, kind="stable")
    all_places = np.concatenate(places)[order].astype(np.uint32) if places else np.zeros(0, np.uint32)
    return Index(store, pieces.astype(np.int64), np.array(starts), all_hashes[order], all_places)
