"""Contents of a MIDI file beyond the tables of a score: texts, exclusive messages, aftertouch, silent tracks, ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.reading.early_end import read_on
from symbolic_music.io.midi.reading.event_iterator import Event, walk
from symbolic_music.io.midi.reading.track_contents import Events
from symbolic_music.io.midi.tolerant_reader import Placed, placed
from symbolic_music.score import Other

# Meta events that tables, tracks and texts of a score hold: name, lyric, marker, port, end, tempo, key; a meter too,
# but for its metronome, which is 24 clocks a click and 8 32nds a quarter in most files.
_NAME, _LYRIC, _MARKER, _PORT = 3, 5, 6, 0x21
_HELD = {_NAME, _LYRIC, _MARKER, _PORT, 0x2F, 0x51, 0x59}
METER, _USUAL = 0x58, b"\x18\x08"
_OFF, _ON = 0x8, 0x9
# The velocity of a note off that says nothing, as one of a note on of velocity 0 is: MIDI 1.0, note off.
_USUAL_RELEASE = 64


@dataclass(frozen=True, eq=False)
class Others(Sequence[Other]):
    """The events of a file without a table, found on first use."""

    data: bytes

    @cached_property
    def _placed(self) -> list[tuple[Other, tuple[int, int]]]:
        return sorted(_others(placed(self.data), self.data), key=lambda found: found[0].time)

    @cached_property
    def _found(self) -> tuple[Other, ...]:
        return tuple(other for other, _ in self._placed)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Of each the track of the file, and the byte of it at which it stands."""
        return [place for _, place in self._placed]

    @overload
    def __getitem__(self, index: int) -> Other: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Other, ...]: ...
    def __getitem__(self, index: int | slice) -> Other | tuple[Other, ...]:
        """One event, or a slice of events."""
        return self._found[index]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Others], tuple[bytes]]:
        return Others, (self.data,)


def _others(placed: Placed, data: bytes) -> Iterator[tuple[Other, tuple[int, int]]]:
    playing = {(t.port, t.channel) for t in placed.score.tracks}
    channels = [channel for _, channel in playing if channel is not None]
    ports = any(port for port, _ in playing) or any(events.metas.port for events in placed.tracks)
    for begin, stop in placed.layout.unknown:
        yield Other(0, data[begin:stop]), (-1, begin)
    for file, extent in enumerate(placed.layout.tracks):
        body = read_on(data[extent.start : extent.bound], extent.stop - extent.start)
        first, following = placed.first[file : file + 2]
        silent = first == following
        chunk = file if silent else 0
        port = said = 0  # in force, and said among the events that stand in no part
        port_at = 0
        for event in _candidates(body, placed.tracks[file], channels, ports):
            raw = body[event.place : event.stop]
            place = (file, event.place)
            if event.status < 0xF0:
                kind, channel = event.status >> 4, event.status & 15
                raw = raw if raw[0] >= 0x80 else bytes([event.status]) + raw
                if kind in (_OFF, 0xA, 0xD):
                    yield Other(event.tick, raw, _part(placed, first, following, port, channel), chunk), place
                elif (port, channel) not in playing:
                    if port != said and not silent:
                        said = port
                        yield Other(event.tick, bytes([0xFF, _PORT, 1, port]), None, file), (file, port_at)
                    yield Other(event.tick, raw, None, file), place
                continue
            meta = raw[1] if event.status == 0xFF else None
            if meta == _PORT and len(raw) == 4:
                port, port_at = raw[3] & 127, event.place
            if meta == METER and (len(raw) != 7 or raw[5:] == _USUAL):
                continue
            if meta in _HELD and not (silent and meta in (_NAME, _PORT)):
                continue
            yield Other(event.tick, raw, None if silent else first, chunk), place


def _candidates(body: bytes, events: Events, channels: list[int], ports: bool) -> Iterator[Event]:
    """The events of a track but for notes on and the usual notes off; of a damaged one those before the damage.

    `channels` that play, on whichever port; `ports`: whether there are several.
    """
    table = events.table
    if table is None:
        try:
            for event in walk(body):
                release = body[event.stop - 1] if event.status >> 4 == _OFF else _USUAL_RELEASE
                if event.status >> 4 != _ON and (event.status >> 4 != _OFF or release != _USUAL_RELEASE):
                    yield event
        except MidiError:  # Score.problems says so
            return
        return
    kind = table.status >> 4
    said = (kind != _ON) & ((kind != _OFF) | (table.second != _USUAL_RELEASE))
    if not ports:  # then tables hold the state of channels that play
        said &= ~((kind == 0xB) | (kind == 0xC) | (kind == 0xE)) | ~np.isin(table.status & 15, channels)
    for index in np.flatnonzero(said).tolist():
        columns = (table.tick, table.begin, table.place, table.stop, table.status)
        yield Event(*(int(column[index]) for column in columns))


def _part(placed: Placed, first: int, following: int, port: int, channel: int) -> int | None:
    """The part of a track of the file that plays on this channel, or its first."""
    tracks = placed.score.tracks
    for index in range(first, following):
        if (tracks[index].port, tracks[index].channel) == (port, channel):
            return index
    return first if first < following else None
