"""Chords and a key that a region is conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.theory import chord_intervals, key_of_weights
from symbolic_music.tokenizers.region.events import GridEvents, Integers

# A code: twelve bits for the pitch classes of the chord, its root and the key from these bits on, 0 for none.
ROOT_BIT, KEY_BIT = 12, 16
# Bars before and after a span whose notes say its key, too.
_AROUND = 4


@dataclass(frozen=True)
class Harmony:
    """What a region is conditioned on beside notes.

    Args:
        chords: (step, name), sorted by step; each holds until the next. See `theory.chord_intervals`.
        key: 0 to 11 for C to B major, 12 to 23 for minor, as of `theory.likely_key`; None where it is free.
    """

    chords: tuple[tuple[int, str], ...] = ()
    key: int | None = None

    def codes(self, times: Integers, semitones: int = 0) -> Integers:
        """The code of the chord and the key at times (n,), transposed: (n,)."""
        chords = [0, *(_code(name, semitones) for _, name in self.chords)]
        at = np.searchsorted([step for step, _ in self.chords], times, side="right")
        key = 0 if self.key is None else 1 + self.key // 12 * 12 + (self.key + semitones) % 12
        return np.asarray(np.array(chords, np.int64)[at] + (key << KEY_BIT))


NO_HARMONY = Harmony()


def _code(name: str, semitones: int) -> int:
    root, intervals = chord_intervals(name)
    if not intervals:
        return 0
    root = (root + semitones) % 12
    return sum(1 << (root + interval) % 12 for interval in intervals) + (1 + root << ROOT_BIT)


def key_around(events: GridEvents, spans: Sequence[tuple[int, int]]) -> int | None:
    """The likely key of what sounds in spans of bars (first, end) and four bars around them; see `Harmony.key`."""
    near: NDArray[np.bool_] = np.zeros(len(events), bool)
    for first, end in spans:
        near |= (events.bar >= first - _AROUND) & (events.bar < end + _AROUND)
    near &= events.instrument < DRUM_INSTRUMENT
    pitch: Integers = events.pitch[near] % 12
    return key_of_weights(np.bincount(pitch, events.duration[near].astype(np.float64), 12))
