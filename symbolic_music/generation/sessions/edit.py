"""An edit: regions of some tracks are written, and everything else comes back unchanged.

A note belongs to the edit if it begins in a region, in a written track. All other notes are given and come back bit for
bit, in their order, with all other events. Written notes begin and end within their region. A given note that began
earlier and sounds into a region stays; its pitch is not struck again in its track before it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbolic_music.errors import ConstraintError, OptionError, RegionError
from symbolic_music.generation.constraints.base import Constraint, Unsatisfiable
from symbolic_music.generation.constraints.pitch import Taken
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.constraints.selection import Selection
from symbolic_music.generation.decoding.event_sampler import AnticipationSampler
from symbolic_music.generation.decoding.feasibility import check_request
from symbolic_music.generation.decoding.request import Request
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import Written, WrittenNote, flagged
from symbolic_music.generation.roles import Role
from symbolic_music.generation.sessions.candidates import Draft
from symbolic_music.generation.views.model_view import Perspective, perspective
from symbolic_music.generation.views.track_style import Voice, taken, voice_of
from symbolic_music.models import Model
from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import vocabulary as v

_DEFAULT = Sampling()
_FREE = Limits()
# Alternatives that are written side by side; each has a memory of the model's.
_SIDE_BY_SIDE = 8
# Notes before a region that a model or a constraint may look back to.
_REMEMBERED = 4096


@dataclass(frozen=True)
class Edit:
    """The description of an edit.

    Args:
        spans: regions in ticks, sorted and disjoint; see `regions.spans_of`.
        tracks: the written tracks; none for any instruments, each in a new track.
        limits: what the notes must obey.
        keeps_rhythm: sample only pitches, for the existing notes.
        keeps: share of the existing notes to keep unchanged; None to write new ones.
        role: of the written track, if it is new.
        may_end: part of a region after which the model may end the piece; None for never.
    """

    spans: Sequence[Span]
    tracks: Sequence[int]
    limits: Limits = _FREE
    keeps_rhythm: bool = False
    keeps: float | None = None
    may_end: float | None = None
    role: Role | None = None


class Editing:
    """A running edit: it streams notes as they are drawn, and returns the scores so far at any time.

    The context of the model, and so the cost of an edit, does not grow with the piece.

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
        self,
        score: Score,
        edit: Edit,
        model: Model[Any],
        sampling: Sampling = _DEFAULT,
        seed: int = 0,
        count: int = 1,
    ) -> None:
        self._score, self._edit, self._model = score, edit, model
        self._sampling, self._seed = sampling, seed
        in_tracks = np.isin(score.notes["track"], edit.tracks)
        self._asked = [inside(score.notes, *span) & in_tracks for span in edit.spans]
        self._given = score.notes[~np.logical_or.reduce(self._asked)]
        if self._needs_notes and not any(asked.any() for asked in self._asked):
            raise RegionError("these tracks have no notes in the region: there is nothing to keep")
        if self._needs_notes and edit.limits.given_pitches:
            raise ConstraintError("given pitches are for new notes in a free rhythm: these notes are there already")
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        self._drafts = [Draft(i, score.tracks) for i in range(count)]
        edit.limits.check(score, edit.spans)
        # Whatever is impossible is so before anything is drawn.
        for number in range(len(edit.spans)):
            view = self._view(number)
            try:
                check_request(self._request(number, view, self._drafts[0]))
            except Unsatisfiable as error:
                raise ConstraintError(self._worded(error, view, edit.spans[number])) from None

    @property
    def _needs_notes(self) -> bool:
        """Whether what is written is made of what is there."""
        return self._edit.keeps_rhythm or self._edit.keeps is not None

    @property
    def done(self) -> float:
        """The share of the regions that is written, of all alternatives."""
        whole = sum(last - first for first, last in self._edit.spans) * len(self._drafts)
        return sum(draft.ticks for draft in self._drafts) / whole

    def stream(self) -> Iterator[WrittenNote]:
        """Notes as they are drawn. Closing the iterator or an interrupt ends the edit; `results` has what there is."""
        for number in range(len(self._edit.spans)):
            for first in range(0, len(self._drafts), _SIDE_BY_SIDE):
                yield from self._write(number, self._drafts[first : first + _SIDE_BY_SIDE])

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
                found.append(draft.result(self._score, notes[asked], notes[~asked], self._edit.spans))
        return flagged(found)

    def finish(self) -> list[Written]:
        """Draw all notes; the alternatives."""
        for _ in self.stream():
            pass
        return self.results()

    def _view(self, number: int) -> Perspective:
        span = self._edit.spans[number]
        voices = {t: voice_of(self._score, self._given, t, self._score.tracks[t], span) for t in self._edit.tracks}
        return perspective(self._score, voices, self._edit.spans[0], self._model, not self._needs_notes)

    def _request(self, number: int, view: Perspective, draft: Draft) -> Request:
        """The request to the sampler for a region, after the notes of a draft."""
        first, last = span = self._edit.spans[number]
        start, end = (int(step) for step in view.steps([first, last]))
        end = max(end, start + 1)
        notes = draft.among(self._given)
        begin = int(np.searchsorted(notes["onset"], first))
        stop = begin + int(np.searchsorted(view.steps(notes["onset"][begin:]), end + v.DELTA, side="right"))
        past = view.events(notes[max(0, begin - _REMEMBERED) : begin])
        past[:, 0] = np.minimum(past[:, 0], start)
        limits = self._edit.limits.constraints(self._score, view, span)
        may_end = self._edit.may_end
        # Notes that stay as they are may sound together as they did.
        always = view.constraints if self._edit.keeps is None else ()
        return Request(
            end=end,
            start=start,
            past=past,
            controls=view.events(notes[begin:stop]),
            instruments=view.instruments,
            constraints=(*always, *limits, *self._of_old_notes(number, view, (start, end))),
            opening=view.opening(past, is_whole=begin <= _REMEMBERED),
            may_end=None if may_end is None else start + round(may_end * (end - start)),
        )

    def _of_old_notes(self, number: int, view: Perspective, steps: Span) -> tuple[Constraint, ...]:
        old = self._as_events(number, view, steps) if self._needs_notes else ()
        if not old:
            return ()
        if self._edit.keeps is not None:
            return (Selection(old, self._edit.keeps),)
        starts, lengths, notes = zip(*old, strict=True)
        own = self._given[np.isin(self._given["track"], self._edit.tracks)]
        others = Taken(taken(self._score.notes[self._asked[number]], own))
        return GivenRhythm(starts, lengths, tuple(note // 128 for note in notes)), others

    def _as_events(self, number: int, view: Perspective, steps: Span) -> tuple[tuple[int, int, int], ...]:
        """The notes that were requested in a region, in order, in steps from one to another."""
        rows = self._score.notes[self._asked[number]]
        onsets, ends = view.steps(rows["onset"]), view.steps(rows["onset"].astype(np.int64) + rows["duration"])
        lengths = np.clip(ends - onsets, 1, v.MAX_DURATION - 1).tolist()
        starts = np.clip(onsets, steps[0], steps[1] - 1).tolist()
        players = [128 * view.instrument(track) for track in rows["track"].tolist()]
        notes = [player + pitch for player, pitch in zip(players, rows["pitch"].tolist(), strict=True)]
        return tuple(zip(starts, lengths, notes, strict=True))

    def _write(self, number: int, drafts: Sequence[Draft]) -> Iterator[WrittenNote]:
        span, view = self._edit.spans[number], self._view(number)
        rows = self._score.notes[self._asked[number]]
        for draft in drafts:
            draft.begin(span, self._given, self._edit.tracks)
        if self._needs_notes and not len(rows):
            for draft in drafts:
                draft.end()
            return
        # Alternatives begin with the same; after the first region each has a past of its own.
        alike = number == 0
        requests = [self._request(number, view, draft) for draft in drafts[: 1 if alike else None]]
        sampler = AnticipationSampler(
            self._model.network,
            requests,
            len(drafts) if alike else 1,
            self._sampling,
            self._derived(number, drafts[0].number),
            beat=view.beat,
        )
        # Steps are coarser than ticks: what ends on the step of the goal ends on its tick.
        voices: dict[int, Voice] = {}
        old = self._as_events(number, view, (requests[0].start, requests[0].end)) if self._needs_notes else ()
        goal = self._edit.limits.end(self._score)
        try:
            for drawn in sampler.stream():
                draft = drafts[drawn.request + drawn.alternative]
                if self._edit.keeps_rhythm:
                    yield draft.repitch(rows, drawn.pitch, self._score)
                    continue
                if self._edit.keeps is not None:
                    yield draft.keep(rows, old, (drawn.time, drawn.duration, drawn.note), self._score)
                    continue
                first, last, track = view.place((drawn.time, drawn.duration, drawn.note), draft.tracks)
                if goal is not None and drawn.time + drawn.duration == int(view.steps([goal])[0]):
                    last = goal
                if track not in voices or track >= len(self._score.tracks):
                    voices[track] = voice_of(self._score, self._given, track, draft.tracks[track], span)
                note = draft.add(first, last, drawn.pitch, track, voices[track], self._score)
                if note is not None:
                    yield note
            for draft in drafts:
                draft.end()
        except Unsatisfiable as error:
            # Limits that contradict each other in any case were found before: these met with what was drawn.
            worded = self._worded(error, view, span)
            raise ConstraintError(f"{worded}; with another seed, or looser limits, it may go on") from None
        finally:
            written = [one for several in sampler.alternatives() for one in several]
            for draft, one in zip(drafts, written, strict=True):
                draft.count(one.log_probability, len(one.events), one.complete)

    def _worded(self, error: Unsatisfiable, view: Perspective, span: Span) -> str:
        """The error in terms of the user's limits and bars."""
        lines = self._score.bars(span[1])
        bar = max(1, int(np.searchsorted(view.steps(lines), error.step, side="right")))
        limits = self._edit.limits.told()
        why = f"the limits ({limits}) leave none" if limits else "what is given leaves no room"
        return f"{error.what} in bar {bar}: {why}"

    def _derived(self, number: int, draft: int) -> int:
        """A seed for a region and the alternatives from one on: the first have the edit's own."""
        if number == draft == 0:
            return self._seed
        return int(np.random.SeedSequence((self._seed, number, draft)).generate_state(1)[0])
