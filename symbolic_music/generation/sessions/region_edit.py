"""An edit by a region model, conditioned on all given notes; each region is written in turn.

Long spans are written in parts of a few bars, each conditioned on the previous parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.errors import ConstraintError, OptionError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.generation.constraints.pitch import Taken
from symbolic_music.generation.constraints.rhythm import GivenRhythm
from symbolic_music.generation.decoding.habits import Habits, Rhythm, Sounding, habits_of, new_habits, sounding
from symbolic_music.generation.decoding.region_request import RegionRequest
from symbolic_music.generation.decoding.region_sampler import RegionSampler
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import EditSession, Written, WrittenNote, flagged
from symbolic_music.generation.sessions.candidates import Draft
from symbolic_music.generation.sessions.edit import Edit, Editing
from symbolic_music.generation.views.track_style import Voice, taken, voice_of
from symbolic_music.models import Model
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.region import GridEvents, arrange_edit, grid_events
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.events import Integers
from symbolic_music.tokenizers.sustain import pedal_presses

# Rows that are kept free for what is written, and the notes of a part that are expected in them at most.
_ROOM, _PART = 200, 150
_MOST_BARS = 8
# A part in which the piece had notes is drawn again where nothing was written.
_TRIES = 4
_MOST_A_QUARTER = 48
_REGION_SAMPLING = Sampling(temperature=0.85)
# How far around, in bars of four quarters, the pace of a part is measured, and from how many notes.
_PACE_BARS, _FEWEST_FOR_PACE = 8, 8
# Up to this many notes of a bar stand on its sixteenths.
_SIXTEENTH, _MANY = r.STEPS // 4, 12


class RegionEditing(EditSession):
    """A `EditSession`; arguments and errors as `edit.Editing`'s.

    What is written keeps to what its tracks do elsewhere in the piece (`decoding.habits`), unless the limits are free.
    """

    def __init__(
        self,
        score: Score,
        edit: Edit,
        model: Model[Any],
        sampling: Sampling,
        seed: int = 0,
        count: int = 1,
    ) -> None:
        if count < 1:
            raise OptionError(f"at least one alternative is needed, not {count}")
        if edit.keeps is not None:
            raise OptionError(f"model {model.card.name!r} writes notes anew, it does not thin them out")
        if not edit.tracks:
            raise RegionError(f"model {model.card.name!r} writes into tracks: name at least one")
        self._score, self._edit, self._model = score, edit, model
        self._sampling, self._seed = sampling, seed
        self._scale = r.STEPS / score.ticks_per_quarter
        self._with_pedal = model.tokenizer.reads_pedal
        in_tracks = np.isin(score.notes["track"], edit.tracks)
        self._asked = [inside(score.notes, *span) & in_tracks for span in edit.spans]
        self._given = score.notes[~np.logical_or.reduce(self._asked)]
        if edit.keeps_rhythm and not any(asked.any() for asked in self._asked):
            raise RegionError("these tracks have no notes in the region: there is nothing to keep")
        if edit.keeps_rhythm and edit.limits.given_pitches:
            raise ConstraintError("given pitches are for new notes in a free rhythm: these notes are there already")
        edit.limits.check(score, edit.spans)
        self._drafts = [Draft(i, score.tracks) for i in range(count)]
        self._parts = [self._divided(span) for span in edit.spans]
        first = edit.spans[0]
        voices = {track: self._voice(track, first) for track in edit.tracks}
        self.instruments: tuple[int, ...] | None = tuple(sorted({voice.instrument for voice in voices.values()}))
        self.constraints: tuple[Constraint, ...] = ()
        for span in edit.spans:
            edit.limits.constraints(score, self, span)

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """Steps of the model at ticks of the score; see `views.model_view.StepView`."""
        return np.asarray(np.rint(np.asarray(ticks, np.int64) * self._scale), np.int64)

    @override
    @property
    def done(self) -> float:
        whole = sum(last - first for first, last in self._edit.spans) * len(self._drafts)
        return sum(draft.ticks for draft in self._drafts) / whole

    @override
    def stream(self) -> Iterator[WrittenNote]:
        """One alternative after the other."""
        was_training = self._model.network.training
        self._model.network.eval()
        try:
            for draft in self._drafts:
                for number in range(len(self._edit.spans)):
                    yield from self._write(number, draft)
        finally:
            self._model.network.train(was_training)

    @override
    def results(self) -> list[Written]:
        found = []
        for draft in self._drafts:
            if draft.begun:
                asked = np.logical_or.reduce(self._asked[: draft.begun])
                notes = self._score.notes
                found.append(draft.result(self._score, notes[asked], notes[~asked], self._edit.spans))
        return flagged(found)

    @override
    def finish(self) -> list[Written]:
        for _ in self.stream():
            pass
        return self.results()

    # -- parts --------------------------------------------------------------------------------------------

    def _divided(self, span: Span) -> list[Span]:
        """A span in parts that begin on bar lines and are as long as the model writes at once."""
        first, last = span
        lines = self._score.bars(last)
        lines = lines[(lines > first) & (lines < last)]
        edges = np.concatenate([[first], lines, [last]])
        own = self._score.notes[np.isin(self._score.notes["track"], self._edit.tracks)]
        bars = max(1, len(np.unique(np.searchsorted(self._score.bars(), own["onset"], side="right"))))
        a_bar = max(len(own) / bars, 6.0 * len(self._edit.tracks))
        size = int(np.clip(_PART / a_bar, 1, _MOST_BARS))
        cuts = np.unique(np.append(edges[::size], last))
        return [(int(a), int(b)) for a, b in pairwise(cuts)]

    def _voice(self, track: int, span: Span) -> Voice:
        return voice_of(self._score, self._given, track, self._score.tracks[track], span)

    def _write(self, number: int, draft: Draft) -> Iterator[WrittenNote]:
        span, notes = self._edit.spans[number], self._score.notes
        rows = notes[self._asked[number]]
        rows = rows[np.lexsort((rows["track"], rows["onset"]))]
        draft.begin(span, self._given, self._edit.tracks)
        voices = {track: self._voice(track, span) for track in self._edit.tracks}
        goal = self._edit.limits.end(self._score)
        for place, part in enumerate(self._parts[number]):
            had = bool((inside(notes, *part) & self._asked[number]).any())
            if self._edit.keeps_rhythm and not had:
                continue
            for attempt in range(_TRIES):
                request, tracks = self._request(number, place, draft, voices)
                sampler = RegionSampler(
                    self._model.network, request, self._sampling, self._derived(draft.number, number, place, attempt)
                )
                count, total = 0, 0.0
                for drawn in sampler.stream():
                    if drawn.instrument == r.PEDAL_INSTRUMENT:
                        down, up = (round(step / self._scale) for step in (drawn.time, drawn.time + drawn.duration))
                        draft.press(down, up, tracks[drawn.slot])
                        continue
                    count, total = count + 1, total + drawn.log_probability
                    if self._edit.keeps_rhythm:
                        yield draft.repitch(rows, drawn.pitch, self._score)
                        continue
                    track = tracks[drawn.slot]
                    onset, end = (round(step / self._scale) for step in (drawn.time, drawn.time + drawn.duration))
                    if goal is not None and drawn.time + drawn.duration == int(self.steps([goal])[0]):
                        end = goal
                    note = draft.add(
                        onset,
                        end,
                        drawn.pitch,
                        track,
                        voices[track],
                        self._score,
                        _fitted(drawn.velocity, voices[track]),
                    )
                    if note is not None:
                        yield note
                draft.count(total, count, sampler.complete)
                if count or not had:
                    break
        draft.end()

    def _request(
        self, number: int, place: int, draft: Draft, voices: dict[int, Voice]
    ) -> tuple[RegionRequest, dict[int, int]]:
        """The request to the sampler for a part of a span, and the track of each written slot."""
        part = self._parts[number][place]
        notes = draft.among(self._given)
        wanted = tuple((track, voice.instrument) for track, voice in voices.items())
        wanted += tuple((track, r.PEDAL_INSTRUMENT) for track in self._pedals(number))
        last = max(span[1] for span in self._edit.spans)
        known = self._score.replace(notes=notes, controls=draft.controls(self._score))
        events = grid_events(known, wanted, until=last, with_pedal=self._with_pedal)
        named = {(int(t), int(i)): slot for slot, (t, i) in
                 enumerate(zip(events.slot_tracks, events.slot_instruments, strict=True))}  # fmt: skip
        slots = {named[pair]: pair for pair in wanted}
        start, end = (int(step) for step in self.steps(list(part)))
        end = max(end, start + 1)
        later = [*self._parts[number][place + 1 :], *self._edit.spans[number + 1 :]]
        spans = [
            (start, end),
            *((int(a), max(int(a) + 1, int(b))) for a, b in (self.steps(list(one)) for one in later)),
        ]
        window = self._model.network.config.window
        rows = arrange_edit(events, spans, list(slots), window - min(_ROOM, window // 3))
        is_opening = not len(events)
        # A piece begins as the stretches of training do: with its header alone.
        rows = rows[: int(np.flatnonzero(rows[:, r.KIND] == r.REGION)[0]) + (not is_opening)]
        if is_opening:
            rows[rows[:, r.KIND] == r.TRACK, r.ABOUT] = r.ABOUT_GIVEN
        # Patterns of a drum kit are longer than its gaps, and the model predicts them.
        has_drums = any(instrument == DRUM_INSTRUMENT for _, instrument in wanted)
        # Chords and rhythm that are given leave nothing to habit.
        others = None if self._edit.limits.free or self._edit.keeps_rhythm else sounding(events, list(slots))
        # Where the pedal is among the events, the notes are played freely.
        is_in_time = others is not None and not has_drums and not self._with_pedal
        before = (events.time < start) & (events.instrument != r.PEDAL_INSTRUMENT)
        past = np.stack([events.time, events.duration, 128 * events.instrument + events.pitch], 1)[before]
        limits = self._edit.limits.constraints(self._score, self, part)
        return RegionRequest(
            rows=rows,
            origin=start,
            start=start,
            end=end,
            bar_starts=events.bar_starts,
            bar_lengths=events.bar_lengths,
            slots=tuple((slot, pair[1]) for slot, pair in sorted(slots.items())),
            past=past,
            habits=tuple(
                None if others is None or slots[slot][1] == r.PEDAL_INSTRUMENT else self._habits(events, slot, others)
                for slot in sorted(slots)
            ),
            rhythm=Rhythm(events, list(slots), self._holes) if is_in_time else None,
            others=others,
            is_opening=is_opening,
            busy=tuple(_busy(events, slot, start) for slot in sorted(slots)),
            constraints=(*limits, *self._rhythm(number, part, start, end)),
            pace=0.0 if others is None else self._pace(events, list(slots), start, end),
            fewest_in_bar=(self._edit.limits.notes_per_bar or (0, 0))[0],
            fewest_at_once=(self._edit.limits.notes_at_once or (1, 1))[0],
            above=self._above(number, part) if self._edit.keeps_rhythm else (),
            most=max(64, _MOST_A_QUARTER * (end - start) // r.STEPS),
        ), {slot: pair[0] for slot, pair in slots.items()}  # fmt: skip

    def _pedals(self, number: int) -> list[int]:
        """The written tracks whose pedal is written too: after the end of the piece, where it was in use so far.

        Within a piece the pedal stays as it is.
        """
        if not self._with_pedal or self._edit.keeps_rhythm or self._edit.spans[number][0] < self._score.end:
            return []
        in_use = {int(track) for track in pedal_presses(self._score)[2]}
        return [track for track in self._edit.tracks if track in in_use or not len(self._score)]

    @property
    def _holes(self) -> list[tuple[int, int]]:
        return [(int(first), int(last)) for first, last in (self.steps(list(span)) for span in self._edit.spans)]

    def _habits(self, events: GridEvents, slot: int, others: Sounding) -> Habits:
        own = events.slot == slot
        columns = (events.time[own], events.duration[own], events.keys()[own], events.bar[own])
        found, limits = habits_of(*columns, self._holes, others), self._edit.limits
        if found is None:
            found = self._new(events)
        # Limits that are named come before habits.
        at_once, per_bar = found.at_once, found.per_bar
        if limits.notes_at_once is not None:
            at_once = max(at_once, limits.notes_at_once[1])
        if limits.notes_per_bar is not None:
            per_bar = max(per_bar, limits.notes_per_bar[1])
        places = found.places
        if limits.notes_per_bar is not None and limits.notes_per_bar[0] > found.per_bar / 2:
            # More notes than the part has need more places than it uses.
            places = places | (np.arange(r.STEPS) % (_SIXTEENTH if limits.notes_per_bar[0] <= _MANY else 1) == 0)
        return replace(found, at_once=at_once, per_bar=per_bar, places=places)

    def _pace(self, events: GridEvents, slots: list[int], start: int, end: int) -> float:
        """Notes a step of slots in the bars around a part of a span; 0 where there are too few to tell."""
        if self._edit.limits.notes_per_bar is not None:
            return 0.0
        last_note = int(events.time.max(initial=0)) + 1
        low, high = max(0, start - _PACE_BARS * 4 * r.STEPS), min(end + _PACE_BARS * 4 * r.STEPS, max(end, last_note))
        own = np.isin(events.slot, slots) & (events.instrument != r.PEDAL_INSTRUMENT)
        own &= (events.time >= low) & (events.time < high)
        steps = high - low
        for first, last in self._holes:
            own &= (events.time < first) | (events.time >= last)
            steps -= max(0, min(last, high) - max(first, low))
        return float(own.sum() / steps) if own.sum() >= _FEWEST_FOR_PACE and steps > 0 else 0.0

    def _new(self, events: GridEvents) -> Habits:
        role = self._edit.role
        if role is None:
            return new_habits(events)
        return new_habits(events, role.at_once, role.per_bar, max(1, round(role.shortest_quarters * r.STEPS)))

    def _rhythm(self, number: int, part: Span, start: int, end: int) -> tuple[Constraint, ...]:
        """For new pitches alone: when the notes that are there begin and end, and what they may not meet."""
        if not self._edit.keeps_rhythm:
            return ()
        rows = self._rows(number, part)
        onsets = np.clip(self.steps(rows["onset"]), start, end - 1)
        ends = self.steps(rows["onset"].astype(np.int64) + rows["duration"])
        lengths = np.clip(ends - onsets, 1, r.DURATIONS - 1)
        instruments = [self._voice(track, part).instrument for track in rows["track"].tolist()]
        own = self._given[np.isin(self._given["track"], self._edit.tracks)]
        rhythm = GivenRhythm(tuple(onsets.tolist()), tuple(lengths.tolist()), tuple(instruments))
        return rhythm, Taken(taken(rows, own))

    def _rows(self, number: int, part: Span) -> Array:
        """The notes that are requested in a part of a span, by onset and track."""
        rows = self._score.notes[self._asked[number] & inside(self._score.notes, *part)]
        return np.asarray(rows[np.lexsort((rows["track"], rows["onset"]))])

    def _above(self, number: int, part: Span) -> tuple[int, ...]:
        """How many notes of a track follow each of those on its step: keys of one time ascend."""
        rows = self._rows(number, part)
        pairs = list(zip(self.steps(rows["onset"]).tolist(), rows["track"].tolist(), strict=True))
        return tuple(pairs[i + 1 :].count(pair) for i, pair in enumerate(pairs))

    def _derived(self, *numbers: int) -> int:
        return int(np.random.SeedSequence((self._seed, *numbers)).generate_state(1)[0])


def _fitted(velocity: int, voice: Voice) -> int:
    """A velocity within those of the track around the region."""
    around = voice.around["velocity"]
    return int(np.clip(velocity, max(1, around.min()), around.max())) if len(around) else max(1, velocity)


def _busy(events: GridEvents, slot: int, start: int) -> dict[int, int]:
    """Keys of a slot that sound into a span, and until when."""
    ends: Integers = events.time + events.duration
    chosen = (events.slot == slot) & (events.time < start) & (ends > start)
    return dict(zip(events.keys()[chosen].tolist(), ends[chosen].tolist(), strict=True))


def edit_session(
    score: Score, edit: Edit, model: Model[Any], sampling: Sampling | None = None, seed: int = 0, count: int = 1
) -> EditSession:
    """An edit to be run by whatever the model needs; arguments and errors as `edit.Editing`'s.

    Without `sampling` that of `default_sampling`.
    """
    drawn = sampling or default_sampling(model)
    if model.reads == "regions":
        return RegionEditing(score, edit, model, drawn, seed, count)
    return Editing(score, edit, model, drawn, seed, count)


def default_sampling(model: Model[Any]) -> Sampling:
    """The default settings of a model: temperature 0.85 for region models without a pedal, 1 for others; top-p 0.95.

    On held-out songs a region model writes nearer to its tracks at 0.85: likeness of rhythm .77, not .72. Free playing
    becomes stiff there: velocities spread .75 times as far as the prompt's, not .87.
    """
    plays_in_time = model.reads == "regions" and not model.tokenizer.reads_pedal
    return _REGION_SAMPLING if plays_in_time else Sampling()
