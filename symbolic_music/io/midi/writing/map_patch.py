"""Tempos, meters, keys and events without a table that were changed, as changes of the events of a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symbolic_music.io.midi.other_events import Others
from symbolic_music.io.midi.source_file import Document
from symbolic_music.io.midi.tolerant_reader import Placed
from symbolic_music.io.midi.writing.chunk_patch import New
from symbolic_music.io.midi.writing.event_bytes import key_message, meter_message, tempo_message
from symbolic_music.io.midi.writing.event_changes import Place, Swap, coming
from symbolic_music.score import Array, Other, Score

_TEMPO, _METER, _KEY = 0x51, 0x58, 0x59
_OFF = 0x8
_METER_META = b"\xff\x58"


def swaps(score: Score, document: Document, placed: Placed) -> list[Swap] | None:
    """What became of the maps and of events without a table; None where the events of this file cannot say it."""
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
        swapped = _of_others(score, document.others, placed)
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


def _of_others(score: Score, were: Others, placed: Placed) -> list[Swap] | None:
    """Any may come and go, but for unknown chunks and clicks of the metronome."""
    went, came = Counter(were) - Counter(score.others), Counter(score.others) - Counter(were)
    if any(other.data[0] < _OFF << 4 or other.data[:2] == _METER_META for other in (*went, *came)):
        return None
    free: dict[tuple[object, ...], list[Place]] = defaultdict(list)
    for other, place in zip(were, were.places, strict=True):
        if went[other]:
            went[other] -= 1
            free[_same(other)].append(place)
    known, found = len(placed.score.tracks), []
    for other in came.elements():
        if other.data[0] >> 4 == _OFF:  # what lets go of a note goes and comes with it
            continue
        if other.track is not None and other.track >= known:
            return None
        left = free[_same(other)]
        at = left.pop(0) if left else None
        file = other.chunk if other.track is None else int(np.searchsorted(placed.first, other.track, side="right")) - 1
        if file >= len(placed.tracks):
            return None
        found.append(coming(file, at, other.time, other.data, placed))
    return found + [Swap(*place, None) for same, left in free.items() if same[1] != _OFF for place in left]


def _same(other: Other) -> tuple[object, ...]:
    """What an event that is in the place of another has in common with it."""
    status = other.data[0]
    kind: object = other.data[1] if status == 0xFF else 0
    return other.time, status >> 4, kind, other.track, other.chunk
