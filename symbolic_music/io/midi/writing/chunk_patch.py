"""Patch one track of a MIDI file: remove and insert notes, keep all other bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symbolic_music.errors import MidiError

_END = 0x2F
_LONGEST_DELTA = (1 << 28) - 1


class Event(NamedTuple):
    """An event: its tick, where its delta time, itself and what follows begin, and the status in force."""

    tick: int
    delta: int
    place: int
    stop: int
    status: int


@dataclass(frozen=True)
class New:
    """Events to be put in at a tick: before all others, after all others, or right before the event at a place."""

    tick: int
    data: bytes
    first: bool = False
    before: int | None = None


def walk(data: bytes) -> Iterator[Event]:
    """The events of a track whose bytes are in order; MidiError where they are not."""
    at = tick = status = 0
    try:
        while at < len(data):
            begin, delta = at, 0
            while True:
                byte = data[at]
                at += 1
                delta = delta << 7 | byte & 0x7F
                if byte < 0x80:
                    break
            tick += delta
            place = at
            kind = data[at]
            if kind >= 0xF0:
                at += 2 if kind == 0xFF else 1
                length = 0
                while True:
                    byte = data[at]
                    at += 1
                    length = length << 7 | byte & 0x7F
                    if byte < 0x80:
                        break
                at += length
                if kind not in (0xF0, 0xF7, 0xFF) or at > len(data):
                    raise MidiError("a track has stray bytes")
            else:
                if kind >= 0x80:
                    status = kind
                    at += 1
                kind = status
                body = data[at : at + (1 if status >> 4 in (0xC, 0xD) else 2)]
                at += len(body)
                if not status or at >= len(data) or max(body) >= 0x80:
                    raise MidiError("a track has stray bytes")
            yield Event(tick, begin, place, at, kind)
            if kind == 0xFF and data[place + 1] == _END:
                return
    except IndexError:
        raise MidiError("a track ends inside an event") from None


def patched_chunk(data: bytes, removed: set[int], added: Sequence[New]) -> bytes:
    """The bytes of a track (without its header) after a change of some events.

    Args:
        data: as it was.
        removed: places of the events that go.
        added: three-byte channel events that come, and others, in their order.

    Raises:
        MidiError: when the track is damaged.
    """
    events = list(walk(data))
    running = any(event.status < 0xF0 and data[event.place] < 0x80 for event in events)
    before: dict[int, list[New]] = {}
    first = sorted((new for new in added if new.first), key=lambda new: new.tick)
    last = sorted((new for new in added if not new.first and new.before is None), key=lambda new: new.tick)
    for new in added:
        if new.before is not None:
            before.setdefault(new.before, []).append(new)
    out = _Out(running)
    put_first = put_last = 0
    for event in events:
        is_end = event.status == 0xFF and data[event.place + 1] == _END
        while True:  # what comes before this event, in order of time
            a = first[put_first].tick if put_first < len(first) else None
            b = last[put_last].tick if put_last < len(last) else None
            if b is not None and (is_end or b < event.tick) and (a is None or b < a):
                out.put(last[put_last])
                put_last += 1
            elif a is not None and (is_end or a <= event.tick):
                out.put(first[put_first])
                put_first += 1
            else:
                break
        for new in before.pop(event.place, ()):
            out.put(new)
        if event.place not in removed:
            out.keep(data, event)
    if before or put_last < len(last) or put_first < len(first):
        raise MidiError("a track has no end")
    return bytes(out.data) + data[events[-1].stop :]


class _Out:
    """Bytes of a track as they are written."""

    def __init__(self, running: bool) -> None:
        self.data = bytearray()
        self._tick = self._status = 0
        self._running = running
        self._fresh = False  # whether the last event was a channel event, whose status goes on
        self._kept_to = 0

    def _delta(self, tick: int) -> bytes:
        delta = max(0, tick - self._tick)
        if delta > _LONGEST_DELTA:
            raise MidiError("a silence is longer than the largest delta time")
        self._tick = max(tick, self._tick)
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
        self.data += new.data[1:] if self._running and self._fresh and status == self._status else new.data
        self._status, self._fresh = status, True

    def keep(self, data: bytes, event: Event) -> None:
        """Write an event that stays: its delta time as it was if it still is."""
        was = data[event.delta : event.place]
        delta = self._delta(event.tick)
        self.data += was if _number(was) == _number(delta) else delta
        body = data[event.place : event.stop]
        if event.status < 0xF0:
            follows = event.delta == self._kept_to
            if body[0] < 0x80 and not follows and (event.status != self._status or not self._fresh):
                self.data.append(event.status)
            self._status, self._fresh = event.status, True
        else:
            self._fresh = False
        self.data += body
        self._kept_to = event.stop


def _number(delta: bytes) -> int:
    value = 0
    for byte in delta:
        value = value << 7 | byte & 0x7F
    return value


def variable_length(number: int) -> bytes:
    """A number as MIDI writes lengths and delta times, in as few bytes as it can."""
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))
