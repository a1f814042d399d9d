"""Read one track of a Standard MIDI File, event by event, with any damage.

Nothing here raises: what cannot be understood is stepped over and counted. Work and memory are linear in the bytes.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.event_table import MAX_TICK
from symbolic_music.io.midi.reading.meta_events import Metas

# In a damaged track a longer delta time than that (546 quarters of 480 ticks) is data misread, not a silence.
_MAX_DAMAGED_DELTA = 1 << 18
_END = 0x2F
# Data bytes of system messages that do not belong into files.
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_TOGETHER = 8192
# (time, place, voice, status >> 4, first data byte, second)
Row = tuple[int, int, int, int, int, int]


def rows_of_damaged(data: bytes, stop: int, metas: Metas, problems: Counter[str]) -> NDArray[np.int64]:
    """The channel events of a track, but for aftertouch, (events, 6), each as `Row` says.

    Args:
        data: its bytes up to the last that it could have; a good track ends before them with an end-of-track.
        stop: where its declared length ends.
        metas: to which its meta events are added.
        problems: what was wrong is counted here.
    """
    rows = _Rows()
    try:
        end = _read(data, rows, metas, problems)
    except IndexError:
        problems["track ends inside an event"] += 1
    else:
        if end is None:
            problems["no end-of-track"] += 1
        elif end < stop:
            problems["bytes after end-of-track left out"] += 1
    return rows.table()


class _Rows:
    """Rows that come one by one, kept as numbers: as objects they take many times the memory."""

    def __init__(self) -> None:
        self._done: list[NDArray[np.int64]] = [np.zeros((0, 6), np.int64)]
        self._latest: list[Row] = []

    def append(self, row: Row) -> None:
        """Take one more."""
        self._latest.append(row)
        if len(self._latest) == _TOGETHER:
            self._done.append(np.array(self._latest, np.int64))
            self._latest = []

    def table(self) -> NDArray[np.int64]:
        """All of them."""
        return np.concatenate([*self._done, np.array(self._latest, np.int64).reshape(-1, 6)])


def _read(data: bytes, rows: _Rows, metas: Metas, problems: Counter[str]) -> int | None:
    """Read up to the end-of-track; its position, or None when there is none. IndexError inside a cut event."""
    at = time = status = 0
    damaged = False
    port = 0
    size = len(data)
    while at < size:
        byte = data[at]
        at += 1
        delta = byte & 0x7F
        if byte & 0x80:
            first = at
            while byte & 0x80:
                byte = data[at]
                at += 1
                delta = min(delta << 7 | byte & 0x7F, MAX_TICK + 1)
            if at - first > 3:
                problems["delta time of more than four bytes"] += 1
        time += delta
        if time > MAX_TICK or (damaged and delta > _MAX_DAMAGED_DELTA):
            problems["track cut at an impossible time"] += 1
            return size
        byte = data[at]
        here = at
        if byte >= 0x80:
            at += 1
            if byte < 0xF0:
                status = byte
            else:
                if byte == 0xFF and data[at] == _END:
                    return at + 2
                at = _system(data, at, byte, time, metas, problems)
                port = metas.port << 4
                continue
        elif not status:
            problems["data bytes without a status left out"] += 1
            damaged = True
            while data[at] < 0x80:
                at += 1
            status = data[at] if data[at] < 0xF0 else 0
            at += status != 0
            if not status:
                continue
        kind, voice = status >> 4, port | status & 15
        first = data[at]
        if kind in (0xC, 0xD):
            at += 1
            if kind == 0xC:
                if first < 0x80:
                    rows.append((time, here, voice, kind, first, 0))
                else:
                    problems["program over 127 left out"] += 1
            continue
        second = data[at + 1]
        at += 2
        if kind == 0xA:
            continue
        if (first | second) & 0x80:
            damaged = True
            if first & 0x80 and kind != 0xE:
                problems["pitch or controller number over 127 left out"] += 1
                continue
            problems["data byte over 127 set to 127"] += 1
            first, second = min(first, 127), min(second, 127)
        rows.append((time, here, voice, kind, first, second))
    return None


def _system(data: bytes, at: int, status: int, time: int, metas: Metas, problems: Counter[str]) -> int:
    """Read a meta, exclusive or stray system event; the position after it."""
    if status not in (0xFF, 0xF0, 0xF7):
        problems["system message that does not belong into a file left out"] += 1
        return at + _SYSTEM_LENGTHS.get(status, 0)
    kind, here = -1, at - 1
    if status == 0xFF:
        kind = data[at]
        at += 1
    length, begin = 0, at
    for _ in range(4):
        byte = data[begin]
        begin += 1
        length = length << 7 | byte & 0x7F
        if byte < 0x80:
            break
    end = begin + length
    if end > len(data):
        # An exclusive message written as it goes over the wire, without a length, ends with F7.
        closing = data.find(b"\xf7", at) if status == 0xF0 else -1
        if closing < 0:
            raise IndexError
        problems["exclusive message without a length"] += 1
        return closing + 1
    if status == 0xFF:
        metas.take(kind, data[begin:end], time, here, problems)
    return end
