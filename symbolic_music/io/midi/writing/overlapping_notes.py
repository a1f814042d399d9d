"""Notes that first in, first out pairs wrongly are written to further tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.reading.track_contents import narrow
from symbolic_music.score import Array

Ints = NDArray[np.int64]


def layered(notes: Array, voices: Ints) -> list[Ints]:
    """Rows of the notes for a first track, for a second one with those that lie inside another of its voice, and so on.

    Args:
        notes: in order of time, (notes,).
        voices: of each a number that stands for its pitch and channel, (notes,).

    Returns:
        In each layer the rows in an order in which first in, first out pairs them right.
    """
    onset, duration = notes["onset"].astype(np.int64), notes["duration"].astype(np.int64)
    rows: Ints = np.arange(len(notes))
    layers: list[Ints] = []
    while len(rows) or not layers:
        layer, rows = _layer(rows, onset[rows], duration[rows], voices[rows])
        layers.append(layer)
    return layers


def _layer(rows: Ints, onset: Ints, duration: Ints, voice: Ints) -> tuple[Ints, Ints]:
    if len(rows) < 2:
        return rows, rows[:0]
    by_voice = np.argsort(narrow(voice), kind="stable")  # rows are in order of time
    key = (voice << 31 | onset)[by_voice]
    twins = bool((key[1:] == key[:-1]).any())
    if twins:
        places, by_voice = by_voice, by_voice[np.lexsort((duration[by_voice], key))]
    # Each voice lies above the one before, so one running maximum serves all.
    end = (onset + duration + (voice << 33))[by_voice]
    nested = np.zeros(len(rows), bool)
    nested[by_voice] = end < np.maximum.accumulate(end)
    if twins:
        # Of notes of one pitch and onset the shorter is written first; the places in the tick stay as they were.
        rows = rows.copy()
        rows[places], nested[places] = rows[by_voice], nested[by_voice]
    return (rows[~nested], rows[nested]) if nested.any() else (rows, rows[:0])
