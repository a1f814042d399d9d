"""A constraint that keeps a share of given notes, for thinning out. Times are in steps of 10 ms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError
from symbolic_music.generation.constraints.base import Constraint, Integers, Mask, Situation

# Notes that may be missing from the share at any time, to be made up for later.
_SLACK = 2


@dataclass(frozen=True)
class Selection(Constraint):
    """Only notes of a table are written, each once, and of those that have come by at any time about this share.

    Args:
        table: (onset, duration, note) of each, sorted by onset, durations from 1 on.
        share: above 0, below 1. Of n that have come by at most n x share are written, rounded up, and at least as many,
            rounded down, but for two.

    Raises:
        OptionError: for another share, or a table that is empty or not sorted.
    """

    table: tuple[tuple[int, int, int], ...]
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise OptionError(f"the share of notes to keep is between 0 and 1, not {self.share:g}")
        starts = [row[0] for row in self.table]
        if not starts or starts != sorted(starts):
            raise OptionError("notes to select from are sorted by onset, at least one")

    @override
    def onsets(self, situation: Situation, times: Integers) -> Mask:
        starts = np.array([row[0] for row in self.table])
        come = np.searchsorted(starts, times, side="right")
        room = situation.written[:, None] < np.ceil(self.share * come)
        left = [len(self._left(situation, i, int(now))) for i, now in enumerate(situation.now)]
        spent = (times == situation.now[:, None]) & (np.array(left)[:, None] == 0)
        return np.asarray(np.isin(times, starts) & room & ~spent & self.passing(situation, times))

    @override
    def passing(self, situation: Situation, times: Integers) -> Mask:
        gone = np.searchsorted([row[0] for row in self.table], times, side="left")
        return np.asarray(situation.written[:, None] >= np.floor(self.share * gone) - _SLACK)

    @override
    def durations(self, situation: Situation, durations: Integers) -> Mask:
        left = [self._left(situation, i, int(time)) for i, time in enumerate(situation.time)]
        return np.asarray([np.isin(durations, [row[1] for row in rows]) for rows in left])

    @override
    def pitches(self, situation: Situation) -> Mask:
        masks = []
        for i, (time, duration) in enumerate(zip(situation.time, situation.duration, strict=True)):
            rows = self._left(situation, i, int(time))
            # Before the duration is drawn it is 0.
            masks.append(np.isin(situation.notes, [row[2] for row in rows if duration in (0, row[1])]))
        return np.asarray(masks)

    def _left(self, situation: Situation, line: int, time: int) -> list[tuple[int, int, int]]:
        """The notes that begin at a time and an alternative has not written yet."""
        count = int(situation.counts[line])
        written = situation.events[line, situation.given : count]
        own = Counter(map(tuple, written[written[:, 0] == time].tolist()))
        return list((Counter(row for row in self.table if row[0] == time) - own).elements())
