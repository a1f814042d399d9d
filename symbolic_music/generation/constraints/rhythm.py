"""Constraints on onsets and ends: a given rhythm, the end on a given beat. Times are in steps of 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.constraints.base import Constraint, Integers, Mask, Situation
from symbolic_music.tokenizers.anticipation import vocabulary as v


@dataclass(frozen=True)
class GivenRhythm(Constraint):
    """The n-th note written begins at the n-th of these onsets; pitches are free, and so are durations unless given.

    The region ends with the last.

    Args:
        starts: steps, sorted; one that stands twice is a chord of two.
        lengths: steps, one for each onset; None to leave them free.
        players: instruments, one for each onset; None to leave them free.

    Raises:
        OptionError: when they are not sorted, not as many, or no durations.
    """

    starts: tuple[int, ...]
    lengths: tuple[int, ...] | None = None
    players: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not self.starts or list(self.starts) != sorted(self.starts):
            raise OptionError("given onsets are sorted, at least one")
        if self.lengths is not None and len(self.lengths) != len(self.starts):
            raise OptionError(f"{len(self.starts)} onsets are given, but {len(self.lengths)} durations")
        if self.players is not None and len(self.players) != len(self.starts):
            raise OptionError(f"{len(self.starts)} onsets are given, but {len(self.players)} instruments")
        if self.lengths is not None and not all(0 <= length < v.MAX_DURATION for length in self.lengths):
            raise OptionError("given durations lie in 0..999 steps")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray(times == self._next(self.starts, situation))

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray((times < self._next(self.starts, situation)) & (times < situation.end))

    @override
    def durations(self, situation: Situation, durations: Integers) -> Mask | None:
        return None if self.lengths is None else np.asarray(durations == self._next(self.lengths, situation))

    @override
    def pitches(self, situation: Situation) -> Mask | None:
        return (
            None if self.players is None else np.asarray(situation.notes // 128 == self._next(self.players, situation))
        )

    @override
    def finished(self, situation: Situation) -> Mask:
        return np.asarray(situation.written >= len(self.starts))

    def _next(self, values: tuple[int, ...], situation: Situation) -> Integers:
        """(A, 1)."""
        return np.asarray(values)[np.minimum(situation.written, len(values) - 1)][:, None]


@dataclass(frozen=True)
class OnGrid(Constraint):
    """Notes begin on these steps, sorted."""

    lines: tuple[int, ...]

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        return np.isin(times, self.lines)


@dataclass(frozen=True)
class EndOn(Constraint):
    """The music ends on a step: no note goes beyond, and what begins shortly before lasts until it, one note at least.

    Args:
        step: where it ends, within the region or at its end.
        held: notes that begin within this many steps before it last until it, 1 to 999.

    Raises:
        OptionError: for another number.
    """

    step: int
    held: int = v.STEPS_PER_SECOND

    def __post_init__(self) -> None:
        if not 1 <= self.held < v.MAX_DURATION:
            raise OptionError(f"the last notes are held for 1 to 999 steps, not {self.held}")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray(times < self.step)

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray((times < self.step) | self._is_reached(situation)[:, None])

    @override
    def durations(self, situation: Situation, durations: Integers) -> Mask:
        left = (self.step - situation.time)[:, None]
        return np.asarray(np.where(left <= self.held, durations == left, durations <= left))

    @override
    def finished(self, situation: Situation) -> Mask:
        return np.asarray(self._is_reached(situation) & (situation.now >= self.step))

    def _is_reached(self, situation: Situation) -> Mask:
        """(A,)."""
        ends = situation.events[..., 0] + situation.events[..., 1]
        return np.asarray((situation.is_written & (ends == self.step)).any(axis=1))
