"""The rows of a region model: one event for each row, with its musical time and its position in the bar.

A sequence is a table of int64, shape (n, COLUMNS). It begins with START (tempo) and a TRACK row for each slot, in the
order of the slots; NOTE and REST rows follow, sorted by time, slot and key. An edit goes on with REGION, the rows that
are written, and END, once for each of its spans. Times are steps of 1/60 quarter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

STEPS = 60  # a quarter
PAD, START, TRACK, NOTE, REST, REGION, END = range(7)
KIND, TIME, DURATION, SLOT, INSTRUMENT, KEY, VELOCITY, POSITION, LENGTH, STATE, PREVIOUS, ABOUT, PREDICTED = range(13)
# The chord and the key that hold at a written row, see `harmony.codes`; 0 where none is known beforehand.
HARMONY = 13
COLUMNS = 14

# A note begins up to 239 steps after the row before it; REST rows of 240 steps fill longer gaps.
LONGEST_GAP = 240
GAP_REST, GAP_END, GAPS = 240, 241, 242
DURATIONS = 1000
SLOTS, NO_SLOT = 32, 32
# A slot of no instrument holds the presses of the sustain pedal of a track, as notes of key 0.
NO_INSTRUMENT = PEDAL_INSTRUMENT = 129
PEDAL_KEY = 0
# Keys are pitches, 128 more for drums; 256 stands for none.
DRUM_KEYS, KEYS, NO_KEY = 128, 256, 256
VELOCITIES, NO_VELOCITY = 32, 32
# Where a row stands: given; given within a span that is written; given from further away, of written tracks alone;
# from WRITTEN on, written, with the bars left in its span.
GIVEN, WITHIN, FAR, WRITTEN = range(4)
MOST_BARS_LEFT = 17
STATES = WRITTEN + MOST_BARS_LEFT + 1
# The ABOUT of START is a tempo, that of TRACK says whether the slot is given or written.
TEMPOS, ABOUT_GIVEN, ABOUT_WRITTEN = 32, 32, 33
ABOUTS = 34
MOST_POSITION = 960


def tempo_class(quarters_per_minute: float) -> int:
    """One of 32 classes, eight an octave, 8 for 60 quarters a minute."""
    return int(np.clip(np.rint(8 * np.log2(max(quarters_per_minute, 1.0) / 60)) + 8, 0, TEMPOS - 1))


def blank(count: int, kind: int = PAD) -> Rows:
    """Rows of a kind with none of the fields of a note."""
    rows = np.zeros((count, COLUMNS), np.int64)
    rows[:, KIND] = kind
    rows[:, SLOT], rows[:, INSTRUMENT], rows[:, KEY], rows[:, VELOCITY] = NO_SLOT, NO_INSTRUMENT, NO_KEY, NO_VELOCITY
    rows[:, PREVIOUS] = -1
    return rows


def link_slots(rows: Rows) -> None:
    """Set PREVIOUS: the row of the note before in the same slot, -1 where there is none."""
    rows[:, PREVIOUS] = -1
    at = np.flatnonzero(rows[:, KIND] == NOTE)
    order = np.argsort(rows[at, SLOT], kind="stable")
    same = rows[at[order][1:], SLOT] == rows[at[order][:-1], SLOT]
    rows[at[order[1:][same]], PREVIOUS] = at[order[:-1][same]]


def collate(sequences: list[Rows], longest: int) -> Rows:
    """Sequences cut to `longest` rows and padded to one length, shape (batch, n, COLUMNS)."""
    length = min(longest, max(len(one) for one in sequences))
    out = blank(len(sequences) * length).reshape(len(sequences), length, COLUMNS)
    for row, one in zip(out, sequences, strict=True):
        row[: len(one)] = one[:length]
    return out
