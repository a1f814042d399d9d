"""Notes, controllers and bends as columns of events, and the bytes of all tracks of a file at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.writing.encoding import NO_RELEASES, Message, Releases, head, meta, sound
from symbolic_music.io.midi.writing.layers import layered
from symbolic_music.io.midi.writing.order import HEAD, ON, Order
from symbolic_music.score import Array, Track

Ints = NDArray[np.int64]
_LONGEST_DELTA = (1 << 28) - 1
_END_OF_TRACK = b"\x00\xff\x2f\x00"
USUAL_ORDER = Order()


class Columns(NamedTuple):
    """Events of three bytes: track of the file, tick, order within the tick, status, data bytes; each (events,)."""

    chunk: Array
    time: Array
    turn: Array
    status: Array
    first: Array
    second: Array


def note_columns(
    notes: Array, chunk: Ints, channel: Ints, releases: Releases = NO_RELEASES, order: Order = USUAL_ORDER
) -> list[Columns]:
    """Ends and beginnings of notes; `chunk` and `channel` are those of each note.

    A note that its file never ended has no end where readers find that again: if no other ends after it.
    """
    onset, pitch = notes["onset"].astype(np.int64), np.ascontiguousarray(notes["pitch"])
    low = channel.astype(np.uint8)
    begins = Columns(chunk, onset, order.ons(notes), 0x90 | low, pitch, np.maximum(notes["velocity"], 1))
    ends = Columns(chunk, onset + notes["duration"], order.offs(notes), 0x80 | low, pitch, releases.of(notes))
    if notes["hanging"].any():
        closed = ~_never_ended(notes, chunk << 11 | channel << 7 | pitch)
        ends = Columns(*(column[closed] for column in ends))
    return [ends, begins]


def control_columns(controls: Array, chunk: Ints, channel: Ints, order: Order = USUAL_ORDER) -> Columns:
    """Controllers."""
    status = 0xB0 | channel.astype(np.uint8)
    return Columns(
        chunk, controls["time"].astype(np.int64), order.controls(controls), status, controls["number"],
        controls["value"],
    )  # fmt: skip


def bend_columns(bends: Array, chunk: Ints, channel: Ints, order: Order = USUAL_ORDER) -> Columns:
    """Bends."""
    value = bends["value"].astype(np.int64) + 8192
    low, high = (value & 127).astype(np.uint8), (value >> 7).astype(np.uint8)
    return Columns(
        chunk, bends["time"].astype(np.int64), order.bends(bends), 0xE0 | channel.astype(np.uint8), low, high
    )


def _never_ended(notes: Array, voices: Ints) -> NDArray[np.bool_]:
    """Mask of the notes without an end that are the last of their voice; rows in order of time."""
    _, voice = np.unique(voices, return_inverse=True)
    last = np.full(int(voice.max()) + 1, -1)
    ending = np.flatnonzero(notes["hanging"] == 0)
    np.maximum.at(last, voice[ending], ending)
    return np.asarray((notes["hanging"] != 0) & (np.arange(len(notes)) > last[voice]))


def chunk_bytes(columns: Sequence[Columns], messages: Sequence[tuple[int, Message]], count: int) -> list[bytes]:
    """The tracks of a file without their headers.

    Args:
        columns: events of three bytes.
        messages: (track, message) of all others.
        count: of tracks.
    """
    messages = [*messages, *_silences(columns, messages)]
    chunk, time, turn = (
        np.concatenate([*(group[i] for group in columns), np.array(own, np.int64)])
        for i, own in enumerate((
            [track for track, _ in messages], [m[0] for _, m in messages], [m[1] for _, m in messages]
        ))
    )  # fmt: skip
    status, first, second = (
        np.concatenate([group[i] for group in columns]) if columns else np.zeros(0, np.uint8) for i in (3, 4, 5)
    )
    events = len(status)
    order = _sorted(chunk, time, turn)
    chunk, time = chunk[order], time[order]
    delta = np.diff(time, prepend=0)
    begins = np.searchsorted(chunk, np.arange(count + 1))
    heads = begins[:-1][begins[:-1] < begins[1:]]
    delta[heads] = time[heads]
    widths = 1 + (delta >= 1 << 7) + (delta >= 1 << 14) + (delta >= 1 << 21)
    sizes = np.full(len(order), 3)
    is_message = order >= events
    at_messages = np.flatnonzero(is_message)
    which = (order[at_messages] - events).tolist()
    sizes[at_messages] = [len(messages[index][1][2]) for index in which]
    stops = np.cumsum(widths + sizes)
    starts = stops - sizes
    out = np.zeros(int(stops[-1]) if len(stops) else 0, np.uint8)
    out[starts - 1] = delta & 0x7F
    for place in range(1, int(widths.max(initial=1))):  # the seven bits that stand `place` bytes before the last
        wide = np.flatnonzero(widths > place)
        out[starts[wide] - 1 - place] = delta[wide] >> 7 * place & 0x7F | 0x80
    rows, at = (order, starts) if not which else (order[~is_message], starts[~is_message])
    out[at], out[at + 1], out[at + 2] = status[rows], first[rows], second[rows]
    whole = out.tobytes()
    if which:
        writable = bytearray(whole)
        for begin, index in zip(starts[at_messages].tolist(), which, strict=True):
            body = messages[index][1][2]
            writable[begin : begin + len(body)] = body
        whole = bytes(writable)
    bounds = np.append(0, stops)[begins].tolist()
    return [whole[a:b] + _END_OF_TRACK for a, b in pairwise(bounds)]


def _silences(columns: Sequence[Columns], messages: Sequence[tuple[int, Message]]) -> list[tuple[int, Message]]:
    """A silence longer than a delta time can say is cut by empty texts."""
    lasts: dict[int, int] = {}
    for track, (time, *_) in messages:
        if time > _LONGEST_DELTA:
            lasts[track] = max(lasts.get(track, 0), time)
    for group in columns:
        late = np.flatnonzero(group.time > _LONGEST_DELTA)
        for track, time in zip(group.chunk[late].tolist(), group.time[late].tolist(), strict=True):
            lasts[track] = max(lasts.get(track, 0), time)
    return [
        (track, (at, HEAD, meta(1, b"")))
        for track, last in lasts.items()
        for at in range(_LONGEST_DELTA, last + 1, _LONGEST_DELTA)
    ]


def _sorted(chunk: Ints, time: Ints, turn: Ints) -> Ints:
    """Rows in order of track, tick and turn; of equal ones the first first."""
    low = int(turn[turn < ON].max(initial=0)) + 1
    turn = np.where(turn < ON, turn, turn - ON + low)
    bits = [int(column.max(initial=0)).bit_length() for column in (chunk, time, turn)]
    places = len(turn).bit_length()
    if sum(bits) + places > 63:
        return np.lexsort((turn, time, chunk))
    key = ((chunk << bits[1] | time) << bits[2] | turn) << places | np.arange(len(turn))
    key.sort(kind="stable")  # faster than the default for columns that are each in order
    return key & (1 << places) - 1


def part_chunks(
    track: Track, voice: tuple[int, int], own: bool, notes: Array, controls: Array, bends: Array
) -> list[bytes]:  # fmt: skip
    """The tracks of a file that say what a part plays: one, and one more for notes that lie inside others.

    `voice`: port and channel; `own`: nothing else plays there, so that its program must be said.
    """
    port, channel = voice
    notes = notes.copy()
    notes["hanging"] = 0
    layers = layered(notes, notes["pitch"].astype(np.int64))

    def of(rows: Array, layer: int = 0) -> tuple[Array, Ints, Ints]:
        return rows, np.full(len(rows), layer), np.full(len(rows), channel)

    columns = [control_columns(*of(controls)), bend_columns(*of(bends))]
    for layer, rows in enumerate(layers):
        columns += note_columns(*of(notes[rows], layer))
    messages = [(layer, message) for layer in range(len(layers)) for message in head(track, port or None)]
    if own:
        messages += [(0, message) for message in sound(0, channel, track.program, track.bank or None)]
    return chunk_bytes(columns, messages, len(layers))
