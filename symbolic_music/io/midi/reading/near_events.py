"""The events of a track near some ticks, where it is known how many it has before them.

Between its head and its end most tracks hold events of two data bytes alone. There bytes under 128 come in threes: the
last of a delta time, and the data; so counting finds where the n-th event stands. How many come before a tick, the
notes, controllers and bends that were read say, if they are as many as the track has.
Source: Standard MIDI Files 1.0, RP-001 (MIDI Association 1996).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.reading.event_iterator import Event, walk
from symbolic_music.io.midi.reading.event_table import EventTable, columns_of, deltas_of

_END_OF_TRACK = b"\xff\x2f\x00"
# Events up to the last of another kind that stands before the rest, and bytes of them.
_MOST_OF_HEAD, _BYTES_OF_HEAD = 64, 1 << 12
_LONGEST_DELTA = 4
# As many bytes are looked at together; as many events before a tick, and then further ones, for one with a status.
_FEW, _BACK = 256, 16


class Known(NamedTuple):
    """Events of two data bytes of a track: how many, those before a tick, and those up to another.

    `latest` is the tick of the last of those `before`, `up_to` counts those of the other tick too.
    """

    total: int
    before: int
    latest: int
    up_to: int


class Rows(NamedTuple):
    """Where the delta times of events and they themselves begin, (events,) each, and the byte after the last."""

    begin: NDArray[np.int32]
    place: NDArray[np.int32]
    end: int


def events_near(data: bytes, known: Known) -> EventTable | None:
    """The events of a track from one before a tick to one after another, and those of its head.

    What stands between the two is left out: `stop` of the event before the gap is the end of the gap.

    Args:
        data: the bytes of the track, up to its end-of-track.
        known: of its events, and the two ticks.

    Returns:
        None where it has other events behind its head, or where something is wrong near those ticks.
    """
    size = len(data) - len(_END_OF_TRACK)
    body = np.frombuffer(data, np.uint8)
    head = _head(data, body[: max(0, size)])
    if head is None or data[size:] != _END_OF_TRACK:
        return None
    at = head[-1].stop
    rest = _Rest(body[at:size] < 0x80)
    of_head = sum(event.status < 0xC0 or event.status >> 4 == 0xE for event in head)
    if not rest.is_whole or rest.count + of_head != known.total:
        return None
    before, after = max(0, known.before - of_head), max(0, known.up_to - of_head)
    first, back = max(0, before - _BACK), _BACK
    while True:  # back to an event with a status of its own
        found = rest.rows(first, after)
        if found is None:
            return None
        own = (body[at + found.place[: before - first]] >= 0x80).nonzero()[0]
        if len(own) or not first:
            break
        first, back = max(0, first - back), 2 * back
    nearest = int(own[-1]) if len(own) else 0
    first, begin, place = first + nearest, found.begin[nearest:] + at, found.place[nearest:] + at
    if (place - begin).max() > _LONGEST_DELTA:
        return None
    delta = deltas_of(body, begin, place)
    of_events = np.array([(0, 0, 0), *((event.delta, event.place, event.tick) for event in head)])
    if first:
        delta[0] = known.latest - head[-1].tick - int(delta[1 : before - first].sum())
    table = columns_of(
        body,
        np.concatenate([of_events[1:, 0], begin], dtype=np.int32),
        np.concatenate([of_events[1:, 1], place], dtype=np.int32),
        np.concatenate([of_events[1:, 2] - of_events[:-1, 2], delta]),
        found.end + at if after < rest.count else len(data),
    )
    if table is None or (before and table.tick[len(head) + before - first - 1] != known.latest):
        return None
    ends = table.has_offs or ((table.status >> 4 == 9) & (table.second == 0)).any()
    return table if ends or not rest.has_offs(body[at:size]) else None


def _head(data: bytes, body: NDArray[np.uint8]) -> list[Event] | None:
    """The first event, and all up to the last that is of the system or has one data byte; None where these are many."""
    special = (body >= 0xC0).nonzero()[0]
    special = special[body[special] & 0xF0 != 0xE0]
    early = int(special.searchsorted(_BYTES_OF_HEAD))
    last, head = int(special[early - 1]) if early else -1, list[Event]()
    try:
        for event in walk(data):
            head.append(event)
            if event.stop > last:
                return head if _in_delta_times(body, event.stop, special[early:]) else None
            if len(head) == _MOST_OF_HEAD:
                return None
    except MidiError:
        return None
    return None


def _in_delta_times(body: NDArray[np.uint8], begin: int, places: NDArray[np.int64]) -> bool:
    """Whether these bytes belong to long delta times, from an event of two data bytes on: whole threes lie between."""
    if len(places) > _MOST_OF_HEAD:
        return False
    for place in places.tolist():
        if np.count_nonzero(body[begin:place] < 0x80) % 3:
            return False
        begin = place
    return True


class _Rest:
    """The events behind the head. `under`: whether each byte up to the status of the end-of-track is under 128."""

    def __init__(self, under: NDArray[np.bool_]) -> None:
        self._under = under
        count, rest = divmod(int(np.count_nonzero(under)), 3)
        # One is left: the last of the delta time of the end-of-track.
        self.is_whole = count > 0 and rest == 1
        self.count = count

    def rows(self, first: int, last: int) -> Rows | None:
        """These events, the end-of-track for one too many; None where one takes more bytes than it can."""
        begin = self._place(3 * first - 1) + 1 if first else 0
        few = min(3 * last + 3, 3 * self.count + 1) - 3 * first
        under = self._under[begin : begin + 3 * few].nonzero()[0][:few] + begin
        if len(under) < few:
            return None
        places = (under[::3] + 1).astype(np.int32)
        begins = np.empty_like(places)
        begins[0], begins[1:] = begin, under[2:-1:3] + 1
        return Rows(begins, places, int(under[-1]) + 1)

    def _place(self, number: int) -> int:
        """The byte that is the one of this number, from 0, under 128."""
        first, stop = 0, len(self._under)
        while stop - first > _FEW:
            middle = (first + stop) // 2
            count = int(np.count_nonzero(self._under[first:middle]))
            if count > number:
                stop = middle
            else:
                first, number = middle, number - count
        return first + int(self._under[first:stop].nonzero()[0][number])

    def has_offs(self, body: NDArray[np.uint8]) -> bool:
        """Whether any note ends by a note off."""
        firsts = np.flatnonzero(self._under)[1::3]
        return bool(((body[firsts - 1] >> 4) == 8).any())
