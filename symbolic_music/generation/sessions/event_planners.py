"""What edits by event models ask for in a region, and what becomes of the events drawn: write, repitch or thin out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from typing_extensions import override

from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.pitch import Taken
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.constraints.selection import Selection
from symbolic_music.generation.decoding.event_request import Drawn
from symbolic_music.generation.regions import Span
from symbolic_music.generation.results import WrittenNote
from symbolic_music.generation.sessions.base import Edit, Repitch, Thin, Write
from symbolic_music.generation.sessions.edited_score import Draft, Event
from symbolic_music.generation.views.model_view import Perspective
from symbolic_music.generation.views.track_style import Voice, taken, voice_of
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.anticipation import vocabulary as v


@dataclass(frozen=True, eq=False)
class Place:
    """A region of an edit.

    Args:
        score, edit: the piece and the whole edit.
        span: the region in ticks.
        steps: the same in steps of the model.
        given: notes of the piece that stay.
        rows: notes that the edit asks for here.
        view: the piece as the model's events.
    """

    score: Score
    edit: Edit
    span: Span
    steps: Span
    given: Array
    rows: Array
    view: Perspective

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The asked notes in order, as onset, duration and note of the model."""
        view, rows = self.view, self.rows
        onsets, ends = view.steps(rows["onset"]), view.steps(rows["onset"].astype(np.int64) + rows["duration"])
        lengths = np.clip(ends - onsets, 1, v.MAX_DURATION - 1).tolist()
        starts = np.clip(onsets, self.steps[0], self.steps[1] - 1).tolist()
        players = [128 * view.instrument(track) for track in rows["track"].tolist()]
        notes = [player + pitch for player, pitch in zip(players, rows["pitch"].tolist(), strict=True)]
        return tuple(zip(starts, lengths, notes, strict=True))


class EventPlanner(ABC):
    """The plan of one region."""

    # Whether a region without notes is passed over.
    needs_notes = True

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def constraints(self, limits: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        """What the events must obey, the user's limits among it."""

    @abstractmethod
    def note(self, drawn: Drawn, draft: Draft) -> WrittenNote | None:
        """The note of an event in an alternative; None where it has no room."""


class Writing(EventPlanner):
    """New notes."""

    needs_notes = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._voices: dict[int, Voice] = {}
        # Steps are coarser than ticks: what ends on the step of the goal ends on its tick.
        self._goal = place.edit.limits.end(place.score)
        self._goal_step = None if self._goal is None else int(place.view.steps([self._goal])[0])

    @override
    def constraints(self, limits: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        return *self.place.view.constraints, *limits

    @override
    def note(self, drawn: Drawn, draft: Draft) -> WrittenNote | None:
        score = self.place.score
        first, last, track = self.place.view.place((drawn.time, drawn.duration, drawn.note), draft.tracks)
        if self._goal is not None and drawn.time + drawn.duration == self._goal_step:
            last = self._goal
        if track not in self._voices or track >= len(score.tracks):
            self._voices[track] = voice_of(score, self.place.given, track, draft.tracks[track], self.place.span)
        return draft.add(first, last, drawn.pitch, track, self._voices[track], score)


class Repitching(EventPlanner):
    """New pitches for the notes that are there."""

    @override
    def constraints(self, limits: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        place = self.place
        starts, lengths, notes = zip(*place.events, strict=True)
        own = place.given[np.isin(place.given["track"], place.edit.tracks)]
        rhythm = GivenRhythm(starts, lengths, tuple(note // 128 for note in notes))
        return *place.view.constraints, *limits, rhythm, Taken(taken(place.rows, own))

    @override
    def note(self, drawn: Drawn, draft: Draft) -> WrittenNote | None:
        return draft.repitch(self.place.rows, drawn.pitch, self.place.score)


class Thinning(EventPlanner):
    """Some of the notes that are there; those may sound together as they did."""

    def __init__(self, place: Place, share: float) -> None:
        super().__init__(place)
        self._share = share

    @override
    def constraints(self, limits: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
        return *limits, Selection(self.place.events, self._share)

    @override
    def note(self, drawn: Drawn, draft: Draft) -> WrittenNote | None:
        event = (drawn.time, drawn.duration, drawn.note)
        return draft.keep(self.place.rows, self.place.events, event, self.place.score)


def event_planner(place: Place) -> EventPlanner:
    """The planner of the edit's task."""
    match place.edit.task:
        case Write():
            return Writing(place)
        case Repitch():
            return Repitching(place)
        case Thin(share):
            return Thinning(place, share)
