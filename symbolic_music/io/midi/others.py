"""Contents of a MIDI file beyond the tables of a score: texts, exclusive messages, aftertouch, silent tracks, ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.tolerant_reader import Placed, parse_placed
from symbolic_music.io.midi.writing.chunk_patch import walk
from symbolic_music.score import Other

# Meta events that tables, tracks and texts of a score hold: name, lyric, marker, port, end, tempo, key; a meter too,
# but for its metronome, which is 24 clocks a click and 8 32nds a quarter in most files.
_NAME, _LYRIC, _MARKER, _PORT = 3, 5, 6, 0x21
_HELD = {_NAME, _LYRIC, _MARKER, _PORT, 0x2F, 0x51, 0x59}
METER, _USUAL = 0x58, b"\x18\x08"


@dataclass(frozen=True, eq=False)
class Others(Sequence[Other]):
    """The events of a file without a table, found on first use."""

    data: bytes

    @cached_property
    def _found(self) -> tuple[Other, ...]:
        return tuple(sorted(_others(self.data), key=lambda other: other.time))

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


def _others(data: bytes) -> Iterator[Other]:
    placed = parse_placed(data)
    playing = {(t.port, t.channel) for t in placed.score.tracks}
    for file, extent in enumerate(placed.layout.tracks):
        body = data[extent.start : extent.bound]
        first, following = placed.first[file : file + 2]
        silent = first == following
        chunk = file if silent else 0
        port = 0
        try:
            for event in walk(body):
                raw = body[event.place : event.stop]
                if event.status < 0xF0:
                    kind, channel = event.status >> 4, event.status & 15
                    raw = raw if raw[0] >= 0x80 else bytes([event.status]) + raw
                    if kind in (0xA, 0xD):
                        yield Other(event.tick, raw, _part(placed, first, following, port, channel), chunk)
                    elif kind in (0xB, 0xC, 0xE) and (port, channel) not in playing:
                        yield Other(event.tick, raw, None, file)
                    continue
                meta = raw[1] if event.status == 0xFF else None
                if meta == _PORT and len(raw) == 4:
                    port = raw[3] & 127
                if meta == METER and (len(raw) != 7 or raw[5:] == _USUAL):
                    continue
                if meta in _HELD and not (silent and meta in (_NAME, _PORT)):
                    continue
                yield Other(event.tick, raw, None if silent else first, chunk)
        except MidiError:
            continue  # a damaged track: Score.problems says so


def _part(placed: Placed, first: int, following: int, port: int, channel: int) -> int | None:
    """The part of a track of the file that plays on this channel, or its first."""
    tracks = placed.score.tracks
    for index in range(first, following):
        if (tracks[index].port, tracks[index].channel) == (port, channel):
            return index
    return first if first < following else None
