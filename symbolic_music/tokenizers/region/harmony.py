"""Chords and a key that a region is conditioned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symbolic_music.theory import chord_intervals, key_of_weights
from symbolic_music.tokenizers.region.events import GridEvents, Integers
from symbolic_music.tokenizers.region.rows import CHORD_INSTRUMENT, DURATIONS, SLOTS

_LOWEST_ROOT, _VELOCITY = 48, 64
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

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.chords) or self.key is not None


NO_HARMONY = Harmony()


def with_chords(events: GridEvents, chords: Sequence[tuple[int, str]], spans: Sequence[tuple[int, int]]) -> GridEvents:
    """The events with the chords of some spans as notes of a last slot: of one octave, the root at the bottom.

    Unchanged where no chord falls in a span, or without a free slot.

    Args:
        chords: as `Harmony.chords`.
        spans: steps, (first, end).
    """
    found = [(time, duration, pitch) for span in spans for time, duration, pitch in _notes(chords, span)]
    slot = len(events.slot_instruments)
    if not found or slot >= SLOTS:
        return events
    time, duration, pitch = np.array(found, np.int64).T

    def both(own: Integers, new: Integers | int) -> Integers:
        return np.append(own, np.broadcast_to(new, len(time)))

    order = np.lexsort([both(*pair) for pair in ((events.pitch, pitch), (events.slot, slot), (events.time, time))])

    def joined(own: Integers, new: Integers | int) -> Integers:
        return np.asarray(both(own, new)[order])

    return replace(
        events,
        time=joined(events.time, time),
        duration=joined(events.duration, duration),
        slot=joined(events.slot, slot),
        instrument=joined(events.instrument, CHORD_INSTRUMENT),
        pitch=joined(events.pitch, pitch),
        velocity=joined(events.velocity, _VELOCITY),
        bar=joined(events.bar, np.clip(np.searchsorted(events.bar_starts, time, side="right") - 1, 0, None)),
        slot_instruments=np.append(events.slot_instruments, CHORD_INSTRUMENT),
        slot_tracks=np.append(events.slot_tracks, -1),
    )


def _notes(chords: Sequence[tuple[int, str]], span: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Time, duration and pitch of the notes of the chords in a span."""
    out = []
    for number, (step, name) in enumerate(chords):
        until = chords[number + 1][0] if number + 1 < len(chords) else span[1]
        start, end = max(step, span[0]), min(until, span[1])
        if start < end:
            root, intervals = chord_intervals(name)
            pitches = sorted(_LOWEST_ROOT + root + interval % 12 for interval in intervals)
            out += [(start, min(end - start, DURATIONS - 1), pitch) for pitch in pitches]
    return out


def key_around(events: GridEvents, spans: Sequence[tuple[int, int]]) -> int | None:
    """The likely key of what sounds in spans of bars (first, end) and four bars around them; see `Harmony.key`."""
    near: NDArray[np.bool_] = np.zeros(len(events), bool)
    for first, end in spans:
        near |= (events.bar >= first - _AROUND) & (events.bar < end + _AROUND)
    near &= events.instrument < 128
    pitch: Integers = events.pitch[near] % 12
    return key_of_weights(np.bincount(pitch, events.duration[near].astype(np.float64), 12))
