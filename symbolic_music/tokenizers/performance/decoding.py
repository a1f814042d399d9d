"""Decode performance events to notes: a note off ends the first open note of its pitch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import TokenError
from symbolic_music.score import Array, note_table
from symbolic_music.tokenizers.base import Ids
from symbolic_music.tokenizers.performance.vocabulary import EOS, Layout

# Of note ons that no velocity precedes.
DEFAULT_VELOCITY = 64
_PITCHES = 128
_LAST_STEP = np.iinfo(np.int32).max
Ints = NDArray[np.int64]


def notes(ids: Ids, at: Layout) -> Array:
    """The note table of ids, times in steps of 10 ms, sorted by onset, duration, pitch and velocity.

    A note off without a note, and a note of no length, are skipped; notes still open end with the events. Ids count up
    to the first EOS.

    TokenError when the events last longer than 2**31 steps, eight months.
    """
    if at.specials:
        ids = ids[: int(np.argmax(ids == EOS))] if np.any(ids == EOS) else ids
    time = np.cumsum(np.where((ids >= at.shift) & (ids < at.velocity), ids - (at.shift - 1), 0), dtype=np.int64)
    total = int(time[-1]) if len(time) else 0
    if total > _LAST_STEP:
        raise TokenError(f"the events last {total:,} steps of 10 ms; a score holds at most {_LAST_STEP:,}")
    loud = np.flatnonzero(ids >= at.velocity)
    velocities = np.append(DEFAULT_VELOCITY, 1 + 4 * (ids[loud] - at.velocity))
    rows = np.flatnonzero((ids >= at.on) & (ids < at.shift))
    is_off = ids[rows] >= at.off
    pitch = (ids[rows] - at.on) % at.pitches
    on, off = paired(pitch, is_off)
    onset = time[rows[on]]
    duration = np.where(off >= 0, time[rows[off]], total) - onset
    long = duration > 0
    on, onset, duration = on[long], onset[long], duration[long]
    velocity = velocities[np.searchsorted(loud, rows[on])]
    order = np.argsort((pitch[on] << 7 | velocity).astype(np.uint16), kind="stable")
    order = order[np.argsort((onset << 31 | duration)[order], kind="stable")]
    return note_table(
        onset=onset[order], duration=duration[order], pitch=pitch[on][order] + at.low, velocity=velocity[order]
    )


def paired(pitch: Array, is_off: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Which note off ends which note on, first in, first out for each pitch.

    Args:
        pitch: 0 to 127, of each note on and note off in the order of the events, shape (n,).
        is_off: whether it is a note off, shape (n,).

    Returns:
        Indices of the note ons, grouped by pitch, and of the note off of each, -1 where it stays open.
    """
    order, matched = matched_offs(pitch, is_off)
    on, off = order[~is_off[order]], order[matched]
    # The nth on of a pitch is ended by its nth matched off.
    ons, offs = (np.bincount(pitch[rows], minlength=_PITCHES) for rows in (on, off))
    nth = np.arange(len(on)) - np.repeat(np.cumsum(ons) - ons, ons)
    by = np.full(len(on), -1)
    by[nth < np.repeat(offs, ons)] = off
    return on, by


def matched_offs(pitch: Array, is_off: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.bool_]]:
    """Which note offs find an open note of their pitch.

    Args:
        pitch, is_off: as in `paired`.

    Returns:
        The order that groups the events by pitch, each group in the order of time, and for each event in that order
        whether it is a note off that finds a note.
    """
    pitch = pitch.astype(np.uint8)
    order = np.argsort(pitch, kind="stable")
    pitch, is_off = pitch[order], is_off[order]
    # Ons less offs before each event, each pitch far below the one before. An off finds no open note exactly when this
    # is as low as it ever was in its pitch: then all notes before it are ended.
    change = np.where(is_off, -1, 1)
    level = np.cumsum(change) - change - 2 * (len(order) + 1) * pitch.astype(np.int64)
    return order, is_off & (level > np.minimum.accumulate(level))
