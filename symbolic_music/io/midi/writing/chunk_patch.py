"""Patch one track of a MIDI file: remove and insert notes, keep all other bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.reading.event_table import EventTable

_LONGEST_DELTA = (1 << 28) - 1


class New(NamedTuple):
    """Events to be put in at a tick: before all others, after all others, or right before the event at a place."""

    tick: int
    data: bytes
    first: bool = False
    before: int | None = None


def insertions(table: EventTable, added: Sequence[New]) -> dict[int, list[New]]:
    """Which events come before each row of a track, in their order."""
    last = len(table) - 1  # everything comes before the end-of-track
    free = [new for new in added if new.before is None]
    # In order of time; of one tick those that come first before those that come last.
    free.sort(key=_turn)
    ticks = np.array([new.tick for new in free], np.int64)
    left, right = (table.tick.searchsorted(ticks, side=side).tolist() for side in ("left", "right"))
    found: dict[int, list[New]] = {}
    for new, before, after in zip(free, left, right, strict=True):
        found.setdefault(min(before if new.first else after, last), []).append(new)
    standing = [(new, new.before) for new in added if new.before is not None]
    for (new, _), row in zip(standing, table.rows([place for _, place in standing]).tolist(), strict=True):
        found.setdefault(row, []).append(new)
    return found


def _turn(new: New) -> tuple[int, bool]:
    return new.tick, not new.first


def patched_chunk(
    data: bytes | memoryview, table: EventTable, gone: Iterable[int], coming: Mapping[int, Sequence[New]]
) -> bytearray:
    """The bytes of a track (without its header) after a change of some events.

    Args:
        data: as it was.
        table: its events.
        gone: rows of the events that go.
        coming: what comes, as `insertions` has it.

    Raises:
        MidiError: when a silence would be longer than a delta time can say.
    """
    out = _Out(data, table)
    gone, at = set(gone), 0
    for index in sorted(coming.keys() | gone):
        if at < index:
            out.keep(at, index)
        for new in coming.get(index, ()):
            out.put(new)
        at = index + (index in gone)
    if at < len(table):
        out.keep(at, len(table))
    out.data += data[table.end :]
    return out.data


def changes_port(data: bytes | memoryview, table: EventTable) -> bool:
    """Whether channel events of a track (without its header) go to several ports, one after the other."""
    metas = table.ports
    if not metas:
        return False
    begun = int(np.argmax(table.status < 0xF0))
    ports = [(row, data[int(table.stop[row]) - 1]) for row in metas]
    before = [port for row, port in ports if row < begun][-1:] or [0]
    return any(row > begun and port != before[0] for row, port in ports)


class _Out:
    """Bytes of a track as they are written."""

    def __init__(self, data: bytes | memoryview, table: EventTable) -> None:
        self.data = bytearray()
        self._was, self._table = data, table
        self._tick = self._status = 0
        self._fresh = False  # whether the last event was a channel event, whose status goes on
        self._kept_to = 0

    def _delta(self, tick: int) -> bytes:
        delta = tick - self._tick
        if delta <= 0:
            return b"\x00"
        if delta > _LONGEST_DELTA:
            raise MidiError("a silence is longer than the largest delta time")
        self._tick = tick
        return variable_length(delta)

    def put(self, new: New) -> None:
        """Write a new event, with running status where the file has it."""
        self.data += self._delta(new.tick)
        self._kept_to = -1
        status = new.data[0]
        if status >= 0xF0:
            self.data += new.data
            self._fresh = False
            return
        self.data += new.data[1:] if self._table.is_running and self._fresh and status == self._status else new.data
        self._status, self._fresh = status, True

    def keep(self, first: int, stop: int) -> None:
        """Write the events of these rows, which stay: the delta time of the first as it was if it still is."""
        table, data = self._table, self._was
        begin, place = int(table.begin[first]), int(table.place[first])
        was, delta = data[begin:place], self._delta(int(table.tick[first]))
        self.data += was if _number(was) == _number(delta) else delta
        at = place
        if begin != self._kept_to:
            # What has no status of its own, maybe after meta events, would have that of what comes or went before it.
            row = first
            while row < stop and table.status[row] >= 0xF0:
                row += 1
            if row < stop:
                status, at = int(table.status[row]), int(table.place[row])
                self.data += data[place:at]
                if data[at] < 0x80 and (row > first or status != self._status or not self._fresh):
                    self.data.append(status)
        self._kept_to = int(table.stop[stop - 1])
        self.data += data[at : self._kept_to]
        self._tick = max(self._tick, int(table.tick[stop - 1]))
        self._status = int(table.status[stop - 1])
        self._fresh = self._status < 0xF0


def _number(delta: bytes | memoryview) -> int:
    value = 0
    for byte in delta:
        value = value << 7 | byte & 0x7F
    return value


def variable_length(number: int) -> bytes:
    """A number as MIDI writes lengths and delta times, in as few bytes as it can."""
    if number < 0x80:
        return bytes((number,))
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))
