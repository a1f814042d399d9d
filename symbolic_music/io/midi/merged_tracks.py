"""Playback of all tracks of a MIDI file together: events merged by time, state by port and channel.

A player has one line of time: a program, a volume or a pedal acts on all notes of its channel, whichever track they
stand in. At one tick the tracks come in order, and in each its events in theirs. A program change also takes the bank
that was selected before it (controllers 0 and 32). Source: MIDI 1.0 Detailed Specification and RP-001 (Standard MIDI
Files 1.0), with ports as in meta event 33.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.drum_parts import DrumParts
from symbolic_music.io.midi.reading.track_contents import Events
from symbolic_music.score import BEND, CONTROL, Array, Track

Ints = NDArray[np.int64]
# A key puts an event in order: its tick, then its place in the file, whose bytes are fewer than 2^27.
_PLACE_BITS = 27
_BANK_HIGH, _BANK_LOW = 0, 32
# Rows of controllers and bends, those of a channel being given to each of its parts.
_MOST_ROWS = 1 << 22
_USUAL = DrumParts()


@dataclass(frozen=True)
class Heard:
    """Parts in the order of the file's tracks, in each by port, channel, bank and program.

    `part` is that of each note, the notes of all tracks after each other; `first` is the first part of each track of
    the file, with the number of parts at the end.
    """

    tracks: tuple[Track, ...]
    part: Ints
    first: tuple[int, ...]
    controls: Array
    bends: Array
    # Of each controller and bend the byte of the file at which it stands.
    control_places: Ints
    bend_places: Ints


def merged(
    tracks: Sequence[Events], starts: Sequence[int], apart: bool, problems: Counter[str], drums: DrumParts = _USUAL
) -> Heard:
    """The playback of these tracks, which are in their file at these bytes.

    `apart`: the tracks are sequences on their own (type 2), so that none acts on another.
    """
    notes = _rows([np.stack([t.onsets, t.begun, t.voices], -1) for t in tracks], 3, starts, apart)
    changes = _rows([t.changes for t in tracks], 4, starts, apart)
    controls = _rows([t.controls for t in tracks], 6, starts, apart)[:, [0, 1, 2, 4, 5]]
    bends = _rows([t.bends for t in tracks], 5, starts, apart)[:, [0, 1, 2, 4]]
    banks = controls[np.isin(controls[:, 3], (_BANK_HIGH, _BANK_LOW))]
    groups = notes[:, 2] << 21 | _sounds(notes, changes, banks)
    parts: list[Track] = []
    voices: list[int] = []
    part, first = np.zeros(len(notes), np.int64), [0]
    at = 0
    for events in tracks:
        own = groups[at : at + len(events.onsets)]
        found = np.unique(own)
        part[at : at + len(own)] = len(parts) + np.searchsorted(found, own)
        parts += [_track(events, int(group), drums) for group in found]
        voices += (found >> 21).tolist()
        first.append(len(parts))
        at += len(own)
    control_table, control_places = _given(controls, voices, CONTROL, ("number", "value"), problems)
    bend_table, bend_places = _given(bends, voices, BEND, ("value",), problems)
    return Heard(
        tuple(parts),
        part,
        tuple(first),
        controls=control_table,
        bends=bend_table,
        control_places=control_places,
        bend_places=bend_places,
    )


@dataclass(frozen=True)
class Sounds:
    """The program changes and selected banks of a file, as `_sounds` takes them; `apart`: see `merged`."""

    changes: Ints
    banks: Ints
    apart: bool

    def at(self, rows: Ints) -> Ints:
        """Bank << 7 | program in force after these (tick, place in the file, voice, track of the file), (rows, 4)."""
        if self.apart:
            rows[:, 2] |= rows[:, 3] << 11
        return _sounds(_rows([rows[:, :3]], 3, [0], False), self.changes, self.banks)


def sounds_of(tracks: Sequence[Events], starts: Sequence[int], apart: bool) -> Sounds:
    """Those of these tracks, which are in their file at these bytes."""
    banks = [t.controls[np.isin(t.controls[:, 4], (_BANK_HIGH, _BANK_LOW))] for t in tracks]
    changes = _rows([t.changes for t in tracks], 4, starts, apart)
    return Sounds(changes, _rows(banks, 6, starts, apart)[:, [0, 1, 2, 4, 5]], apart)


def _track(events: Events, group: int, drums: DrumParts) -> Track:
    voice = group >> 21 & 0x7FF
    channel, port = voice & 15, voice >> 4
    bank = group >> 7 & 0x3FFF
    is_drum = drums.plays(voice, bank)
    return Track(events.metas.name, group & 127, is_drum, channel, port, bank, events.metas.encoding)


def _rows(tables: Sequence[Ints], width: int, starts: Sequence[int], apart: bool) -> Ints:
    """Rows (time, place, voice, ...) of all tracks after each other; the place becomes the key."""
    table: Ints = np.concatenate([np.zeros((0, width), np.int64), *tables])
    track = np.repeat(np.arange(len(tables)), [len(rows) for rows in tables])
    table[:, 1] += np.array([*starts, 0], np.int64)[track]
    table[:, 1] |= table[:, 0] << _PLACE_BITS
    if apart:
        table[:, 2] |= track << 11
    return table


def _sounds(notes: Ints, changes: Ints, banks: Ints) -> Ints:
    """Bank << 7 | program of each note, as its channel has them when it begins; 0 before any change."""
    sounds = np.zeros(len(notes), np.int64)
    by_voice = np.argsort(notes[:, 2], kind="stable")
    voices = notes[by_voice, 2]
    changes = changes[np.lexsort((changes[:, 1], changes[:, 2]))]
    banks = banks[np.lexsort((banks[:, 1], banks[:, 2]))]
    for own in np.split(changes, np.flatnonzero(np.diff(changes[:, 2])) + 1):
        if not len(own):
            continue
        voice = own[0, 2]
        rows = by_voice[slice(*np.searchsorted(voices, (voice, voice + 1)))]
        selected = banks[slice(*np.searchsorted(banks[:, 2], (voice, voice + 1)))]
        high, low = (_last(selected[selected[:, 3] == number], own[:, 1]) for number in (_BANK_HIGH, _BANK_LOW))
        chosen = np.append(0, high << 14 | low << 7 | own[:, 3])
        sounds[rows] = chosen[np.searchsorted(own[:, 1], notes[rows, 1])]
    return sounds


def _last(selected: Ints, keys: Ints) -> Ints:
    """The last value selected before each of these keys, 0 where there is none."""
    return np.append(0, selected[:, 4])[np.searchsorted(selected[:, 1], keys)]


def _given(
    rows: Ints, voices: Sequence[int], dtype: np.dtype, columns: tuple[str, ...], problems: Counter[str]
) -> tuple[Array, Ints]:  # fmt: skip
    """The events of a channel as a table, given to each part that plays on it; and where they stand in the file."""
    rows = rows[np.lexsort((rows[:, 1], rows[:, 2]))]
    begin = np.searchsorted(rows[:, 2], voices)
    counts = np.searchsorted(rows[:, 2], voices, side="right") - begin
    if counts.sum() > _MOST_ROWS:
        problems["controllers of a channel with many parts given to its first part only"] += 1
        first = np.unique(np.array(voices), return_index=True)[1]
        counts[np.setdiff1d(np.arange(len(counts)), first)] = 0
    table = np.zeros(int(counts.sum()), dtype)
    track = np.repeat(np.arange(len(counts)), counts)
    index = np.arange(len(table)) - np.repeat(np.cumsum(counts) - counts, counts) + begin[track]
    table["time"], table["track"] = rows[index, 0], track
    for place, column in enumerate(columns):
        table[column] = rows[index, 3 + place]
    return table, rows[index, 1] & ((1 << _PLACE_BITS) - 1)
