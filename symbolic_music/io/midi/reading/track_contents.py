"""What one track of a MIDI file holds, as columns: notes paired from their ons and offs, state of channels, words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.damaged_track import rows_of_damaged
from symbolic_music.io.midi.reading.event_table import EventTable, event_table
from symbolic_music.io.midi.reading.meta_events import Metas

Ints = NDArray[np.int64]
_OFF, _ON, _AFTERTOUCH, _CONTROL, _PROGRAM, _PRESSURE, _BEND = range(0x8, 0xF)
_PORT = 0x21
_LYRICS_CHANNEL = 15


def _none(width: int = 0) -> Ints:
    return np.zeros((0, width) if width else 0, np.int64)


@dataclass
class Events:
    """Each event with its tick and its place: the byte of the track at which it stands.

    `voices` are port << 4 | channel; `own` is the program that this track itself has chosen for the channel by then.
    """

    metas: Metas = field(default_factory=Metas)
    # Columns of the notes (notes,); a duration of -1: never ended.
    onsets: Ints = field(default_factory=_none)
    durations: Ints = field(default_factory=_none)
    pitches: Ints = field(default_factory=_none)
    velocities: Ints = field(default_factory=_none)
    voices: Ints = field(default_factory=_none)
    own: Ints = field(default_factory=_none)
    # Places of the events that begin and end each note; -1 where nothing ends it.
    begun: Ints = field(default_factory=_none)
    ended: Ints = field(default_factory=_none)
    # (time, place, voice, pitch) of every note off, also of one that ends nothing
    offs: Ints = field(default_factory=lambda: _none(4))
    # (time, place, voice, program), (time, place, voice, own, number, value) and (time, place, voice, own, value)
    changes: Ints = field(default_factory=lambda: _none(4))
    controls: Ints = field(default_factory=lambda: _none(6))
    bends: Ints = field(default_factory=lambda: _none(5))
    # Place of each of the lyrics, and this track's program of the sixteenth channel there, for `published_readers`.
    sung: list[tuple[int, int]] = field(default_factory=list)
    # The track as it stands; None where it is damaged.
    table: EventTable | None = None


def track_events(data: bytes, stop: int, problems: Counter[str]) -> Events:
    """The events of a track.

    Args:
        data: its bytes up to the last that it could have; a good track ends before them with an end-of-track.
        stop: where its declared length ends.
        problems: what was wrong is counted here.
    """
    metas = Metas()
    table = event_table(data)
    if table is None:
        rows = rows_of_damaged(data, stop, metas, problems)
    else:
        if table.end < stop:
            problems["bytes after end-of-track left out"] += 1
        rows = _rows(data, table, metas, problems)
    events = _events(rows, metas, table)
    hanging = int((events.durations < 0).sum())
    if hanging:
        problems["note never ended: lasts 250 ms"] += hanging
    return events


def _rows(data: bytes, table: EventTable, metas: Metas, problems: Counter[str]) -> Ints:
    """The channel events of a good track, but for aftertouch, as `rows_of_damaged` has them."""
    port = np.zeros(len(table), np.int64)
    for index in np.flatnonzero(table.status == 0xFF).tolist()[:-1]:
        place, stop = int(table.place[index]), int(table.stop[index])
        kind, begin = data[place + 1], place + 2
        while data[begin] >= 0x80:
            begin += 1
        metas.take(kind, data[begin + 1 : stop], int(table.tick[index]), place, problems)
        if kind == _PORT:
            port[index:] = metas.port << 4
    kinds = table.status >> 4
    kept = np.flatnonzero((kinds < 0xF) & (kinds != _AFTERTOUCH) & (kinds != _PRESSURE))
    rows = np.empty((6, len(kept)), np.int64)
    rows[0], rows[1], rows[3] = table.tick[kept], table.place[kept], kinds[kept]
    rows[2] = port[kept] | table.status[kept] & 15
    rows[4], rows[5] = table.first[kept], table.second[kept]
    return rows.T


def _events(rows: Ints, metas: Metas, table: EventTable | None) -> Events:
    """Columns from rows (time, place, voice, status >> 4, first, second)."""
    time, place, voice, kind, first, second = rows.T
    on = (kind == _ON) & (second > 0)
    begins, ends = np.flatnonzero(on), np.flatnonzero((kind == _OFF) | (kind == _ON) & ~on)
    changing = np.flatnonzero(kind == _PROGRAM)
    programs = _Programs(voice[changing] & 15, place[changing], first[changing])
    ended = paired(voice << 7 | first, begins, ends)
    closed = ended >= 0
    control, bend = np.flatnonzero(kind == _CONTROL), np.flatnonzero(kind == _BEND)

    def columns(which: Ints, *last: Ints) -> Ints:
        own = programs.at(voice[which] & 15, place[which])
        return np.stack([time[which], place[which], voice[which], own, *last], -1)

    sung = np.array(metas.sung, np.int64)
    return Events(
        metas,
        onsets=time[begins],
        durations=np.where(closed, time[ended] - time[begins], -1) if len(begins) else _none(),
        pitches=first[begins],
        velocities=second[begins],
        voices=voice[begins],
        own=programs.at(voice[begins] & 15, place[begins]),
        begun=place[begins],
        ended=np.where(closed, place[ended], -1) if len(begins) else _none(),
        offs=np.stack([time[ends], place[ends], voice[ends], first[ends]], -1),
        changes=np.stack([time[changing], place[changing], voice[changing], first[changing]], -1),
        controls=columns(control, first[control], second[control]),
        bends=columns(bend, (second[bend] << 7 | first[bend]) - 8192),
        sung=list(zip(metas.sung, programs.at(np.full(len(sung), _LYRICS_CHANNEL), sung).tolist(), strict=True)),
        table=table,
    )


class _Programs:
    """The program that a track has chosen for a channel at a place; 0 before any."""

    def __init__(self, channel: Ints, place: Ints, program: Ints) -> None:
        keys = channel << 32 | place
        order = np.argsort(keys, kind="stable")
        self._keys, self._programs = keys[order], np.append(program[order], 0)

    def at(self, channel: Ints, place: Ints) -> Ints:
        if not len(self._keys):
            return np.zeros(len(place), np.int64)
        found = np.searchsorted(self._keys, channel << 32 | place) - 1
        known = (found >= 0) & (np.append(self._keys, -1)[found] >> 32 == channel)
        return np.where(known, self._programs[found], 0)


def narrow(keys: Ints) -> NDArray[Any]:
    """Numbers from 0 on in as few bytes as hold them: stable sorting of 16 bits takes a fifth of the time."""
    return keys.astype(np.uint16) if len(keys) and keys.max() < 1 << 16 else keys


def paired(keys: Ints, begins: Ints, ends: Ints) -> Ints:
    """For each row that begins a note the row that ends it, -1 where none does.

    First in, first out: of two notes of one key the older one ends. An off without a note says nothing.

    Args:
        keys: voice and pitch of all rows.
        begins, ends: rows that begin and end notes, ascending.
    """
    if not len(begins):
        return begins
    found: Ints = np.full(len(begins), -1)
    rows = np.concatenate([begins, ends])
    # Narrow columns, each dropped once it is used: of a long file these are the most memory that reading takes.
    order = np.argsort(rows, kind="stable").astype(np.int32)
    key = keys[rows[order]]
    by_key = np.argsort(narrow(key), kind="stable").astype(np.int32)
    order, key = order[by_key], key[by_key]
    del by_key
    step = np.where(order < len(begins), np.int8(1), np.int8(-1))
    new = np.append(True, key[1:] != key[:-1])
    del key
    group = np.cumsum(new, dtype=np.int32) - np.int32(1)
    # Notes begun less notes ended, per key; each key lies far below the one before, so one running minimum serves all.
    floor = group * np.int64(-2 * len(rows) - 2)
    open_ = np.cumsum(step, dtype=np.int64)
    open_ -= (open_ - step)[new][group]
    open_ += floor
    lowest = np.minimum.accumulate(open_)
    np.minimum(lowest, floor, out=lowest)
    # An off that takes the count below what it ever was ends nothing.
    before = np.append(0, lowest[:-1])
    before[new] = floor[new]
    real = (step < 0) & ~(open_ < before)
    del floor, open_, lowest, before
    # The n-th real end of a key is that of its n-th note.
    begun, done = np.cumsum(step > 0, dtype=np.int32), np.cumsum(real, dtype=np.int32)
    number = done - (done - real)[new][group]
    first = (begun - (step > 0))[new][group]
    notes = order[step > 0]
    found[notes[(first + number - 1)[real]]] = rows[order[real]]
    return found
