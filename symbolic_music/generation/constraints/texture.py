"""Constraints on the number of notes: at once, at a moment, in a bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.constraints.base import Constraint, Integers, Mask, Situation, concerned, sounding
from symbolic_music.tokenizers.anticipation import vocabulary as v


@dataclass(frozen=True)
class Polyphony(Constraint):
    """At most this many notes sound at once, of these instruments together (None: all but the drums), past ones too.

    Raises:
        OptionError: for fewer than one.
    """

    most: int
    instruments: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.most < 1:
            raise OptionError(f"at least one note must be allowed at once, not {self.most}")

    @override
    def pitches(self, situation: Situation) -> Mask:
        own = concerned(situation.events[..., 2], self.instruments)
        full = (sounding(situation) & own).sum(axis=1) >= self.most
        return np.asarray(~full[:, None] | ~concerned(situation.notes, self.instruments))


@dataclass(frozen=True)
class PolyphonyOfEach(Polyphony):
    """Maximum polyphony of each instrument separately; 1 makes melodies."""

    @override
    def pitches(self, situation: Situation) -> Mask:
        sounds = sounding(situation)
        counts = np.zeros((len(situation.counts), v.INSTRUMENTS), np.int64)
        line, event = np.nonzero(sounds)
        np.add.at(counts, (line, situation.events[line, event, 2] // 128), 1)
        full = counts[:, situation.notes // 128] >= self.most
        return np.asarray(~full | ~concerned(situation.notes, self.instruments))


@dataclass(frozen=True)
class OneAtATime(Constraint):
    """Each of these instruments is a melody: `PolyphonyOfEach(1)`, and where all of them sound no note may begin."""

    instruments: tuple[int, ...]

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        notes = np.where(situation.is_event, situation.events[..., 2], -1)
        ends = situation.events[..., 0] + situation.events[..., 1]
        free = [np.where(notes // 128 == i, ends, 0).max(axis=1, initial=0) for i in self.instruments]
        return np.asarray(times >= np.min(free, axis=0)[:, None])

    @override
    def pitches(self, situation: Situation) -> Mask:
        return PolyphonyOfEach(1, self.instruments).pitches(situation)


@dataclass(frozen=True)
class NotesAtOnce(Constraint):
    """From `least` to `most` notes begin at each onset, of all instruments together.

    Args:
        least, most: notes at an onset.
        room: notes of the candidates' instruments that may sound at once, where others limit that; None for any number.

    Raises:
        OptionError: for an empty range.
    """

    least: int = 1
    most: int = 128
    room: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise OptionError(f"an onset has at least one note, and least <= most, not {self.least}..{self.most}")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        count = self._count(situation)
        here = times == situation.now[:, None]
        allowed = np.where(here, count < self.most, (count == 0) | (count >= self.least))
        if self.room is None:
            return np.asarray(allowed)
        own = situation.is_event & np.isin(situation.events[..., 2], situation.notes)
        ends = np.where(own, situation.events[..., 0] + situation.events[..., 1], 0)
        full = (ends[..., None] > times[:, None]).sum(axis=1) + np.where(here & (count > 0), 1, self.least) > self.room
        return np.asarray(allowed & ~full)

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        count = self._count(situation)
        return np.asarray(((count == 0) | (count >= self.least)) & np.ones(times.shape, bool))

    def _count(self, situation: Situation) -> Integers:
        """Notes written at the newest onset, (A, 1)."""
        now = situation.is_written & (situation.events[..., 0] == situation.now[:, None])
        return np.asarray(now.sum(axis=1))[:, None]


@dataclass(frozen=True)
class NotesPerBar(Constraint):
    """From `least` to `most` notes begin in each bar of the region, of all instruments together; past ones count too.

    Args:
        bars: steps at which bars begin, sorted; the last goes on.
        least, most: notes in a bar.
        room: as for `NotesAtOnce`; what fills it ends while there is time for those that its bar, or the next, lacks.
        lines: steps on which notes may begin, sorted; none for any step.

    Raises:
        OptionError: when bars are not sorted, or for an empty range.
    """

    bars: tuple[int, ...]
    least: int = 0
    most: int = 1 << 30
    room: int | None = None
    lines: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.bars or list(self.bars) != sorted(set(self.bars)):
            raise OptionError("bars begin at steps that rise, at least one")
        if not 0 <= self.least <= self.most or self.most < 1:
            raise OptionError(f"a bar may have a note at least, and least <= most, not {self.least}..{self.most}")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        same = self._bar(times) == self._bar(situation.now)[:, None]
        room = self._count(situation) < self.most
        return np.asarray((~same | room) & self.passing(situation, times))

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        return self._may_leave(situation, times) & self._lines_suffice(situation, times)

    @override
    def durations(self, situation: Situation, durations: Integers) -> Mask | None:
        if self.room is None or not self.least:
            return None
        bar, ends = self._bar(situation.time), np.array([*self.bars, situation.end, 1 << 40])
        count = np.where(bar == self._bar(situation.now), self._count(situation)[:, 0], 0)
        lacking = np.maximum(self.least - 1 - count, 0)
        next_bar = np.maximum(ends[bar], self._before(ends[bar + 1], np.full_like(bar, self.least)))
        last = np.where(lacking > 0, self._before(ends[bar], lacking), next_bar)
        own = sounding(situation) & np.isin(situation.events[..., 2], situation.notes)
        fills = own.sum(axis=1) + 1 >= self.room
        return np.asarray(~fills[:, None] | (durations <= (last - situation.time)[:, None]))

    def _may_leave(self, situation: Situation, times: Integers) -> Mask:
        """Whether no bar of the region that has too few notes ends before these times, (A, K)."""
        if not self.least:
            return np.ones(times.shape, bool)
        first = self._bar(np.array([situation.start]))[0]
        now, then = self._bar(situation.now)[:, None], self._bar(times)
        # The end of the region ends its last bar.
        then = np.where(times >= situation.end, self._bar(np.array([situation.end - 1]))[0] + 1, then)
        enough = (now < first) | (self._count(situation) >= self.least)
        left = np.maximum(now, first - 1)
        return np.asarray((then <= left) | (enough & (then <= left + 1)))

    def _lines_suffice(self, situation: Situation, times: Integers) -> Mask:
        """Whether from these times on their bar has lines for the notes that it lacks, (A, K)."""
        if not self.lines or self.room is None or not self.least:
            return np.ones(times.shape, bool)
        bar, ends = self._bar(times), np.array([*self.bars, situation.end, 1 << 40])
        count = np.where(bar == self._bar(situation.now)[:, None], self._count(situation), 0)
        left = np.searchsorted(self.lines, np.minimum(ends[bar], situation.end)) - np.searchsorted(self.lines, times)
        return np.asarray((left * self.room >= self.least - count) | (times >= situation.end))

    def _before(self, ends: Integers, count: Integers) -> Integers:
        """The last step at which this many notes, one after another, have room before these ends."""
        if not self.lines:
            return ends - count
        at = np.searchsorted(self.lines, ends) - count
        return np.asarray(np.where(at >= 0, np.asarray(self.lines)[np.clip(at, 0, len(self.lines) - 1)], ends - count))

    def _bar(self, times: Integers) -> Integers:
        return np.asarray(np.searchsorted(self.bars, times, side="right"))

    def _count(self, situation: Situation) -> Integers:
        """Notes in the bar of the newest event, (A, 1)."""
        own = self._bar(situation.events[..., 0]) == self._bar(situation.now)[:, None]
        before = situation.is_event & (situation.events[..., 0] < situation.start)
        return np.asarray((own & (before | situation.is_written)).sum(axis=1))[:, None]
