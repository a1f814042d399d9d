"""Whether the notes of a patched track are paired from their ons and offs as they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.event_table import EventTable
from symbolic_music.io.midi.reading.events import paired
from symbolic_music.io.midi.writing.chunk_patch import New

Ints = NDArray[np.int64]
_KEYS = 16 << 7


def note_key(status: int, pitch: int) -> int:
    """Channel and pitch as one number."""
    return (status & 15) << 7 | pitch


def touched_keys(table: EventTable, gone: Ints, coming: Mapping[int, Sequence[New]]) -> NDArray[np.bool_]:
    """Mask of the keys whose notes on or off change, (2048,); `gone`: rows of the events that go."""
    mask = np.zeros(_KEYS, bool)
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
) -> Ints:
    """The notes of these keys that sound within a span of the track after a change, first in, first out.

    Args:
        table: the track before the change.
        span: of its rows, the first and the one after the last, with all of the change in it.
        gone: rows of the events that go.
        coming: what comes, as `insertions` has it.
        keys: mask of `touched_keys`.
        begun: rows of the notes on before the span that are not ended there, ascending.

    Returns:
        Rows (onset, duration or -1 where the span does not end it, key, velocity), as `in_order` sorts them, (notes, 4).
    """
    first, stop = span
    mask = np.append(keys, False)[table.note_keys(first, stop)]
    mask[gone - first] = False
    stay = np.concatenate([begun, first + np.flatnonzero(mask)])
    status = table.status[stay].astype(np.int64)
    key = (status & 15) << 7 | table.first[stay]
    velocity = np.where(status >> 4 == 9, table.second[stay], 0)
    kept = np.stack([stay, np.ones_like(stay), np.zeros_like(stay), table.tick[stay], key, velocity], -1)
    new = [
        (index, 0, number, one.tick, note_key(*one.data[:2]), one.data[2] if one.data[0] >> 4 == 9 else 0)
        for index, news in coming.items()
        for number, one in enumerate(news)
        if one.data[0] >> 4 <= 9
    ]
    rows = np.concatenate([kept, np.array(new, np.int64).reshape(-1, 6)])
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    begins, ends = np.flatnonzero(rows[:, 5] > 0), np.flatnonzero(rows[:, 5] == 0)
    ended = paired(rows[:, 4], begins, ends)
    lasts = np.where(ended >= 0, rows[ended, 3] - rows[begins, 3], -1)
    return in_order(np.stack([rows[begins, 3], lasts, rows[begins, 4], rows[begins, 5]], -1))


def in_order(rows: Ints) -> Ints:
    """Rows of `pairs` sorted by onset, key, velocity, duration."""
    lasts = rows[:, 1]
    key = rows[:, 0] << 19 | rows[:, 2] << 8 | rows[:, 3]
    order = np.argsort(key, kind="stable")
    key = key[order]
    if (key[1:] == key[:-1]).any():
        order = order[np.lexsort((lasts[order], key))]
    return rows[order]
