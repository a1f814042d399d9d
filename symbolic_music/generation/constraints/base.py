"""The interface of constraints on notes, and their combination.

A constraint is a mask over what may follow in each field, for all alternatives of a request at once. It holds no state:
what has been written so far is given to it. Constraints of pitch, of rhythm and of texture are in `pitch`,
`rhythm` and `texture`.

Shapes: A alternatives, K candidates of a field, W events written so far by the one that has written most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import ConstraintError
from symbolic_music.general_midi import DRUM_INSTRUMENT

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


class Unsatisfiable(ConstraintError):
    """Nothing may follow: what is left of nothing, from which step on, and which constraints there were."""

    def __init__(self, what: str, step: int, where: str, constraints: Sequence[Constraint]) -> None:
        names = ", ".join(type(constraint).__name__ for constraint in constraints) or "none"
        super().__init__(f"{what} {where}: the constraints contradict each other or the region ({names})")
        self.what, self.step = what, step


@dataclass(frozen=True)
class Situation:
    """The state in which a field is drawn; times are in steps of 10 ms.

    Args:
        events: past and written ones without rests, (A, W, 3), each alternative's in order; lines that one lacks hold
            -1.
        counts: events of each alternative, (A,).
        given: how many of them are of the past, the same for all.
        now: time of the newest event or rest, (A,).
        time: onset of the note under way, (A,); `now` while it is not drawn.
        duration: of the note under way, (A,); 0 while it is not drawn.
        start: first step of the region.
        end: first step after it.
        notes: candidates of the note field, 128 x instrument + pitch, (K,).
    """

    events: Integers
    counts: Integers
    given: int
    now: Integers
    time: Integers
    duration: Integers
    start: int
    end: int
    notes: Integers

    @property
    def written(self) -> Integers:
        """How many notes each alternative has written, (A,)."""
        return self.counts - self.given

    @property
    def is_event(self) -> Mask:
        """Which lines of `events` are events, (A, W)."""
        return np.asarray(np.arange(self.events.shape[1]) < self.counts[:, None])

    @property
    def is_written(self) -> Mask:
        """Which of them are written ones, (A, W). Past ones too may stand at the first step, by rounding."""
        return np.asarray(self.is_event & (np.arange(self.events.shape[1]) >= self.given))


class Constraint:
    """Allows everything; subclasses forbid some of it.

    Each method gives a mask that is broadcast to its shape, or None where nothing is forbidden.
    """

    def onsets(self, situation: Situation, times: Integers) -> Mask | None:
        """Mask of allowed onsets: of times (A, K), (A, K)."""
        return None

    def passing(self, situation: Situation, times: Integers) -> Mask | None:
        """Which of times (A, K) may be reached by a rest, or by the end of the region, (A, K)."""
        return None

    def durations(self, situation: Situation, durations: Integers) -> Mask | None:
        """Mask of allowed durations: of durations (K,) for a note at `situation.time`, (A, K) or (1, K)."""
        return None

    def pitches(self, situation: Situation) -> Mask | None:
        """Mask of allowed notes: of `situation.notes`, (A, K) or (1, K)."""
        return None

    def finished(self, situation: Situation) -> Mask | None:
        """Which alternatives have all that they were to write, (A,)."""
        return None


def both(masks: list[Mask | None], shape: tuple[int, ...]) -> Mask:
    """The intersection of masks."""
    out = np.ones(shape, bool)
    for mask in masks:
        if mask is not None:
            out &= mask
    return out


def concerned(notes: Integers, instruments: tuple[int, ...] | None) -> Mask:
    """Which notes are of these instruments; None stands for all but the drums."""
    instrument = notes // 128
    return np.asarray(instrument != DRUM_INSTRUMENT if instruments is None else np.isin(instrument, instruments))


def sounding(situation: Situation) -> Mask:
    """Which events sound at the onset of the note under way, (A, W)."""
    ends = situation.events[..., 0] + situation.events[..., 1]
    return np.asarray(situation.is_event & (ends > situation.time[:, None]))
