"""A segment of a note store: the tables of some pieces, column by column, in one safetensors file.

Columns are as narrow as their values allow, times are differences from the event before, and what follows from the
track (program, drums) is kept once a track: about 14 bytes a note of MAESTRO with its pedal, where the tables have 27.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from symbolic_music.errors import CorpusError, ScoreError, StoreError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import BEND, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Track

# Table -> its dtype and its columns; the first is a time.
_TABLES: dict[str, tuple[np.dtype[Any], tuple[str, ...]]] = {
    "notes": (NOTE, ("onset", "duration", "pitch", "velocity", "track", "hanging")),
    "controls": (CONTROL, ("time", "number", "value", "track")),
    "bends": (BEND, ("time", "value", "track")),
    "tempos": (TEMPO, ("time", "microseconds")),
    "meters": (METER, ("time", "numerator", "denominator")),
    "keys": (KEY, ("time", "sharps", "minor")),
}
ALL_TABLES = tuple(_TABLES)
_FORMAT = "symbolic_music.segment 1"
_UNSIGNED, _SIGNED = (np.uint8, np.uint16, np.uint32), (np.int8, np.int16, np.int32)


def segment_bytes(scores: Sequence[Score], beside: Mapping[str, Array] | None = None) -> bytes:
    """The segment file of these scores. Names of tracks, texts and channels (but drums) are not in it.

    `beside`: further arrays to keep in the file, such as sketches of the pieces (`duplicates`).
    """
    tensors: dict[str, Array] = dict(beside or {})
    for name, (_, columns) in _TABLES.items():
        tables = [getattr(score, name) for score in scores]
        tensors[f"{name}.start"] = np.cumsum([0, *map(len, tables)]).astype(np.uint32)
        for column in columns:
            values = [table[column].astype(np.int64) for table in tables]
            if column == columns[0]:
                values = [np.diff(times, prepend=0) for times in values]
            joined = np.concatenate([np.zeros(0, np.int64), *values])
            # A column of zeros is left out; that of the times says how many rows there are.
            if joined.any() or (column == columns[0] and len(joined)):
                tensors[f"{name}.{column}"] = _narrow(joined)
    tracks = [score.tracks for score in scores]
    tensors["tracks.start"] = np.cumsum([0, *map(len, tracks)]).astype(np.uint32)
    tensors["tracks.program"] = np.array([t.program for own in tracks for t in own], np.uint8)
    tensors["tracks.drums"] = np.array([t.is_drum for own in tracks for t in own], np.uint8)
    tensors["ticks_per_quarter"] = np.array([score.ticks_per_quarter for score in scores], np.uint32)
    # One entry: safetensors writes several in any order, and the same pieces must give the same bytes.
    return save(tensors, metadata={"format": _FORMAT})


def _narrow(values: NDArray[np.int64]) -> Array:
    low, high = int(values.min()), int(values.max())
    for dtype in _SIGNED if low < 0 else _UNSIGNED:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    raise CorpusError(f"a column has values from {low} to {high}")


# Rows of a column by the name that safetensors has for their type.
_DTYPES = {"U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "I8": np.int8, "I16": np.int16, "I32": np.int32}


# A file as the system knows it: another one that takes its name differs.
State = tuple[int, int, int, int]


def state_of(found: os.stat_result) -> State:
    """Device, number, length and time of a file."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class SegmentReplacedError(StoreError):
    """Another file has taken the name of a segment since that was opened."""


@dataclass(frozen=True)
class _Column:
    start: int  # byte of the file
    length: int
    dtype: np.dtype[Any]


class Segment:
    """A segment file: its index is held, the rows of a piece are read on access.

    Rows are read rather than mapped: the pages of a mapped file count as memory of each process that has seen them,
    and a loader would seem to grow with the corpus. All are of one file, `state`: SegmentReplacedError where another
    has taken its name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.state = state_of(path.stat())
            with safe_open(str(path), framework="numpy") as file:
                if (file.metadata() or {}).get("format") != _FORMAT:
                    raise StoreError(f"{path} is not a segment of a note store")
                self.ticks_per_quarter: Array = file.get_tensor("ticks_per_quarter")
                self._starts = {name: file.get_tensor(f"{name}.start") for name in (*_TABLES, "tracks")}
                self._program, self._drums = (file.get_tensor(f"tracks.{n}") for n in ("program", "drums"))
            at = _columns(path)
            self._check(path.stat())
        except (SafetensorError, OSError, LookupError, ValueError) as error:
            raise self._damaged(error) from None
        self._columns = {
            name: [(c, at[f"{name}.{c}"]) for c in columns if f"{name}.{c}" in at]
            for name, (_, columns) in _TABLES.items()
        }
        lengths = {name: {column.length for _, column in own} for name, own in self._columns.items()}
        lengths["tracks"] = {len(self._program), len(self._drums)}
        for name, start in self._starts.items():
            whole = len(start) == len(self) + 1 and start[0] == 0 and not np.any(start[1:] < start[:-1])
            if not whole or (lengths[name] or {0}) != {int(start[-1])}:
                raise self._damaged(f"{name} do not add up")
        self.note_counts = np.diff(self._starts["notes"].astype(np.int64))

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.ticks_per_quarter)

    def check(self) -> None:
        """SegmentReplacedError when another file has its name by now."""
        try:
            self._check(self._path.stat())
        except OSError as error:
            raise self._damaged(error) from None

    def _check(self, found: os.stat_result) -> None:
        if state_of(found) != self.state:
            raise SegmentReplacedError(f"{self._path} was replaced since it was opened: open the store again")

    def _damaged(self, why: object) -> StoreError:
        return StoreError(f"{self._path} is damaged ({why}): run the same prepare again to mend the store")

    def beside(self, name: str) -> Array:
        """An array that `segment_bytes` was given to keep in the file."""
        with safe_open(str(self._path), framework="numpy") as file:
            return np.asarray(file.get_tensor(name))

    def _table(self, file: FileIO, name: str, piece: int) -> Array:
        """One table of a piece, read-only."""
        dtype, columns = _TABLES[name]
        begin, end = int(self._starts[name][piece]), int(self._starts[name][piece + 1])
        table = np.zeros(end - begin, dtype)
        for column, where in self._columns[name] if begin < end else ():
            size = where.dtype.itemsize
            file.seek(where.start + begin * size)
            data = file.read((end - begin) * size)
            if len(data) < (end - begin) * size:
                raise self._damaged("it ends too soon")
            values = np.frombuffer(data, where.dtype)
            table[column] = np.cumsum(values, dtype=np.int64) if column == columns[0] else values
        table.flags.writeable = False  # so that a Score need not copy it
        return table

    def score(self, piece: int, names: Sequence[str] = (), tables: Sequence[str] = ALL_TABLES) -> Score:
        """A piece; its tracks are named when names are given.

        Args:
            piece: its place in the segment.
            names: of its tracks.
            tables: those that are wanted; the others stay empty, and need not be read.

        Raises:
            StoreError: when what is read is nothing that was written.
        """
        begin, end = int(self._starts["tracks"][piece]), int(self._starts["tracks"][piece + 1])
        program, drums = self._program[begin:end], self._drums[begin:end].astype(bool)
        labels = [*names, *[""] * (end - begin - len(names))]
        tracks = (Track(n, int(p), bool(d)) for n, p, d in zip(labels, program, drums, strict=True))
        try:
            with self._path.open("rb", buffering=0) as file:
                self._check(os.fstat(file.fileno()))
                read: dict[str, Any] = {name: self._table(file, name, piece) for name in tables}
            notes = read.get("notes", ())
            if len(notes):
                notes.flags.writeable = True
                notes["program"] = program[notes["track"]]
                notes["channel"] = np.where(drums, np.uint8(DRUM_CHANNEL), np.uint8(0))[notes["track"]]
                notes.flags.writeable = False
            return Score(ticks_per_quarter=int(self.ticks_per_quarter[piece]), tracks=tuple(tracks), **read)
        except FileNotFoundError:
            raise SegmentReplacedError(f"{self._path} has gone since it was opened: open the store again") from None
        except (OSError, IndexError, ValueError, ScoreError) as error:
            raise self._damaged(error) from None


def _columns(path: Path) -> dict[str, _Column]:
    """Offsets of the columns of the tables, from a valid header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    names = {f"{name}.{column}" for name, (_, columns) in _TABLES.items() for column in columns}
    return {
        name: _Column(8 + length + about["data_offsets"][0], int(about["shape"][0]), np.dtype(_DTYPES[about["dtype"]]))
        for name, about in header.items()
        if name in names
    }
