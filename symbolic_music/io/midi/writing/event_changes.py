"""Changes of single events of a file, and where a new event comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symbolic_music.io.midi.tolerant_reader import Placed
from symbolic_music.io.midi.writing.chunk_patch import New

Place = tuple[int, int]  # a track of the file, and the byte of it at which an event stands


@dataclass(frozen=True)
class Swap:
    """In a track of the file the event at a place goes, where one is named, and a new one comes, where one is given."""

    file: int
    place: int | None
    new: New | None


def coming(file: int, at: Place | None, time: int, data: bytes, placed: Placed) -> Swap:
    """An event in the place of another; else in this track, before the notes of its tick and after all else there."""
    if at is not None:
        return Swap(*at, New(time, data, before=at[1]))
    table = placed.tracks[file].table
    if table is None:
        return Swap(file, None, New(time, data))  # which is seen when the track is patched
    begin, stop = (int(np.searchsorted(table.tick, time, side=side)) for side in ("left", "right"))
    notes = np.flatnonzero(table.status[begin:stop] >> 4 <= 9)
    return Swap(file, None, New(time, data, before=int(table.place[begin + notes[0]]) if len(notes) else None))
