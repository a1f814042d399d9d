"""Constraints on the sequence of pitches: given ones in a free rhythm, none twice. Times are in steps of 10 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.constraints.base import Constraint, Integers, Mask, Situation, concerned, sounding
from symbolic_music.tokenizers.anticipation import vocabulary as v

_NEVER = 1 << 40


@dataclass(frozen=True)
class GivenPitches(Constraint):
    """The n-th note written has the n-th of these pitches, and all are written; when they begin and end is free.

    Drums are not written, and nothing after the last pitch. Those that are left always have half of their even share of
    the region's time, so that they do not crowd at its end.

    Args:
        given: pitches in order.
        room: notes that may sound at once, where others limit that: what fills it ends in time for the next. So does,
            in any case, a note whose pitch comes again.
        until: step on which the last of them ends; None for any.

    Raises:
        OptionError: for a pitch out of range, or none.
    """

    given: tuple[int, ...]
    room: int | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        if not self.given or not all(0 <= pitch <= 127 for pitch in self.given):
            raise OptionError("given pitches lie in 0..127, at least one")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray((self._left(situation) > 0) & (times <= self._latest(situation, situation.written)[:, None]))

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        return np.asarray((self._left(situation) <= 0) | (times <= self._latest(situation, situation.written)[:, None]))

    @override
    def durations(self, situation: Situation, durations: Integers) -> Mask:
        number = np.minimum(situation.written, len(self.given) - 1)
        is_last = number == len(self.given) - 1
        again = np.array([_next_same(self.given, int(n)) for n in number])
        end = np.where(again < len(self.given), self._latest(situation, again), _NEVER)
        if self.room is not None:
            own = sounding(situation) & np.isin(situation.events[..., 2], situation.notes)
            fills = ~is_last & (own.sum(axis=1) + 1 >= self.room)
            end = np.where(fills, self._latest(situation, number + 1), end)
        allowed = durations <= (end - situation.time)[:, None]
        if self.until is not None:
            allowed &= ~is_last[:, None] | (durations == (self.until - situation.time)[:, None])
        return np.asarray(allowed)

    @override
    def pitches(self, situation: Situation) -> Mask:
        next_one = np.asarray(self.given)[np.minimum(situation.written, len(self.given) - 1)]
        return np.asarray((situation.notes % 128 == next_one[:, None]) & concerned(situation.notes, None))

    def _left(self, situation: Situation) -> Integers:
        """Pitches that are not written yet, (A, 1)."""
        return np.asarray(len(self.given) - situation.written)[:, None]

    def _latest(self, situation: Situation, number: Integers) -> Integers:
        """The last step on which notes of these numbers (A,) may begin."""
        end = situation.end if self.until is None else self.until
        share = (end - situation.start) // (2 * len(self.given))
        return np.asarray(np.minimum(end - 1, end - (len(self.given) - number) * share))


@dataclass(frozen=True)
class NoRepeatedNote(Constraint):
    """No instrument plays the pitch that it played last again."""

    instruments: tuple[int, ...] | None = None

    @override
    def pitches(self, situation: Situation) -> Mask:
        last = np.full((len(situation.counts), v.INSTRUMENTS), -1)
        for i, (events, count) in enumerate(zip(situation.events, situation.counts, strict=True)):
            notes = events[:count, 2]
            # Of several values for one place the last is kept.
            last[i, notes // 128] = notes
        repeated = last[:, situation.notes // 128] == situation.notes
        return np.asarray(~repeated | ~concerned(situation.notes, self.instruments))


def _next_same(given: tuple[int, ...], number: int) -> int:
    """The next position of the same pitch; past the end if there is none."""
    later = given[number + 1 :]
    return number + 1 + later.index(given[number]) if given[number] in later else len(given)
