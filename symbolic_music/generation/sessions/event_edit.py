"""An edit by an event model: regions are written in time, alternatives side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from typing_extensions import override

from symbolic_music.errors import ConstraintError
from symbolic_music.generation.constraints.base import Unsatisfiable
from symbolic_music.generation.decoding.event_request import Request
from symbolic_music.generation.decoding.feasibility import check_request
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.decoding.speculative import sampler_for
from symbolic_music.generation.regions import Span
from symbolic_music.generation.results import WrittenNote
from symbolic_music.generation.sessions.base import Edit, PlannedSession, Write
from symbolic_music.generation.sessions.edited_score import Draft, Placed
from symbolic_music.generation.sessions.event_planners import EventPlanner, Place, event_planner
from symbolic_music.generation.views.model_view import Perspective, perspective
from symbolic_music.generation.views.onset_grid import has_usual_grid, near_line, usual_grid, usual_lines
from symbolic_music.generation.views.track_style import voice_of
from symbolic_music.models import Model
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import vocabulary as v

_DEFAULT = Sampling()
# Alternatives that are written side by side; each has a memory of the model's.
_SIDE_BY_SIDE = 8
# Notes before a region that a model or a constraint may look back to.
_REMEMBERED = 4096


class Editing(PlannedSession):
    """A running edit: it streams notes as they are drawn, and returns the scores so far at any time.

    The context of the model, and so the cost of an edit, does not grow with the piece. Arguments and errors as
    `PlannedSession`'s.

    Examples:
        >>> model = sm.load_model("chorales")
        >>> edit = sm.generation.Edit([sm.bars(2, 3).span(melody)], [0])
        >>> session = sm.generation.Editing(melody, edit, model, seed=1)
        >>> len(session.finish())
        1
    """

    def __init__(
        self, score: Score, edit: Edit, model: Model[Any], sampling: Sampling = _DEFAULT, seed: int = 0, count: int = 1
    ) -> None:
        super().__init__(score, edit, model, sampling, seed, count)
        # Whatever is impossible is so before anything is drawn.
        for planner in map(self._planner, edit.spans):
            if len(planner.place.rows) or not planner.needs_notes:
                try:
                    check_request(self._request(planner, self._drafts[0]))
                except Unsatisfiable as error:
                    raise ConstraintError(self._worded(error, planner.place.view, planner.place.span)) from None

    @override
    def stream(self) -> Iterator[WrittenNote]:
        for number in range(len(self._edit.spans)):
            for first in range(0, len(self._drafts), _SIDE_BY_SIDE):
                yield from self._write(number, self._drafts[first : first + _SIDE_BY_SIDE])

    def _planner(self, span: Span) -> EventPlanner:
        view = self._view(span)
        start, end = (int(step) for step in view.steps(list(span)))
        steps = start, max(end, start + 1)
        return event_planner(Place(self._score, self._edit, span, steps, self._given, self._old_notes(span), view))

    def _view(self, span: Span) -> Perspective:
        tracks = self._score.tracks
        voices = {t: voice_of(self._score, self._given, t, tracks[t], span) for t in self._edit.tracks}
        writes = isinstance(self._edit.task, Write)
        return perspective(self._score, voices, self._edit.spans[0], self._model, writes)

    def _request(self, planner: EventPlanner, draft: Draft) -> Request:
        """The request to the sampler for a region, after the notes of a draft."""
        view, span, (start, end) = planner.place.view, planner.place.span, planner.place.steps
        notes = draft.among(self._given)
        begin = int(np.searchsorted(notes["onset"], span[0]))
        stop = begin + int(np.searchsorted(view.steps(notes["onset"][begin:]), end + v.DELTA, side="right"))
        past = view.events(notes[max(0, begin - _REMEMBERED) : begin])
        past[:, 0] = np.minimum(past[:, 0], start)
        may_end = self._edit.task.may_end if isinstance(self._edit.task, Write) else None
        return Request(
            end=end,
            start=start,
            past=past,
            controls=view.events(notes[begin:stop]),
            instruments=view.instruments,
            constraints=planner.constraints(self._edit.limits.constraints(self._score, view, span)),
            opening=view.opening(past, is_whole=begin <= _REMEMBERED),
            may_end=None if may_end is None else start + round(may_end * (end - start)),
        )

    def _write(self, number: int, drafts: Sequence[Draft]) -> Iterator[WrittenNote]:
        planner = self._planner(self._edit.spans[number])
        placed = self._placed(planner.place)
        for draft in drafts:
            draft.begin(planner.place.span, self._given, self._edit.tracks, placed)
        if planner.needs_notes and not len(planner.place.rows):
            for draft in drafts:
                draft.end()
            return
        # Alternatives begin with the same; after the first region each has a past of its own.
        alike = number == 0
        requests = [self._request(planner, draft) for draft in drafts[: 1 if alike else None]]
        sampler = sampler_for(self._model.network)(
            self._model.network,
            requests,
            len(drafts) if alike else 1,
            self._sampling,
            # The first region and alternatives have the edit's own seed.
            self._derived(number, drafts[0].number) if number or drafts[0].number else self._seed,
            beat=planner.place.view.beat,
        )
        try:
            for drawn in sampler.stream():
                note = planner.note(drawn, drafts[drawn.request + drawn.alternative])
                if note is not None:
                    yield note
            for draft in drafts:
                draft.end()
        except Unsatisfiable as error:
            raise self._met(error, planner.place.view, planner.place.span) from None
        finally:
            written = [one for several in sampler.alternatives() for one in several]
            for draft, one in zip(drafts, written, strict=True):
                draft.count(one.log_probability, len(one.events), one.complete)

    @cached_property
    def _is_on_grid(self) -> bool:
        return has_usual_grid(self._score, self._given)

    def _placed(self, place: Place) -> Placed | None:
        """The grid of the limits, or that of the piece where the model's clock is in seconds."""
        limits = self._edit.limits
        is_bound = limits.free or limits.given_pitches or limits.end_on is not None
        if limits.grid is None and place.view.is_in_seconds and not is_bound and self._is_on_grid:
            return partial(usual_grid, usual_lines(self._score, place.span), near=near_line(self._score))
        return limits.placed(self._score, place.span)
