"""The events of a track with long stretches of events of two data bytes, as most have them.

Between two bytes over 127 of a stretch stand data bytes and delta times of one byte, three for each event under running
status. So the number that remains of three says what the next byte over 127 is: after a status, none is left over where
another status comes, and two where a delta time of several bytes begins; within a delta time, one is left over where a
status comes, and none where the delta time goes on, or a later one begins. Events between stretches are read one by
one. Source: Standard MIDI Files 1.0, RP-001 (MIDI Association 1996).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int32]
# What remains of three: how it changes the state, which is 1 within a delta time and 0 after a status.
_STEP = np.array([0, -1, 1], np.int32)
# A product with this, shifted by 17 bits, is a third of a number under 2^16.
_THIRD = np.int32(43691)
# Bytes that are looked at together: with more, that product would not fit into 32 bits.
_SHORTEST, _LONGEST = 1 << 12, 1 << 14
_END_OF_TRACK = 0x2F
# Stretches, and events between them, that a track may have, and the bytes of it that allow one more; with more of
# them other ways are faster.
_MOST_STRETCHES, _BYTES_A_STRETCH = 8, 1 << 10
_MOST_BETWEEN, _BYTES_BETWEEN = 64, 1 << 6


def stretches(data: NDArray[np.uint8], size: int) -> Iterator[tuple[Places, Places, int]]:
    """Where delta times and events begin, (events,) each, and what follows them, up to the end-of-track.

    The last is empty where something is wrong, or where there are too many stretches.

    Args:
        data: the bytes of a track, with some zeros behind.
        size: how many there are without these.
    """
    at = between = count = 0
    length, is_running = _SHORTEST, False
    begins: list[int] = []
    places: list[int] = []
    while True:
        place = at
        while data[place] >= 0x80:
            place += 1
        place += 1
        status = int(data[place])
        if status < 0xC0 or status >> 4 == 0xE:
            if begins:
                yield np.array(begins, np.int32), np.array(places, np.int32), at
                begins, places = [], []
            count += 1
            if at >= size or (status < 0x80 and not is_running) or count > _MOST_STRETCHES + at // _BYTES_A_STRETCH:
                break
            begin, found, stop = _stretch(data[at : min(at + length, size)])
            if not stop:
                break
            yield begin + np.int32(at), found + np.int32(at), at + stop
            at, length, is_running = at + stop, min(2 * length, _LONGEST), True
            continue
        begins.append(at)
        places.append(place)
        between += 1
        at = _after(data, place, size)
        if at > size or place - begins[-1] > 4 or between > _MOST_BETWEEN + at // _BYTES_BETWEEN:
            break
        if status == 0xFF and data[place + 1] == _END_OF_TRACK:
            yield np.array(begins, np.int32), np.array(places, np.int32), at
            return
        length, is_running = _SHORTEST, is_running and status >= 0xF0
    yield np.zeros(0, np.int32), np.zeros(0, np.int32), at


def _after(data: NDArray[np.uint8], place: int, size: int) -> int:
    """The byte after an event of one data byte or of the system; one past the track for what is none."""
    status = data[place]
    if status < 0xF0:
        return place + 2
    if status not in (0xF0, 0xF7, 0xFF):
        return size + 1
    at, length = place + 1 + int(status == 0xFF), 0
    for byte in data[at : at + 4].tolist():
        length, at = length << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return int(at + length)
    return size + 1


def _stretch(data: NDArray[np.uint8]) -> tuple[Places, Places, int]:
    """A stretch from its first delta time on, up to the first event that is of another kind, wrong, or not whole.

    An event without a status, also the first, is taken for one with two data bytes.
    """
    high = np.append(np.int32(-1), np.flatnonzero(data >= 0x80).astype(np.int32))
    low = np.diff(high, append=np.int32(len(data))) - np.int32(1)  # bytes under 128 after each of them
    third = low * _THIRD >> 17
    left = low - 3 * third
    state = np.ones(len(high), np.int32)
    np.cumsum(_STEP[left[:-1]], out=state[1:])
    state[1:] += 1
    said = state == 0
    kinds = data[high]
    # Events of one data byte or of the system, data bytes over 127, and states that there are not.
    bad = said & (kinds >= 0xC0) & (kinds & 0xF0 != 0xE0)
    bad |= (state < 0) | (state > 1)
    bad[1:] |= said[:-1] & (low[:-1] < 2)
    if bad.any():
        whole = int(bad.argmax())
        high, third, left, said = high[:whole], third[:whole], left[:whole], said[:whole]
    counts = third + (said & (left == 2))
    first = np.cumsum(counts) - counts
    total = int(counts.sum())
    place = (np.repeat(high + (2 - said) - 3 * first, counts) + 3 * np.arange(total)).astype(np.int32)
    place[first[said & (counts > 0)]] -= 1
    begin = np.empty(total + 1, np.int32)
    begin[0] = 0
    np.add(place, 2, out=begin[1:])
    begin[1:] += data[place] >= 0x80
    return begin[:-1], place, int(begin[-1])
