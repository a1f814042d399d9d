"""Notes, controllers and bends as columns of events, and the bytes of all tracks of a file at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.writing.event_bytes import NO_RELEASES, Message, Releases, head, meta, sound
from symbolic_music.io.midi.writing.event_order import HEAD, LATE, Order
from symbolic_music.io.midi.writing.overlapping_notes import layered
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
    """Ends and beginnings of notes, in an order as `layered` has it; `chunk` and `channel` are those of each note.

    A note that its file never ended has no end where readers find that again: if no other ends after it.
    """
    onset, pitch = notes["onset"].astype(np.int64), np.ascontiguousarray(notes["pitch"])
    low = channel.astype(np.uint8)
    turns = order.ons(notes)
    if len(turns) and turns.min() != turns.max():
        turns = _in_order_of_rows(turns, (chunk << 11 | channel << 7 | pitch) << 31 | onset)
    begins = Columns(chunk, onset, turns, 0x90 | low, pitch, np.maximum(notes["velocity"], 1))
    ends = Columns(chunk, onset + notes["duration"], order.offs(notes), 0x80 | low, pitch, releases.of(notes))
    if notes["hanging"].any():
        closed = ~_never_ended(notes, chunk << 11 | channel << 7 | pitch)
        ends = Columns(*(column[closed] for column in ends))
    return [ends, begins]


def _in_order_of_rows(turns: Ints, keys: Ints) -> Ints:
    """The turns of notes of one voice and onset, which have one key, given to them in the order of their rows."""
    by_key = np.argsort(keys, kind="stable")
    if not (keys[by_key][1:] == keys[by_key][:-1]).any():
        return turns
    given = np.empty(len(turns), np.int64)
    given[by_key] = turns[np.lexsort((turns, keys))]
    return given


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
    single = np.array([(track, time, turn) for track, (time, turn, _) in messages], np.int64).reshape(-1, 3)
    chunk, time, turn = (np.concatenate([*(group[i] for group in columns), single[:, i]]) for i in range(3))
    # Messages stand at the end of the columns, with bytes of zero, and are written over these.
    none = np.zeros(len(messages), np.uint8)
    said = [np.concatenate([*(group[i] for group in columns), none]) for i in (3, 4, 5)]
    order, chunk, time = _sorted(chunk, time, turn)
    delta = np.empty_like(time)
    np.subtract(time[1:], time[:-1], out=delta[1:])
    begins = np.searchsorted(chunk, np.arange(count + 1))
    heads = begins[:-1][begins[:-1] < begins[1:]]
    delta[heads] = time[heads]
    wide = np.flatnonzero(delta >= 1 << 7)
    longer = delta[wide] >> 7
    sizes = np.full(len(order), 4)
    sizes[wide] += 1 + (longer >= 1 << 7) + (longer >= 1 << 14)
    at_messages = np.flatnonzero(order >= len(order) - len(messages))
    which = (order[at_messages] - (len(order) - len(messages))).tolist()
    bodies = [messages[index][1][2] for index in which]
    sizes[at_messages] += np.array([len(body) for body in bodies], np.int64) - 3
    stops = np.cumsum(sizes)
    bounds = np.append(0, stops)[begins].tolist()
    out = np.zeros(bounds[-1] + 3, np.uint8)
    at = stops  # in place: new memory costs more than the sums
    at[at_messages] += np.array([3 - len(body) for body in bodies], np.int64)
    # From the last byte to the first: where a message is short, what stands behind it is written later.
    for column in reversed(said):
        at -= 1
        out[at] = column[order]
    places = at[at_messages].tolist()
    at -= 1
    out[at] = delta.astype(np.uint8) & 0x7F
    while len(wide):  # the seven bits that stand one byte further to the front
        at_wide = at[wide] - 1
        out[at_wide] = longer & 0x7F | 0x80
        kept = longer >= 1 << 7
        wide, longer, at = wide[kept], longer[kept] >> 7, at - 1
    writable = bytearray(out)
    for begin, body in zip(places, bodies, strict=True):
        writable[begin : begin + len(body)] = body
    return [bytes(writable[a:b]) + _END_OF_TRACK for a, b in pairwise(bounds)]


def _silences(columns: Sequence[Columns], messages: Sequence[tuple[int, Message]]) -> list[tuple[int, Message]]:
    """A silence longer than a delta time can say is cut by empty texts."""
    lasts: dict[int, int] = {}
    if max((int(group.time.max(initial=0)) for group in columns), default=0) <= _LONGEST_DELTA:
        columns = ()
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


def _sorted(chunk: Ints, time: Ints, turn: Ints) -> tuple[Ints, Ints, Ints]:
    """Rows in order of track, tick and turn, of equal ones the first first; and their tracks and ticks."""
    if turn.max(initial=0) >= LATE:  # to right behind the places that there are
        late = turn >= LATE
        turn = np.where(late, turn - (LATE - 1 - int(np.where(late, 0, turn).max(initial=0))), turn)
    bits = [int(column.max(initial=0)).bit_length() for column in (chunk, time, turn)]
    places = len(turn).bit_length()
    if sum(bits) + places > 63:
        order = np.lexsort((turn, time, chunk))
        return order, chunk[order], time[order]
    key = chunk << bits[1]
    for width, column in ((bits[2], time), (places, turn), (0, np.arange(len(turn)))):
        key |= column
        key <<= width
    key.sort(kind="stable")  # faster than the default for columns that are each in order
    return key & (1 << places) - 1, key >> sum(bits[1:]) + places, key >> bits[2] + places & (1 << bits[1]) - 1


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
    if own:  # in each, for what reads tracks apart, as a file of type 2 asks for
        said = sound(0, channel, track.program, track.bank or None)
        messages += [(layer, message) for layer in range(len(layers)) for message in said]
    return chunk_bytes(columns, messages, len(layers))
