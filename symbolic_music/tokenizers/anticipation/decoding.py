"""Decode ids of the anticipatory encodings to tables of events, and these to scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events
from symbolic_music.tokenizers.base import whole_ids

VELOCITY = 72
# 50 ticks a quarter at 120 quarters a minute: one tick is one step of 10 ms.
_TICKS_PER_QUARTER, _MICROSECONDS = 50, 500_000
_CHANNELS = np.array([c for c in range(16) if c != DRUM_CHANNEL])


def tables_of(ids: ArrayLike, fields: int = 3) -> tuple[Events, NDArray[np.bool_]]:
    """Events (rests left out), sorted by time, and which of them are controls.

    A leading flag is skipped; time ids at or beyond 10,000 are taken as absolute times past 100 s; after
    SEPARATORs the clock goes on from where the piece before ended. A row that the end of the ids cuts short is left
    out.

    Args:
        ids: shape (n,).
        fields: 3 for (time, duration, note), 4 with velocity; the columns of the table.

    Raises:
        TokenError: when ids are not rows of one kind, or outside the vocabulary.
    """
    array = whole_ids(ids)
    if len(array) and array[0] in (v.AUTOREGRESS, v.ANTICIPATE):
        array = array[1:]
    cut = len(array) % fields
    rows = _whole_rows(array, fields)
    note = rows[:, 2]
    is_separator, is_rest = note == v.SEPARATOR, note == v.REST
    is_control = (note >= v.ANOTE) & (note < v.SEPARATOR)
    table = rows - np.where(is_control[:, None], v.CONTROL_BLOCKS[:fields], v.EVENT_BLOCKS[:fields])
    # MIDI cannot hold times past 2^31 ticks.
    limits = np.array([2**31, *v.BLOCK_SIZES[1:fields]])
    inside = (table >= 0) & (table < limits)
    inside[:, 2] |= is_rest
    good = np.where(is_separator, (rows == v.SEPARATOR).all(axis=1), inside.all(axis=1))
    if not good.all():
        at = int(np.argmin(good))
        ids_there = array[fields * at : fields * (at + 1)].tolist()
        raise TokenError(f"ids {ids_there} in row {at} are neither an event nor a control")
    if is_separator.any():
        table[:, 0] += _starts(np.where(is_separator | is_rest, 0, table[:, 0] + table[:, 1]), is_separator)
        if table[:, 0].max() >= 2**31:
            raise TokenError("the pieces together last longer than MIDI can hold: decode one at a time")
    keep = ~(is_separator | is_rest)
    keep[len(keep) - bool(cut) :] = False
    table, is_control = table[keep], is_control[keep]
    order = np.argsort(table[:, 0], kind="stable")
    return table[order].astype(np.int32), is_control[order]


def _whole_rows(array: NDArray[np.int64], fields: int) -> NDArray[np.int64]:
    """Ids as rows; one cut short is completed with the least values of its kind, to be judged as the others are."""
    tail = array[len(array) // fields * fields :]
    if not len(tail):
        return array.reshape(-1, fields)
    blocks = v.CONTROL_BLOCKS if len(tail) > 1 and tail[1] >= v.CONTROL else v.EVENT_BLOCKS
    rest = [v.SEPARATOR] * fields if tail[0] == v.SEPARATOR else blocks[:fields]
    return np.append(array, rest[len(tail) :]).reshape(-1, fields)


def _starts(ends: NDArray[np.int64], is_separator: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Time at which the piece of each row begins: where the last note of the piece before ends."""
    piece = np.cumsum(is_separator)
    lengths = np.zeros(piece[-1] + 1, np.int64)
    np.maximum.at(lengths, piece, ends)
    return np.asarray((np.cumsum(lengths) - lengths)[piece])


def score_of(events: Events, velocities: ArrayLike = VELOCITY) -> Score:
    """A score of these events: a track for each instrument in order of number, 120 quarters a minute."""
    instrument = events[:, 2] // 128
    instruments = np.flatnonzero(np.bincount(instrument, minlength=v.INSTRUMENTS))
    track = np.zeros(v.INSTRUMENTS, np.uint16)
    track[instruments] = np.arange(len(instruments))
    # Non-drum channels in turn; with more than 15 instruments some share one.
    channel = _CHANNELS[track % 15]
    channel[DRUM_INSTRUMENT] = DRUM_CHANNEL
    program = np.append(np.arange(DRUM_INSTRUMENT), 0)
    return Score(
        ticks_per_quarter=_TICKS_PER_QUARTER,
        tempos=np.array([(0, _MICROSECONDS)], TEMPO),
        notes=note_table(
            onset=events[:, 0],
            duration=events[:, 1],
            pitch=events[:, 2] % 128,
            velocity=np.broadcast_to(velocities, len(events)),
            program=program[instrument],
            channel=channel[instrument],
            track=track[instrument],
        ),
        tracks=tuple(Track(program=int(program[i]), is_drum=bool(i == DRUM_INSTRUMENT)) for i in instruments),
    )
