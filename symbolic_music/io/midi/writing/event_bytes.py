"""Single events of a MIDI file as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.writing.chunk_patch import variable_length
from symbolic_music.io.midi.writing.event_order import BANK, BANK_HIGH, BANK_LOW, HEAD, PROGRAM
from symbolic_music.score import Array, Other, Text, Track

# (time, order within the tick, message)
Message = tuple[int, int, bytes]


def meta(kind: int, body: bytes) -> bytes:
    """A meta event."""
    return bytes([0xFF, kind]) + variable_length(len(body)) + body


def tempo_message(microseconds: int) -> bytes:
    """A tempo in microseconds a quarter."""
    return meta(0x51, microseconds.to_bytes(3, "big"))


def meter_message(numerator: int, denominator: int, clocks: bytes = b"\x18\x08") -> bytes:
    """A meter; `clocks`: MIDI clocks a click of the metronome, and 32nds a quarter."""
    return meta(0x58, bytes([numerator, denominator.bit_length() - 1]) + clocks)


def key_message(sharps: int, minor: int) -> bytes:
    """A key signature."""
    return meta(0x59, bytes([sharps & 0xFF, minor]))


def encoded(text: str, encoding: str) -> bytes:
    """A text in the code that it was read in, or in UTF-8 where that cannot say it."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def head(track: Track, port: int | None) -> list[Message]:
    """Name and port of a track."""
    messages = [(0, HEAD, meta(3, encoded(track.name, track.encoding)))] if track.name else []
    return messages + ([(0, HEAD, meta(0x21, bytes([port])))] if port is not None else [])


def sound(time: int, channel: int, program: int, bank: int | None) -> list[Message]:
    """A program change, after its bank where one is given."""
    banks = [] if bank is None else [(BANK_HIGH, bank >> 7), (BANK_LOW, bank & 127)]
    selects = [(time, BANK, bytes([0xB0 | channel, number, value])) for number, value in banks]
    return [*selects, (time, PROGRAM, bytes([0xC0 | channel, program]))]


def text_message(text: Text) -> Message:
    """A marker or a lyric; chord symbols and other words as text events."""
    return text.time, HEAD, meta({"lyric": 5, "marker": 6}.get(text.kind, 1), encoded(text.text, text.encoding))


class Releases:
    """The velocities that notes are let go with: of those in events of a score, 64 of all others.

    64 is what an instrument sends that knows none, and what a note on of velocity 0 stands for: MIDI 1.0, note off.
    """

    def __init__(self, others: Sequence[Other] = ()) -> None:
        released = {
            (other.track, other.time, other.data[1]): other.data[2]
            for other in others
            if other.data[0] >> 4 == 8 and other.track is not None
        }
        keys = np.array([_key(*place) for place in released], np.int64)
        order = np.argsort(keys, kind="stable")
        self._keys, self._velocities = keys[order], np.array([*released.values()], np.int64)[order]

    def of(self, notes: Array) -> NDArray[np.uint8]:
        """That of each note."""
        if not len(self._keys):
            return np.full(len(notes), 64, np.uint8)
        keys = _key(notes["track"].astype(np.int64), notes["onset"].astype(np.int64) + notes["duration"],
                    notes["pitch"].astype(np.int64))  # fmt: skip
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._velocities[at], 64).astype(np.uint8)


def _key(track: Any, time: Any, pitch: Any) -> Any:
    return track << 39 | time << 7 | pitch


NO_RELEASES = Releases()
