"""The events of a good track of a Standard MIDI File as columns, found all at once.

Where an event ends depends on where it begins, and, under running status, on the event before. So for every byte it is
worked out where the next event would begin if one began there; sixteen such steps are one look-up, and the chain from
the first byte is walked in these. Source: Standard MIDI Files 1.0, RP-001 (MIDI Association 1996).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.stretches import Places, stretches

Ints = NDArray[np.int64]
# Leaves room for a duration in 32 bits.
MAX_TICK = 1 << 30
_PORT, _END_OF_TRACK = 0x21, 0x2F
# Zero bytes after the last, so that looking a little further is allowed.
_AFTER = 8
_JUMPS = 4  # of twice the length each: 16 events
# Bytes that are walked at once: tables of the walk take some thirty bytes a byte.
_WINDOW = 1 << 18


@dataclass(frozen=True)
class EventTable:
    """Events in their order, one a row, the end-of-track last: all columns (events,).

    `tick`; `begin`, `place` and `stop`: where its delta time, itself and what follows begin; `status` in force, and for
    channel events the `first` and `second` data byte (0 where there is none); `kind` of a meta event, else 0.
    `is_running`: whether any has its status from the event before it.
    """

    tick: Ints
    begin: Places
    place: Places
    stop: Places
    status: NDArray[np.uint8]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    is_running: bool

    def __len__(self) -> int:
        """How many there are."""
        return len(self.tick)

    def rows(self, places: Sequence[int] | Ints) -> Ints:
        """The rows of the events at these places."""
        # As narrow as the column, all of which NumPy would widen otherwise.
        return self.place.searchsorted(np.asarray(places, np.int32))

    def note_keys(self, first: int, stop: int) -> NDArray[np.int16]:
        """Channel << 7 | pitch of each note on or off among these rows, -1 of all else."""
        status = self.status[first:stop]
        key = (status & 15).astype(np.int16) << 7 | self.first[first:stop]
        return np.where(status >> 4 <= 9, key, np.int16(-1))

    @cached_property
    def has_offs(self) -> bool:
        """Whether any note ends by a note off, and not by a note on of velocity 0."""
        return bool((self.status >> 4 == 8).any())

    @cached_property
    def ports(self) -> list[int]:
        """The rows that say a port."""
        return np.flatnonzero(self.kind == _PORT).tolist()

    @property
    def end(self) -> int:
        """The byte after the end-of-track."""
        return int(self.stop[-1])


def event_table(data: bytes) -> EventTable | None:
    """The events of a track up to its end-of-track.

    None where something is wrong with it: no end-of-track, a data byte over 127 or without a status, a system message
    that does not belong into a file, a time of more than four bytes or past 2^30 ticks.
    """
    padded = _padded(data)
    table = _table(padded, len(data), 1)
    if table is None:  # running status of programs or of a channel's aftertouch, or not a good track
        table = _table(padded, len(data), 2)
    return table


def first_events(data: bytes, tick: int) -> EventTable | None:
    """The events of a track from the first on, up to some channel event after this tick, or all of them.

    None where something is wrong, or where events of many kinds stand among those of two data bytes.
    """
    padded = _padded(data)
    columns: list[tuple[Places, Places, Ints]] = []
    now = stop = 0
    for begin, place, end in stretches(padded, len(data)):
        if not len(begin):
            return None
        delta = deltas_of(padded, begin, place)
        columns.append((begin, place, delta))
        now, stop = now + int(delta.sum()), end
        if now > tick and padded[place[-1]] < 0xF0:
            break
    begin, place, delta = (np.concatenate(of) for of in zip(*columns, strict=True))
    return columns_of(padded, begin, place, delta, stop)


# By status: bytes of a channel event after its delta time; of one without a status, those of its class.
_LENGTHS = np.array([0] * 128 + [3] * 64 + [2] * 32 + [3] * 16 + [0] * 16, np.int32)
# The class of an event: 1 where it has one data byte alone.
_CLASS = np.array([0] * 192 + [1] * 32 + [0] * 32, np.int32)


def _table(data: NDArray[np.uint8], size: int, classes: int) -> EventTable | None:
    """`classes`: 1 if every event under running status is taken to have two data bytes."""
    found = _walked(data, size, classes)
    if found is None or not len(found[0]):
        return None
    begin, place = found
    end = int(place[-1]) + 3
    if end > size or data[end - 1]:
        return None
    table = columns_of(data, begin, place, deltas_of(data, begin, place), end)
    if table is not None and classes == 1 and (((table.status & 0xE0) == 0xC0) & (data[place] < 0x80)).any():
        return None
    return table


def columns_of(data: NDArray[np.uint8], begin: Places, place: Places, delta: Ints, end: int) -> EventTable | None:
    """The table of events that begin with these delta times and stand there; `end`: the byte after the last."""
    stop = np.empty_like(begin)
    stop[:-1], stop[-1] = begin[1:], end
    raw = data[place]
    running = raw < 0x80
    saying = np.arange(1, len(raw) + 1, dtype=np.int32)
    saying *= (raw >= 0x80) & (raw < 0xF0)
    latest = np.maximum.accumulate(saying)
    if (running & (latest == 0)).any():
        return None
    status = np.where(running, raw[latest - 1], raw)
    at = place + ~running
    first, second = data[at], data[at + 1]
    channel = status < 0xF0
    second *= (status & 0xE0) != 0xC0
    if (((first | second) >= 0x80) & channel).any():
        return None
    tick = np.cumsum(delta)
    if tick[-1] > MAX_TICK:
        return None
    columns = (first * channel, second * channel, first * (raw == 0xFF))
    return EventTable(tick, begin, place, stop, status, *columns, is_running=bool(running.any()))


def events_in(data: bytes) -> int | None:
    """How many events a track has up to its end-of-track, in constant memory; None where it is no good track."""
    for classes in (1, 2):
        found = _windows(_padded(data), len(data), classes)
        count = 0
        for begin, _ in found:
            count += len(begin)
            if not len(begin):
                break
        else:
            return count
    return None


def _padded(data: bytes) -> NDArray[np.uint8]:
    padded = np.zeros(len(data) + _AFTER, np.uint8)
    padded[:-_AFTER] = np.frombuffer(data, np.uint8)
    return padded


def _walked(data: NDArray[np.uint8], size: int, classes: int) -> tuple[Places, Places] | None:
    """Where the delta time of each event and the event itself begin, up to the end-of-track; None if one is wrong."""
    parts = list(_windows(data, size, classes))
    if not len(parts[-1][0]):
        return None
    if len(parts) == 1:
        return parts[0]
    begin, place = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return begin, place


def _windows(data: NDArray[np.uint8], size: int, classes: int) -> Iterator[tuple[Places, Places]]:
    """The events window by window; the last is empty where an event before the end-of-track is wrong."""
    at = state = 0
    while True:
        own = min(_WINDOW, size - at)
        window = data[at : at + own + _AFTER]
        if at + own < size:  # what the last event would look at is no part of the window
            window = np.append(window[:own], np.zeros(_AFTER, np.uint8))
        place = _places(window, own)
        begin, following, ended = _chain(_following(window, own, place, classes), own, state)
        if ended:
            yield begin + np.int32(at), place[begin] + np.int32(at)
            return
        if len(begin):
            yield begin + np.int32(at), place[begin] + np.int32(at)
            at, state = at + following[1], following[0]
            continue
        long = _long_event(data, size, at) if at + own < size else None
        yield (begin, begin) if long is None else (np.array([at], np.int32), np.array([long[0]], np.int32))
        if long is None:
            return
        at = long[1]


def _long_event(data: NDArray[np.uint8], size: int, at: int) -> tuple[int, int] | None:
    """Where the system event behind the delta time at this byte begins, and where it ends; None for anything else."""
    place = at + 1
    while data[place - 1] >= 0x80:
        place += 1
    if place - at > 4 or data[place] not in (0xF0, 0xF7, 0xFF):
        return None
    begin = place + 1 + int(data[place] == 0xFF)
    length = 0
    for byte in data[begin : begin + 4].tolist():
        length, begin = length << 7 | byte & 0x7F, begin + 1
        if byte < 0x80:
            return (place, begin + length) if begin + length < size else None
    return None


def _places(data: NDArray[np.uint8], size: int) -> Places:
    """For each byte at which a delta time could begin where its event is; past the end for one of five bytes."""
    more = (data >= 0x80).view(np.uint8)
    two = more[: size + 3] & more[1 : size + 4]
    three = two[: size + 1] & more[2 : size + 3]
    four = three & more[3 : size + 4]
    place: Places = np.arange(1, size + 2, dtype=np.int32)
    place += more[: size + 1]
    place += two[: size + 1]
    place += three
    place[four.view(bool)] = size
    return np.minimum(place, size, out=place)


def _following(data: NDArray[np.uint8], size: int, place: Places, classes: int) -> Places:
    """For each state (class * (size + 2) + byte at which a delta time begins) the next.

    The last two of the first class stand for themselves: size, the end-of-track was met, and size + 1, something wrong.
    """
    system = np.flatnonzero(data[:size] >= 0xF0)
    ends, closing = _system_ends(data, size, system)
    span = size + 2
    tables: list[Places] = []
    bytes_ = data[:size]
    for own in range(classes):
        lengths = _LENGTHS.copy()
        lengths[:128] = 2 - own
        stop = lengths[bytes_]
        stop += np.arange(size, dtype=np.int32)
        stop[system] = ends
        wrong = stop >= size
        if classes == 2:
            kinds = _CLASS.copy()
            kinds[:128] = kinds[0xF0:] = own
            stop += kinds[bytes_] * span
        stop[wrong] = size + 1
        stop[closing] = size
        # An event at the end of the data is none.
        after = np.append(stop, np.int32(size + 1))
        tables.append(np.append(after[place], np.int32(size + 1)))
        tables[-1][size:] = (size, size + 1)
    return np.concatenate(tables) if classes == 2 else tables[0]


def _system_ends(data: NDArray[np.uint8], size: int, at: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where these system events would end, past the data for what is none; and those that end the track."""
    status = data[at]
    here = at + 1 + (status == 0xFF)
    length = np.zeros(len(at), np.int64)
    going = np.ones(len(at), bool)
    for _ in range(4):
        byte = data[np.minimum(here, size)]
        length = np.where(going, length << 7 | byte & 0x7F, length)
        here = here + going
        going &= byte >= 0x80
    ends = np.minimum(here + length, size)
    ends[going | ~np.isin(status, (0xF0, 0xF7, 0xFF))] = size
    return ends, at[(status == 0xFF) & (data[at + 1] == _END_OF_TRACK)]


def _chain(following: Places, size: int, first: int) -> tuple[Places, tuple[int, int], bool]:
    """The states from the first of a class on, as bytes of the window.

    Returns:
        Those of whole events; class and byte of the event that follows them, if any does; whether they end the track.
    """
    span = size + 2
    steps = [following]
    for _ in range(_JUMPS):
        steps.append(steps[-1].take(steps[-1]))
    far = steps[-1].data
    state, found = first * span, []
    while state != size and state != size + 1:
        found.append(state)
        state = far[state]
    states = np.array(found, np.int32)
    for step in reversed(steps[:-1]):
        both = np.empty(2 * len(states), np.int32)
        both[::2], both[1::2] = states, step[states]
        states = both
    ended = state == size
    states = states[: np.searchsorted((states == size) | (states == size + 1), True)]
    if not ended:
        states, following_state = states[:-1], int(states[-1])
    else:
        following_state = 0
    own, byte = divmod(following_state, span)
    return (np.where(states > size, states - span, states) if len(following) > span else states), (own, byte), ended


def deltas_of(data: NDArray[np.uint8], begin: Places, place: Places) -> Ints:
    """The delta time of each event."""
    width = place - begin
    delta = (data[begin] & 0x7F).astype(np.int64)
    for more in range(1, int(width.max())):
        wide = width > more
        delta[wide] = delta[wide] << 7 | data[begin[wide] + more] & 0x7F
    return delta
