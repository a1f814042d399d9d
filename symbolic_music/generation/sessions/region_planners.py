"""What edits by region models ask for in a part of a region, and what becomes of the notes drawn: write or repitch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from typing_extensions import override

from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.pitch import Taken
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.decoding.region_request import DrawnNote
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import WrittenNote
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.views.track_style import Voice, taken
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.region import rows as r


@dataclass(frozen=True, eq=False)
class Part:
    """Some bars of a region, which are written at once.

    Args:
        score, edit: the piece and the whole edit.
        span: the part in ticks.
        start, end: the same in steps of the model.
        scale: steps a tick.
        given: notes of the piece that stay.
        region_rows: notes that the edit asks for in the whole region.
        voices: of the written tracks.
    """

    score: Score
    edit: Edit
    span: Span
    start: int
    end: int
    scale: float
    given: Array
    region_rows: Array
    voices: Mapping[int, Voice]

    @cached_property
    def rows(self) -> Array:
        """Notes that the edit asks for in the part."""
        return self.region_rows[inside(self.region_rows, *self.span)]


class RegionPlanner(ABC):
    """The plan of one part."""

    # Whether a part without notes is passed over; whether the track's habits bound what is written.
    needs_notes = True
    keeps_habits = False

    def __init__(self, part: Part) -> None:
        self.part = part

    def constraints(self) -> tuple[Constraint, ...]:
        """What the notes must obey beside the user's limits."""
        return ()

    def above(self) -> tuple[int, ...]:
        """For each note to come, keys that later notes of its onset need above it."""
        return ()

    @abstractmethod
    def note(self, drawn: DrawnNote, track: int, draft: Draft) -> WrittenNote | None:
        """The note of an alternative; None where it has no room."""


class Writing(RegionPlanner):
    """New notes."""

    needs_notes = False
    keeps_habits = True

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        # Steps are coarser than ticks: what ends on the step of the goal ends on its tick.
        self._goal = part.edit.limits.end(part.score)
        self._goal_step = None if self._goal is None else round(self._goal * part.scale)

    @override
    def note(self, drawn: DrawnNote, track: int, draft: Draft) -> WrittenNote | None:
        part = self.part
        onset, end = (round(step / part.scale) for step in (drawn.time, drawn.time + drawn.duration))
        if self._goal is not None and drawn.time + drawn.duration == self._goal_step:
            end = self._goal
        voice = part.voices[track]
        return draft.add(onset, end, drawn.pitch, track, voice, part.score, voice.fitted(drawn.velocity))


class Repitching(RegionPlanner):
    """New pitches for the notes that are there."""

    @override
    def constraints(self) -> tuple[Constraint, ...]:
        """When the notes that are there begin and end, and what they may not meet."""
        part, rows = self.part, self.part.rows
        onsets = np.clip(self._steps(rows["onset"]), part.start, part.end - 1)
        ends = self._steps(rows["onset"].astype(np.int64) + rows["duration"])
        lengths = np.clip(ends - onsets, 1, r.DURATIONS - 1)
        instruments = [part.voices[track].instrument for track in rows["track"].tolist()]
        own = part.given[np.isin(part.given["track"], part.edit.tracks)]
        rhythm = GivenRhythm(tuple(onsets.tolist()), tuple(lengths.tolist()), tuple(instruments))
        return rhythm, Taken(taken(rows, own))

    @override
    def above(self) -> tuple[int, ...]:
        """How many notes of a track follow each of those on its step: keys of one time ascend."""
        rows = self.part.rows
        pairs = list(zip(self._steps(rows["onset"]).tolist(), rows["track"].tolist(), strict=True))
        return tuple(pairs[i + 1 :].count(pair) for i, pair in enumerate(pairs))

    @override
    def note(self, drawn: DrawnNote, track: int, draft: Draft) -> WrittenNote | None:
        return draft.repitch(self.part.region_rows, drawn.pitch, self.part.score)

    def _steps(self, ticks: Array) -> Array:
        return np.asarray(np.rint(ticks.astype(np.int64) * self.part.scale), np.int64)
