"""Whether the notes of a patched track are paired from their ons and offs as they should be."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.event_table import EventTable
from symbolic_music.io.midi.writing.chunk_patch import New
from symbolic_music.score import Array, Track

Ints = NDArray[np.int64]
_KEYS = 16 << 7
# A note: onset, duration or -1, key, velocity.
Sound = tuple[int, int, int, int]


def note_key(status: int, pitch: int) -> int:
    """Channel and pitch as one number."""
    return (status & 15) << 7 | pitch


def keys_of(parts: Sequence[Track], notes: Array, rows: Ints) -> Ints:
    """The same of these rows of the notes of a score with these tracks."""
    channels = np.array([track.channel or 0 for track in parts], np.int64)
    return np.asarray(channels[notes["track"][rows]] << 7 | notes["pitch"][rows])


def touched_keys(table: EventTable, gone: Ints, coming: Mapping[int, Sequence[New]]) -> NDArray[np.bool_]:
    """Mask of the keys whose notes on or off change, (2049,), the last for what is none; `gone`: rows that go."""
    mask = np.zeros(_KEYS + 1, bool)
    rows = gone[table.status[gone] >> 4 <= 9]
    mask[(table.status[rows] & 15).astype(np.int64) << 7 | table.first[rows]] = True
    for news in coming.values():
        for new in news:
            if new.data[0] >> 4 <= 9:
                mask[note_key(*new.data[:2])] = True
    return mask


def pairs(
    table: EventTable,
    span: tuple[int, int],
    gone: Ints,
    coming: Mapping[int, Sequence[New]],
    keys: NDArray[np.bool_],
    begun: Ints,
) -> list[Sound]:
    """The notes of these keys that sound within a span of the track after a change, first in, first out.

    Args:
        table: the track before the change.
        span: of its rows, the first and the one after the last, with all of the change in it.
        gone: rows of the events that go.
        coming: what comes, as `insertions` has it.
        keys: mask of `touched_keys`.
        begun: rows of the notes on before the span that are not ended there.

    Returns:
        (onset, duration or -1 where the span does not end it, key, velocity) of each, sorted.
    """
    first, stop = span
    mask = keys[table.note_keys(first, stop)]
    mask[gone - first] = False
    stay = np.concatenate([begun, first + np.flatnonzero(mask)])
    columns = (table.tick[stay], table.status[stay], table.first[stay], table.second[stay])
    # (row, 1 for what stands there and 0 for what comes before it, its number, tick, status, pitch, velocity)
    events = [
        (row, 1, 0, *event) for row, *event in zip(stay.tolist(), *(column.tolist() for column in columns), strict=True)
    ]
    events += [
        (row, 0, number, new.tick, *new.data)
        for row, news in coming.items()
        for number, new in enumerate(news)
        if new.data[0] >> 4 <= 9
    ]
    found: list[list[int]] = []
    waiting: dict[int, deque[list[int]]] = defaultdict(deque)
    for _, _, _, tick, status, pitch, velocity in sorted(events):
        own = waiting[note_key(status, pitch)]
        if status >> 4 == 9 and velocity:
            found.append([tick, -1, note_key(status, pitch), velocity])
            own.append(found[-1])
        elif own:
            note = own.popleft()
            note[1] = tick - note[0]
    return sorted((onset, duration, key, velocity) for onset, duration, key, velocity in found)
