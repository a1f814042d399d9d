"""The events of a sound track, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from symbolic_music.errors import MidiError

# The meta event that ends a track.
_END = 0x2F


class Event(NamedTuple):
    """An event: its tick, where its delta time, itself and what follows begin, and the status in force."""

    tick: int
    delta: int
    place: int
    stop: int
    status: int


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
