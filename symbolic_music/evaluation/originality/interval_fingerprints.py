"""The notes of a piece in an order that is invariant to transposition and tempo, and fingerprints of intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score

# Notes of a fingerprint.
GRAM = 12
# A note that begins this many seconds, or less, after the one before it sounds together with it.
_TOGETHER = 0.02
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Lines:
    """Pitched notes in order: track by track, chords from the lowest note up.

    Args:
        pitch: shape (notes,).
        onset: seconds, shape (notes,).
        track: shape (notes,).
        rows: of the score's note table, shape (notes,).
    """

    pitch: NDArray[np.int64]
    onset: NDArray[np.float64]
    track: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pitch)


def lines_of(score: Score) -> Lines:
    """The lines of a score; drums have none."""
    rows = np.flatnonzero(score.notes["channel"] != DRUM_CHANNEL)
    rows = rows[np.argsort(score.notes["track"][rows], kind="stable")]
    notes = score.notes
    track, onset = notes["track"][rows].astype(np.int64), score.seconds(notes["onset"][rows])
    together = (np.diff(onset) <= _TOGETHER) & (np.diff(track) == 0)
    chord = np.concatenate([[0], np.cumsum(~together)]) if len(rows) else np.zeros(0, np.int64)
    order = np.lexsort((notes["pitch"][rows], chord))
    rows = rows[order]
    return Lines(notes["pitch"][rows].astype(np.int64), onset[order], track[order], rows)


def fingerprints(lines: Lines) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Hashes of the eleven intervals from a note on, and the places of these notes: shape (n,) each.

    A note has none where its track ends within the next eleven, and where these repeat one note or two in turn, as
    tremolos and trills do in any piece.
    """
    size = len(lines) - GRAM + 1
    if size < 1:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    steps = np.diff(lines.pitch)
    found = np.zeros(size, np.uint64)
    for i in range(GRAM - 1):
        # Multiplied and folded, so that all bits of the intervals before reach the low ones.
        found = (found ^ (steps[i : i + size] + 128).astype(np.uint64)) * _BASE
        found ^= found >> np.uint64(29)
    # A run has every interval equal to the one two before it, and their sum nothing.
    back = steps[1:] + steps[:-1] == 0
    turns = np.concatenate([[0], np.cumsum(back)])
    trill = turns[GRAM - 2 : GRAM - 2 + size] - turns[:size] == GRAM - 2
    whole = lines.track[:size] == lines.track[GRAM - 1 :]
    places = np.flatnonzero(whole & ~trill)
    return (found[places] >> np.uint64(32)).astype(np.uint32), places
