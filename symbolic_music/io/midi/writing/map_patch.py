"""Tempos, meters, keys and aftertouch that were changed, as changes of the events of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbolic_music.io.midi.document import Document
from symbolic_music.io.midi.others import Others
from symbolic_music.io.midi.tolerant_reader import Placed
from symbolic_music.io.midi.writing.chunk_patch import New
from symbolic_music.io.midi.writing.encoding import key_message, meter_message, tempo_message
from symbolic_music.score import Array, Score

_TEMPO, _METER, _KEY = 0x51, 0x58, 0x59
_OFF, _AFTERTOUCH = 0x8, 0xA


@dataclass(frozen=True)
class Swap:
    """In a track of the file the event at a place goes, where one is named, and a new one comes, where one is given."""

    file: int
    place: int | None
    new: New | None


def swaps(score: Score, document: Document, placed: Placed) -> list[Swap] | None:
    """What became of the maps and of aftertouch; None where it cannot be said in the events of this file."""
    _, tempos, meters, keys, *_ = document.tables
    found: list[Swap] = []
    for ours, theirs, kind, message in (
        (score.tempos, tempos, _TEMPO, tempo_message),
        (score.meters, meters, _METER, meter_message),
        (score.keys, keys, _KEY, key_message),
    ):
        if ours is not theirs and not np.array_equal(ours, theirs):
            swapped = _of_map(ours, theirs, placed, kind, message)
            if swapped is None:
                return None
            found += swapped
    if score.others is not document.others:
        swapped = _of_others(score, document.others)
        if swapped is None:
            return None
        found += swapped
    return found


def _of_map(
    ours: Array, theirs: Array, placed: Placed, kind: int, message: Callable[..., bytes]
) -> list[Swap] | None:  # fmt: skip
    """Rows of one time stand for each other; what stays as it was stays where it is."""
    events = sorted(_metas(placed, kind), key=lambda event: event[0])
    if [time for time, _, _ in events] != theirs["time"].tolist():
        return None  # SMPTE time, or events that say nothing
    new: dict[int, list[tuple[Any, ...]]] = {}
    for row in ours.tolist():
        new.setdefault(row[0], []).append(row)
    found: list[Swap] = []
    for (time, file, place), row in zip(events, theirs.tolist(), strict=True):
        coming = new.get(time, [])
        if coming and coming[0] == row:
            coming.pop(0)
        elif coming:
            found.append(Swap(file, place, New(time, message(*coming.pop(0)[1:]), before=place)))
        else:
            found.append(Swap(file, place, None))
    rest = [row for rows in new.values() for row in rows]
    return found + [Swap(0, None, New(row[0], message(*row[1:]), first=True)) for row in rest]


def _metas(placed: Placed, kind: int) -> Iterator[tuple[int, int, int]]:
    """(tick, track of the file, place) of the events of a kind."""
    for file, events in enumerate(placed.tracks):
        if events.table is not None:
            chosen = np.flatnonzero((events.table.status == 0xFF) & (events.table.kind == kind))
            for index in chosen.tolist():
                yield int(events.table.tick[index]), file, int(events.table.place[index])


def _of_others(score: Score, were: Others) -> list[Swap] | None:
    """Aftertouch of a key may have moved to another key; nothing else may have changed."""
    now = tuple(score.others)
    if len(now) != len(were):
        return None
    found: list[Swap] = []
    for ours, theirs, (file, place) in zip(now, were, were.places, strict=True):
        if ours == theirs or theirs.data[0] >> 4 == _OFF:  # what lets go of a note goes and comes with it
            continue
        if theirs.data[0] >> 4 != _AFTERTOUCH or replace(ours, data=theirs.data) != theirs:
            return None
        found.append(Swap(file, place, New(ours.time, ours.data, before=place)))
    return found
