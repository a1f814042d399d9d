"""The bytes of one track of a MIDI file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.io.midi.writing.chunk_patch import variable_length
from symbolic_music.io.midi.writing.order import BANK, BANK_HIGH, BANK_LOW, HEAD, PROGRAM, Order
from symbolic_music.score import Array, Other, Text, Track

_LONGEST_DELTA = (1 << 28) - 1
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


def unnested(notes: Array, apart: bool = False) -> tuple[Array, Array]:
    """The notes in an order in which first in, first out pairs them right, and those that lie inside another.

    `apart`: notes of different tracks are on channels of their own.
    """
    if len(notes) < 2:
        return notes, notes[:0]
    onset = notes["onset"].astype(np.int64)
    voice = notes["pitch"].astype(np.int64) | (notes["track"].astype(np.int64) << 7 if apart else 0)
    end = onset + notes["duration"]
    by_voice = np.lexsort((end, onset, voice))
    latest = np.maximum.accumulate(end[by_voice] + (voice[by_voice] << 33)) - (voice[by_voice] << 33)
    nested = np.zeros(len(notes), bool)
    nested[by_voice] = end[by_voice] < latest
    inside, notes, voice = notes[nested], notes[~nested], voice[~nested]
    # Of notes of one pitch and onset the shorter is written first; the places in the tick stay as they were.
    places = np.argsort(voice, kind="stable")
    by_end = np.lexsort((notes["duration"], notes["onset"], voice))
    out = notes.copy()
    out[places] = notes[by_end]
    return out, inside


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

    def of(self, notes: Array) -> NDArray[np.int64]:
        """That of each note."""
        if not len(self._keys):
            return np.full(len(notes), 64)
        keys = _key(notes["track"].astype(np.int64), notes["onset"].astype(np.int64) + notes["duration"],
                    notes["pitch"].astype(np.int64))  # fmt: skip
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._velocities[at], 64)


def _key(track: Any, time: Any, pitch: Any) -> Any:
    return track << 39 | time << 7 | pitch


NO_RELEASES = Releases()
USUAL_ORDER = Order()


def event_columns(
    notes: Array,
    controls: Array,
    bends: Array,
    channels: NDArray[np.int64],
    releases: Releases = NO_RELEASES,
    order: Order = USUAL_ORDER,
) -> list[tuple[ArrayLike, ...]]:
    """Columns of events: time, order within the tick, status, two data bytes. `channels`: that of each track.

    A note that its file never ended has no end where readers find that again: if no other ends after it.
    """
    closed = notes if not notes["hanging"].any() else notes[~_never_ended(notes, channels)]
    onset = notes["onset"].astype(np.int64)
    bend = bends["value"].astype(np.int64) + 8192
    own = channels[notes["track"]]
    status = 0xB0 | channels[controls["track"]]
    return [
        (
            closed["onset"].astype(np.int64) + closed["duration"],
            order.offs(closed),
            0x80 | channels[closed["track"]],
            closed["pitch"],
            releases.of(closed),
        ),
        (controls["time"], order.controls(controls), status, controls["number"], controls["value"]),
        (bends["time"], order.bends(bends), 0xE0 | channels[bends["track"]], bend & 127, bend >> 7),
        (onset, order.ons(notes), 0x90 | own, notes["pitch"], np.maximum(notes["velocity"], 1)),
    ]


def _never_ended(notes: Array, channels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of the notes without an end that are the last of their channel and pitch; rows in order of time."""
    key = channels[notes["track"]] << 7 | notes["pitch"]
    last = np.full(16 << 7, -1)
    ending = np.flatnonzero(notes["hanging"] == 0)
    np.maximum.at(last, key[ending], ending)
    return np.asarray((notes["hanging"] != 0) & (np.arange(len(notes)) > last[key]))


def chunk(columns: Sequence[tuple[ArrayLike, ...]], messages: list[Message]) -> bytes:
    """A track of three-byte events, in columns (time, order, status, first, second), and of messages as they are."""
    tables = [np.stack(np.broadcast_arrays(*(np.asarray(c, np.int64) for c in group)), -1) for group in columns]
    table = np.concatenate([np.zeros((0, 5), np.int64), *(t.reshape(-1, 5) for t in tables)])
    last = max([int(table[:, 0].max(initial=0)), *(time for time, _, _ in messages)])
    # A silence longer than a delta time can say is cut by empty texts.
    messages = messages + [(at, HEAD, meta(1, b"")) for at in range(_LONGEST_DELTA, last + 1, _LONGEST_DELTA)]
    count = len(table)
    times = np.append(table[:, 0], np.array([m[0] for m in messages], np.int64))
    orders = np.append(table[:, 1], np.array([m[1] for m in messages], np.int64))
    sizes = np.append(np.full(count, 3), np.array([len(m[2]) for m in messages], np.int64)).astype(np.int64)
    order = np.lexsort((orders, times))
    delta = np.diff(times[order], prepend=0)
    widths = 1 + sum((delta >= 1 << shift).astype(np.int64) for shift in (7, 14, 21))
    starts = np.cumsum(widths + sizes[order]) - sizes[order]
    out = np.zeros(int(starts[-1] + sizes[order][-1]) if len(order) else 0, np.uint8)
    for place in range(4):  # the seven bits that stand `place` bytes before the event
        has = widths > place
        out[starts[has] - 1 - place] = delta[has] >> 7 * place & 0x7F | (0x80 if place else 0)
    is_event = order < count
    at, which = starts[is_event], order[is_event]
    for byte in range(3):
        out[at + byte] = table[which, 2 + byte]
    for position, index in zip(starts[~is_event].tolist(), (order[~is_event] - count).tolist(), strict=True):
        body = messages[index][2]
        out[position : position + len(body)] = np.frombuffer(body, np.uint8)
    return out.tobytes() + b"\x00\xff\x2f\x00"


def part_chunks(
    track: Track, voice: tuple[int, int], own: bool, notes: Array, controls: Array, bends: Array
) -> list[bytes]:  # fmt: skip
    """The tracks of a file that say what a part plays: one, and one more for notes that lie inside others.

    `voice`: port and channel; `own`: nothing else plays there, so that its program must be said.
    """
    port, channel = voice
    notes = notes.copy()
    notes["hanging"] = 0
    first = head(track, port or None)
    program = sound(0, channel, track.program, track.bank or None) if own else []
    notes, inside = unnested(notes)
    channels = np.full(int(max(t["track"].max(initial=0) for t in (notes, controls, bends, inside))) + 1, channel)
    chunks = [chunk(event_columns(notes, controls, bends, channels), [*first, *program])]
    while len(inside):
        notes, inside = unnested(inside)
        chunks.append(chunk(event_columns(notes, controls[:0], bends[:0], channels), first))
    return chunks
