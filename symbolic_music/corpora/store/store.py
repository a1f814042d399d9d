"""A note store: all pieces of a corpus as memory-mapped columns; see `manifest` for its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.manifest import (
    AGAIN,
    LeftOut,
    Piece,
    about_of,
    is_another,
    kept_file,
    read_manifest,
    segment_file,
    size_of,
)
from symbolic_music.corpora.store.segments import ALL_TABLES, Segment, SegmentReplacedError, State
from symbolic_music.errors import StoreError
from symbolic_music.score import Score

Held = TypeVar("Held")
_MOST_OPEN = 256  # segments whose index is held
_MOST_DESCRIBED = 4  # segments whose descriptions are: those of a large corpus do not all stay in memory
_TRIES = 5  # to open what others replace meanwhile


def _hold(held: dict[int, Held], number: int, one: Held, most: int) -> None:
    """Keep one more of at most `most`; several threads may do so at a time, and may have removed the same one."""
    for oldest in list(held)[: max(0, len(held) + 1 - most)]:
        held.pop(oldest, None)
    held[number] = one


class NoteStore:
    """The pieces of a corpus, in the order of the manifest. `store[i]` is a Score; splits are lists of indices.

    Opening looks at the manifest and the lengths of the files; the first look into a segment compares its SHA-256, once
    a process; `verify` reads everything.

    Raises:
        CorpusError: when the folder is no store, or was made by another version.
        StoreError: when it is damaged: a file is missing, cut, or not what was written.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> len(store), len(store[0].notes), len(store.splits["train"])
        (8, 216, 6)
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        for left in reversed(range(_TRIES)):
            manifest = read_manifest(path)
            try:
                self._begin(path, manifest)
                return
            except StoreError:
                if not left or not is_another(path, manifest):  # else it has just been written anew
                    raise

    def _begin(self, path: Path, manifest: dict[str, Any]) -> None:
        """Open the files that a manifest lists."""
        self.path, self.manifest = path, manifest
        for one in self.manifest["segments"]:
            file = segment_file(self.path, one["name"])
            size = size_of(file)
            if size != one["bytes"] and size_of(kept_file(file, one["sha256"])) != one["bytes"]:
                state = "missing" if size < 0 else f"{size:,} bytes long, not {one['bytes']:,}"
                raise StoreError(f"{file} is {state}: {AGAIN}")
        self._ends = np.cumsum([one["pieces"] for one in self.manifest["segments"]])
        self._open: dict[int, Segment] = {}
        self._sound: dict[int, State] = {}  # segments whose bytes were compared
        self._abouts: dict[int, list[Piece]] = {}

    def __repr__(self) -> str:
        return f"NoteStore({self.manifest['corpus']}, {len(self):,} pieces, {str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """The state for another process, which opens the files again: those that this one reads."""
        return {"path": self.path, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._begin(state["path"], state["manifest"])

    def __len__(self) -> int:
        """Number of pieces."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Score:
        """A piece with the names of its tracks; IndexError for an unknown number."""
        return self._score(index, self.piece(index).tracks)

    def music(self, index: int, tables: Sequence[str] = ALL_TABLES) -> Score:
        """A piece without names: nothing but these tables in its segment is read, the others are empty."""
        return self._score(index, tables=tables)

    def _score(self, index: int, names: Sequence[str] = (), tables: Sequence[str] = ALL_TABLES) -> Score:
        number, place = self._place(index)
        for _ in range(_TRIES):
            try:
                return self._segment(number).score(place, names, tables)
            except SegmentReplacedError:  # its manifest's is kept
                self._open.pop(number, None)
        raise self._changed()

    def piece(self, index: int) -> Piece:
        """Metadata of a piece."""
        number, place = self._place(index)
        own = self._abouts.get(number)
        if own is None:
            own = [Piece.of_record(one) for one in self._about(number)["pieces"]]
            _hold(self._abouts, number, own, _MOST_DESCRIBED)
        return own[place]

    def pieces(self) -> Iterator[Piece]:
        """Metadata of each piece, in order."""
        return (self.piece(index) for index in range(len(self)))

    def left_out(self) -> list[LeftOut]:
        """The sources that are not in the store, and why."""
        numbers = range(len(self._ends))
        return [LeftOut(**one) for number in numbers for one in self._about(number)["left_out"]]

    @cached_property
    def note_counts(self) -> NDArray[np.int64]:
        """Notes of each piece, shape (pieces,)."""
        numbers = range(len(self._ends))
        return np.concatenate([np.zeros(0, np.int64), *(self._segment(number).note_counts for number in numbers)])

    @cached_property
    def splits(self) -> dict[str, NDArray[np.int64]]:
        """Indices of the pieces of each split."""
        found: dict[str, list[int]] = {}
        for index, piece in enumerate(self.pieces()):
            found.setdefault(piece.split, []).append(index)
        return {name: np.array(indices) for name, indices in sorted(found.items())}

    def verify(self) -> None:
        """Read every byte; StoreError names the first file that is not what the manifest says."""
        for one in self.manifest["segments"]:
            file = segment_file(self.path, one["name"])
            for path, digest in ((file, one["sha256"]), (file.with_suffix(".json"), one["about_sha256"])):
                where = self._file(path, digest)
                # Where another has just taken its place, it is kept.
                if not self._compare(where, digest) and (
                    (kept := self._file(path, digest)) == where or not self._compare(kept, digest)
                ):
                    raise self._not_written(path)

    def _about(self, number: int) -> Any:
        one = self.manifest["segments"][number]
        file = segment_file(self.path, one["name"]).with_suffix(".json")
        for _ in range(_TRIES):
            try:
                data = self._file(file, one["about_sha256"]).read_bytes()
            except OSError:
                continue
            if sha256(data).hexdigest() == one["about_sha256"]:
                about = about_of(data, file)
                if len(about["pieces"]) != one["pieces"]:
                    raise StoreError(f"{file} describes {len(about['pieces'])} pieces, not {one['pieces']}: {AGAIN}")
                return about
        raise self._not_written(file)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"no piece {index}: the store has {len(self)}")
        number = int(np.searchsorted(self._ends, index, side="right"))
        return number, index - (int(self._ends[number - 1]) if number else 0)

    def _segment(self, number: int) -> Segment:
        own = self._open.get(number)
        if own is None:
            own = self._opened(number)
            _hold(self._open, number, own, _MOST_OPEN)
        return own

    def _opened(self, number: int) -> Segment:
        """A segment whose bytes are those that the manifest lists."""
        one = self.manifest["segments"][number]
        file = segment_file(self.path, one["name"])
        for left in reversed(range(_TRIES)):
            path = self._file(file, one["sha256"])
            try:
                own = Segment(path)
                if self._sound.get(number) != own.state and not self._compare(path, one["sha256"]):
                    raise self._not_written(file)
                own.check()
            except StoreError:
                # It may be that another has just taken its place, and it is kept now.
                if not left or self._file(file, one["sha256"]) == path:
                    if is_another(self.path, self.manifest):
                        raise self._changed() from None
                    raise
                continue
            self._sound[number] = own.state
            if len(own) != one["pieces"]:
                raise StoreError(f"{file} holds {len(own)} pieces, not {one['pieces']}: {AGAIN}")
            return own
        raise self._changed()

    @staticmethod
    def _file(file: Path, digest: str) -> Path:
        """Where a file of the manifest is: a run that replaces it keeps it first."""
        kept = kept_file(file, digest)
        return kept if kept.is_file() else file

    @staticmethod
    def _compare(path: Path, said: str) -> bool:
        """Whether this file has this SHA-256; read in blocks, so that no memory is mapped."""
        found = sha256()
        try:
            with path.open("rb", buffering=0) as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}: {AGAIN}") from None
        return found.hexdigest() == said

    def _not_written(self, path: Path) -> StoreError:
        if is_another(self.path, self.manifest):
            return self._changed()
        return StoreError(f"{path} is damaged, its SHA-256 is not the manifest's: {AGAIN}")

    def _changed(self) -> StoreError:
        return StoreError(f"{self.path} was prepared again since it was opened: open it again")
