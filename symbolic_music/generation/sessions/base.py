"""An edit: regions of some tracks are written, and everything else comes back unchanged.

A note belongs to the edit if it begins in a region, in a written track. All other notes are given and come back bit for
bit, in their order, with all other events. Written notes begin and end within their region. A given note that began
earlier and sounds into a region stays; its pitch is not struck again in its track before it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from typing_extensions import override

from symbolic_music.errors import ConstraintError, OptionError, RegionError
from symbolic_music.generation.constraints.base import Unsatisfiable
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.near_copies import flagged
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import EditSession, Written
from symbolic_music.generation.roles import Role
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.views.model_view import StepView, follows_chords
from symbolic_music.models import Model
from symbolic_music.score import Array, Score


@dataclass(frozen=True)
class Write:
    """New notes.

    Args:
        role: of the written track, if it is new.
        may_end: part of a region after which the model may end the piece; None for never.
    """

    role: Role | None = None
    may_end: float | None = None


@dataclass(frozen=True)
class Repitch:
    """New pitches for the existing notes."""


@dataclass(frozen=True)
class Thin:
    """A share of the existing notes, unchanged."""

    share: float


@dataclass(frozen=True)
class Edit:
    """The description of an edit.

    Args:
        spans: regions in ticks, sorted and disjoint; see `regions.spans_of`.
        tracks: the written tracks; none for any instruments, each in a new track.
        limits: what the notes must obey.
        task: what is written.
        like: ticks of the bars whose style region models follow; None for the whole piece.

    Examples:
        >>> edit = sm.generation.Edit([sm.bars(9, 10).span(song)], [2], sm.Limits(highest=48))
        >>> edit.tracks
        [2]
    """

    spans: Sequence[Span]
    tracks: Sequence[int]
    limits: Limits = FREE
    task: Write | Repitch | Thin = Write()
    like: Span | None = None


class PlannedSession(EditSession):
    """An `EditSession` of an `Edit`: what sessions of event models and of region models have in common.

    Args:
        score: the piece.
        edit: its description.
        model: that writes.
        sampling: temperature, top-p, top-k, min-p.
        seed: the same seed gives the same notes.
        count: alternatives. The first one does not depend on the number.

    Raises:
        OptionError: when the model cannot write into a piece.
        RegionError: when it cannot write these tracks; when their rhythm is to be kept and they have none.
        ConstraintError: when the limits contradict each other or the region; while drawing, when nothing may follow.
    """

    def __init__(
        self, score: Score, edit: Edit, model: Model[Any], sampling: Sampling, seed: int = 0, count: int = 1
    ) -> None:
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        if edit.limits.passing_notes and not follows_chords(model):
            raise OptionError(f"model {model.card.name!r} is not conditioned on chords, between which notes could pass")
        edit = replace(edit, limits=edit.limits.resolved(score, edit.spans))
        self._score, self._edit, self._model = score, edit, model
        self._sampling, self._seed = sampling, seed
        in_tracks = np.isin(score.notes["track"], edit.tracks)
        self._asked = [inside(score.notes, *span) & in_tracks for span in edit.spans]
        self._given = score.notes[~np.logical_or.reduce(self._asked)]
        if not isinstance(edit.task, Write):
            if not any(asked.any() for asked in self._asked):
                raise RegionError("these tracks have no notes in the region: there is nothing to keep")
            if edit.limits.given_pitches:
                raise ConstraintError("given pitches are for new notes in a free rhythm: these notes are there already")
        edit.limits.check(score, edit.spans)
        self._drafts = [Draft(i, score.tracks) for i in range(count)]

    @override
    @property
    def done(self) -> float:
        whole = sum(last - first for first, last in self._edit.spans) * len(self._drafts)
        return sum(draft.ticks for draft in self._drafts) / whole

    @override
    def results(self) -> list[Written]:
        """The alternatives as far as they are written, those that are begun.

        A region that was begun holds the notes drawn so far and none of those that were to be replaced; one that was
        not is as it was.
        """
        found = []
        for draft in self._drafts:
            if draft.begun:
                asked = np.logical_or.reduce(self._asked[: draft.begun])
                notes = self._score.notes
                one = draft.result(self._score, notes[asked], notes[~asked], self._edit.spans)
                found.append(replace(one, like=self._edit.like))
        return flagged(found)

    def _old_notes(self, span: Span) -> Array:
        """The notes that the edit asks for in a stretch, by onset and track."""
        own = np.isin(self._score.notes["track"], self._edit.tracks)
        rows = self._score.notes[own & inside(self._score.notes, *span)]
        return np.asarray(rows[np.lexsort((rows["track"], rows["onset"]))])

    def _worded(self, error: Unsatisfiable, view: StepView, span: Span) -> str:
        """An error of the sampler in terms of the user's limits and bars."""
        bar = max(0, int(np.searchsorted(view.steps(self._score.bars(span[1])), error.step, side="right")) - 1)
        limits = self._edit.limits.described()
        why = f"the limits ({limits}) leave none" if limits else "what is given leaves no room"
        return f"{error.what} in bar {self._score.numbers(span[1])[bar]}: {why}"

    def _met(self, error: Unsatisfiable, view: StepView, span: Span) -> ConstraintError:
        """The error while drawing: limits that contradict each other in any case are found before."""
        worded = self._worded(error, view, span)
        return ConstraintError(f"{worded}; with another seed, or looser limits, it may go on")

    def _derived(self, *numbers: int) -> int:
        """A seed for a part of the edit."""
        return int(np.random.SeedSequence((self._seed, *numbers)).generate_state(1)[0])
