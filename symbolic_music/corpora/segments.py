"""A segment of a note store: the tables of some pieces, column by column, in one safetensors file.

Columns are as narrow as their values allow, times are differences from the event before, and what follows from the
track (program, drums) is kept once a track: about 9 bytes a note of MAESTRO with its pedal, where the table has 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from symbolic_music.errors import CorpusError
from symbolic_music.score import BEND, CONTROL, DRUM_CHANNEL, KEY, METER, NOTE, TEMPO, Array, Score, Track

# Table -> its dtype and its columns; the first is a time.
_TABLES: dict[str, tuple[np.dtype[Any], tuple[str, ...]]] = {
    "notes": (NOTE, ("onset", "duration", "pitch", "velocity", "track", "hanging")),
    "controls": (CONTROL, ("time", "number", "value", "track")),
    "bends": (BEND, ("time", "value", "track")),
    "tempos": (TEMPO, ("time", "microseconds")),
    "meters": (METER, ("time", "numerator", "denominator")),
    "keys": (KEY, ("time", "sharps", "minor")),
}
_FORMAT = "symbolic_music.segment 1"
_UNSIGNED, _SIGNED = (np.uint8, np.uint16, np.uint32), (np.int8, np.int16, np.int32)


def segment_bytes(scores: Sequence[Score]) -> bytes:
    """The segment file of these scores. Names of tracks, texts and channels (but drums) are not in it."""
    tensors: dict[str, Array] = {}
    for name, (_, columns) in _TABLES.items():
        tables = [getattr(score, name) for score in scores]
        tensors[f"{name}.start"] = np.cumsum([0, *map(len, tables)]).astype(np.uint32)
        for column in columns:
            values = [table[column].astype(np.int64) for table in tables]
            if column == columns[0]:
                values = [np.diff(times, prepend=0) for times in values]
            joined = np.concatenate([np.zeros(0, np.int64), *values])
            if joined.any():  # a column of zeros is left out
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


def _opened(path: Path) -> Any:
    return safe_open(str(path), framework="numpy")


class Segment:
    """A segment file, memory-mapped: a piece is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = _opened(path)
            names = set(self._file.keys())
            if (self._file.metadata() or {}).get("format") != _FORMAT:
                raise CorpusError(f"{path} is not a segment of a note store")
            self.ticks_per_quarter: Array = self._file.get_tensor("ticks_per_quarter")
            self._starts = {name: self._file.get_tensor(f"{name}.start") for name in (*_TABLES, "tracks")}
            self._program, self._drums = (self._file.get_tensor(f"tracks.{n}") for n in ("program", "drums"))
        except (SafetensorError, OSError, KeyError) as error:
            raise CorpusError(f"{path} is damaged ({error}); prepare the store again") from None
        self._columns = {name: [c for c in columns if f"{name}.{c}" in names] for name, (_, columns) in _TABLES.items()}
        self.note_counts = np.diff(self._starts["notes"].astype(np.int64))

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.ticks_per_quarter)

    def table(self, name: str, piece: int) -> Array:
        """One table (notes, controls, bends, tempos, meters, keys) of a piece."""
        dtype, columns = _TABLES[name]
        begin, end = int(self._starts[name][piece]), int(self._starts[name][piece + 1])
        table = np.zeros(end - begin, dtype)
        if begin == end:
            return table
        for column in self._columns[name]:
            values = self._file.get_slice(f"{name}.{column}")[begin:end]
            table[column] = np.cumsum(values, dtype=np.int64) if column == columns[0] else values
        return table

    def score(self, piece: int, names: Sequence[str] = ()) -> Score:
        """A piece; its tracks are named when names are given."""
        begin, end = int(self._starts["tracks"][piece]), int(self._starts["tracks"][piece + 1])
        program, drums = self._program[begin:end], self._drums[begin:end].astype(bool)
        tables: dict[str, Any] = {name: self.table(name, piece) for name in _TABLES}
        notes = tables["notes"]
        if len(notes):
            notes["program"] = program[notes["track"]]
            notes["channel"] = np.where(drums[notes["track"]], DRUM_CHANNEL, 0)
        labels = [*names, *[""] * (end - begin - len(names))]
        tracks = (Track(n, int(p), bool(d)) for n, p, d in zip(labels, program, drums, strict=True))
        return Score(ticks_per_quarter=int(self.ticks_per_quarter[piece]), tracks=tuple(tracks), **tables)
