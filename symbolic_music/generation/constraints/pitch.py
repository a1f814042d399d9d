"""Constraints on pitches and instruments: range, scale, chords, repeats.

Those that take `instruments` leave the others alone; None stands for all but the drums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.constraints.base import Constraint, Mask, Situation, concerned, sounding
from symbolic_music.theory import SCALES, pitch_class
from symbolic_music.tokenizers.anticipation import vocabulary as v


@dataclass(frozen=True)
class PitchRange(Constraint):
    """Pitches from `low` to `high`, both included.

    Raises:
        OptionError: when there are none.
    """

    low: int = 0
    high: int = 127
    instruments: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 127:
            raise OptionError(f"a range of pitches is within 0..127, lowest first, not {self.low}..{self.high}")

    @override
    def pitches(self, situation: Situation) -> Mask:
        pitch = situation.notes % 128
        inside = (pitch >= self.low) & (pitch <= self.high)
        return np.asarray((inside | ~concerned(situation.notes, self.instruments))[None])


@dataclass(frozen=True)
class PitchClasses(Constraint):
    """Pitches of these classes alone, 0 for C to 11 for B.

    Raises:
        OptionError: for an empty set, or invalid values.
    """

    classes: tuple[int, ...]
    instruments: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", _classes(self.classes))

    @override
    def pitches(self, situation: Situation) -> Mask:
        inside = np.isin(situation.notes % 128 % 12, self.classes)
        return np.asarray((inside | ~concerned(situation.notes, self.instruments))[None])


def scale(tonic: str | int, mode: str = "major", instruments: tuple[int, ...] | None = None) -> PitchClasses:
    """The pitch classes of a scale: tonic as a name (C, F#, Bb) or number, mode one of `SCALES`.

    Raises:
        OptionError: for an unknown tonic or mode.
    """
    if mode not in SCALES:
        raise OptionError(f"no scale {mode!r}: choose from {', '.join(SCALES)}")
    root = tonic % 12 if isinstance(tonic, int) else pitch_class(tonic)
    return PitchClasses(tuple((root + step) % 12 for step in SCALES[mode]), instruments)


@dataclass(frozen=True)
class Chords(Constraint):
    """Pitches of the chord that holds at a note's onset.

    Args:
        changes: (step, pitch classes), sorted by step; each holds until the next. Before the first anything goes, and
            also without classes.
        instruments: those that keep to it.

    Raises:
        OptionError: when the steps are not sorted.
    """

    changes: tuple[tuple[int, tuple[int, ...]], ...]
    instruments: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        steps = [step for step, _ in self.changes]
        if steps != sorted(set(steps)):
            raise OptionError("chords are sorted by their steps, one at a step")
        object.__setattr__(self, "changes", tuple((s, _classes(c) if len(c) else ()) for s, c in self.changes))

    @override
    def pitches(self, situation: Situation) -> Mask:
        table = np.ones((len(self.changes) + 1, 12), bool)
        for i, (_, classes) in enumerate(self.changes, start=1):
            if classes:
                table[i] = np.isin(np.arange(12), classes)
        at = np.searchsorted([step for step, _ in self.changes], situation.time, side="right")
        return np.asarray(
            table[at][:, situation.notes % 128 % 12] | ~concerned(situation.notes, self.instruments)[None]
        )


@dataclass(frozen=True)
class NoUnison(Constraint):
    """No instrument strikes a pitch that it still sounds, past notes included: MIDI cannot represent both."""

    @override
    def pitches(self, situation: Situation) -> Mask:
        line, event = np.nonzero(sounding(situation))
        taken = np.zeros((len(situation.counts), v.MAX_NOTE), bool)
        taken[line, situation.events[line, event, 2]] = True
        return np.asarray(~taken[:, situation.notes])


@dataclass(frozen=True)
class Taken(Constraint):
    """The n-th note written has none of the n-th pitches, which its track sounds for someone else."""

    pitches_taken: tuple[frozenset[int], ...]

    @override
    def pitches(self, situation: Situation) -> Mask:
        own = [self.pitches_taken[min(int(n), len(self.pitches_taken) - 1)] for n in situation.written]
        return np.asarray([~np.isin(situation.notes % 128, list(taken)) for taken in own])


def _classes(classes: Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(sorted(set(classes)))
    if not chosen or not all(0 <= one <= 11 for one in chosen):
        raise OptionError(f"pitch classes are numbers from 0 to 11, at least one, not {tuple(classes)}")
    return chosen
