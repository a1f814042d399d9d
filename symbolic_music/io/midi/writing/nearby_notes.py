"""Where the notes stand that sound near an edit, so that the first edit of a file need not parse all of it.

That suffices for files in which each track has one part, on a channel of its own (`Document.plain`): their notes were
read by symusic, which says nothing about places. The events of a track are found near the edit alone (`events_near`),
or from its beginning to shortly behind the edit (`first_events`), and those near it are paired again; where that gives
other notes than were read, nothing is known here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.chunks import Layout, layout
from symbolic_music.io.midi.reading.event_table import EventTable, first_events
from symbolic_music.io.midi.reading.near_events import Known, events_near
from symbolic_music.io.midi.source_file import Document
from symbolic_music.io.midi.writing.note_changes import Change
from symbolic_music.io.midi.writing.pairing_check import Ints, keys_of
from symbolic_music.score import Array, Track

_ON, _PROGRAM = 0x9, 0xC
# That are looked at one by one.
_MOST_NOTES = 2_000
_END_OF_TRACK = 0x2F


@dataclass(frozen=True, eq=False)
class Beginnings:
    """The tracks of a plain file, each as far as it was asked for."""

    document: Document
    tables: dict[int, EventTable]
    # The tick from which on a table has all events.
    since: dict[int, int]

    @cached_property
    def layout(self) -> Layout:
        """Where they are."""
        return layout(self.document.data, Counter())

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The first part of each track of the file, with the number of parts at the end."""
        return tuple(bisect_left(self.document.files, track) for track in range(len(self.layout.tracks) + 1))

    @cached_property
    def onsets(self) -> Ints:
        """Those of the notes that were read, in order."""
        onsets: Ints = self.document.tables[0]["onset"].astype(np.int64)
        return onsets

    @cached_property
    def ends(self) -> Ints:
        """Of each note."""
        ends: Ints = self.onsets + self.document.tables[0]["duration"]
        return ends

    def near(self, track: int, low: int, high: int) -> EventTable | None:
        """The events of a track of the score from one before a tick to one behind another, maybe with more of them."""
        file = self.document.files[track]
        known = self.tables.get(file)
        if known is None or not (self.since[file] <= low and _goes_past(known, high)):
            extent = self.layout.tracks[file]
            data = self.document.data[extent.start : extent.stop]
            known, self.since[file] = events_near(data, _known(self, track, low, high)), low
            if known is None:
                known, self.since[file] = first_events(data, high), 0
            if known is not None:
                self.tables[file] = known
        return known


@lru_cache(maxsize=4)
def beginnings(document: Document) -> Beginnings:
    """With the last few files kept: one that is edited again near the same place is not looked at again."""
    return Beginnings(document, {}, {})


@dataclass(frozen=True, eq=False)
class Nearby:
    """What `Placed` is for a whole file, for the notes near an edit: of these `rows`; places elsewhere are -1."""

    document: Document
    layout: Layout
    first: tuple[int, ...]
    notes: Ints
    rows: Ints
    tables: dict[int, EventTable]

    @property
    def parts(self) -> tuple[Track, ...]:
        """The tracks of the score that was read."""
        return self.document.tables[6]

    @property
    def table(self) -> Array:
        """The notes of the score that was read."""
        return self.document.tables[0]

    def sounding(self, first: int, last: int) -> Ints:
        """Those of the rows that sound between two ticks of the edit."""
        onset = self.table["onset"][self.rows].astype(np.int64)
        return np.asarray(self.rows[(onset <= last) & (onset + self.table["duration"][self.rows] >= first)])

    def events(self, file: int) -> EventTable | None:
        """The events of a track of the file, as far as they are known."""
        return self.tables.get(file)

    def sounds(self, rows: Ints) -> Ints:
        """The program in force at (tick, place in the file, voice, track of the file), (rows, 4); no bank is."""
        changes: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        programs: list[int] = []
        for tick, _, voice, file in rows.tolist():
            if (voice, file) not in changes:
                table = self.tables[file]
                said = (table.status == (_PROGRAM << 4 | voice)).nonzero()[0]
                changes[voice, file] = table.tick[said].tolist(), [0, *table.first[said].tolist()]
            ticks, chosen = changes[voice, file]
            programs.append(chosen[bisect_right(ticks, tick)])
        return np.array(programs, np.int64)


def nearby(document: Document, change: Change, new: Array) -> Nearby | None:
    """What is near a change of the notes of a plain file to these; None where not all of it can be found so."""
    old, parts = document.tables[0], document.tables[6]
    if not len(change.went) and not len(change.came):
        return None
    known = beginnings(document)
    onsets, ends = known.onsets, known.ends
    starts, stops = new["onset"][change.came], _ends(new, change.came)
    # Rows are in order of time.
    begin = min(column[0].item() for column in (onsets[change.went], starts) if len(column))
    end = max(column.max(initial=0).item() for column in (ends[change.went], stops))
    rows = (ends[: onsets.searchsorted(end, side="right")] >= begin).nonzero()[0]
    if len(rows) > min(len(old) // 2, _MOST_NOTES):
        return None  # then all of the file is as fast
    try:
        found = known.layout
    except MidiError:
        return None
    places = np.full((len(old), 3), -1)
    tables: dict[int, EventTable] = {}
    for track in sorted({*old["track"][change.went].tolist(), *new["track"][change.came].tolist()}):
        own, file = rows[old["track"][rows] == track], document.files[track]
        low, high = min([begin, *onsets[own[:1]].tolist()]), ends[own].max(initial=end).item()
        table = known.near(track, low, high)
        if table is None:
            return None
        # Those that are open at the first tick come first: which note off ends which depends on them.
        earlier = (ends[: onsets.searchsorted(low)] >= low).nonzero()[0]
        earlier = earlier[old["track"][earlier] == track]
        where = _found(table, (low, high), keys_of(parts, old, earlier), old[own], keys_of(parts, old, own), begin, end)
        if where is None:
            return None
        places[own, 0], places[own, 1:] = file, where
        tables[file] = table
    return Nearby(document, found, known.first, places, rows, tables)


def _goes_past(table: EventTable, tick: int) -> bool:
    return bool(table.tick[-1] > tick or table.kind[-1] == _END_OF_TRACK)


def _known(known: Beginnings, track: int, low: int, high: int) -> Known:
    """The events of a track of the score that were read: beginnings and ends of its notes, controllers and bends."""
    document = known.document
    _, _, _, _, controls, bends, parts, _ = document.tables
    columns = [known.onsets, known.ends, controls["time"], bends["time"]]
    if len(parts) > 1:
        of_notes = document.tables[0]["track"] == track
        masks = (of_notes, of_notes, controls["track"] == track, bends["track"] == track)
        columns = [column[mask] for column, mask in zip(columns, masks, strict=True)]
    onsets, ends, *others = map(np.ascontiguousarray, columns)
    early = ends < low
    count, before, up_to = len(ends), int(np.count_nonzero(early)), int(np.count_nonzero(ends <= high))
    latest = (ends * early).max(initial=0).item()
    for ticks in (onsets, *others):  # in order of time
        first, stop = ticks.searchsorted((low, high + 1)).tolist()
        count, before, up_to = count + len(ticks), before + first, up_to + stop
        latest = max(latest, ticks[first - 1].item()) if first else latest
    return Known(count, before, latest, up_to)


def _ends(notes: Array, rows: Ints) -> Ints:
    return np.asarray(notes["onset"][rows].astype(np.int64) + notes["duration"][rows])


def _found(
    table: EventTable, span: tuple[int, int], open_keys: Ints, notes: Array, keys: Ints, begin: int, end: int
) -> Ints | None:  # fmt: skip
    """Places of the events that begin and end these notes, (notes, 2); None where the track has others there.

    Args:
        table: the track.
        span: its first and last tick that are looked at.
        open_keys: of notes that are open before.
        notes: all that sound between the ticks `begin` and `end`, all of them within the span.
        keys: those of the notes.
    """
    first, stop = int(table.tick.searchsorted(span[0])), int(table.tick.searchsorted(span[1], side="right"))
    columns = (column[first:stop].tolist() for column in (table.tick, table.status, table.second, table.place))
    # Of each key those that no off has ended, as numbers of `begun`; -1 of those that are open before.
    waiting: dict[int, list[int]] = {}
    for key in open_keys.tolist():
        waiting.setdefault(key, []).append(-1)
    # (onset, key, velocity, place) of each note, and (duration, place of its end).
    begun: list[tuple[int, int, int, int]] = []
    ended: list[tuple[int, int]] = []
    of_keys: list[int] = table.note_keys(first, stop).tolist()
    for key, tick, status, velocity, place in zip(of_keys, *columns, strict=True):
        if key < 0:
            continue
        own = waiting.setdefault(key, [])
        if status >> 4 == _ON and velocity:
            own.append(len(begun))
            begun.append((tick, key, velocity, place))
            ended.append((-1, -1))
        elif own and (note := own.pop(0)) >= 0:
            ended[note] = (tick - begun[note][0], place)
    places: dict[tuple[int, int, int, int], list[tuple[int, int]]] = {}
    near = 0
    for (onset, key, velocity, on), (duration, off) in zip(begun, ended, strict=True):
        if onset <= end and (duration < 0 or onset + duration >= begin):
            places.setdefault((onset, duration, key, velocity), []).append((on, off))
            near += 1
    columns = (column.tolist() for column in (notes["onset"], notes["duration"], keys, notes["velocity"]))
    found = [left.pop(0) for row in zip(*columns, strict=True) if (left := places.get(row))]
    return np.array(found, np.int64).reshape(-1, 2) if len(found) == near == len(notes) else None
