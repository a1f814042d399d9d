"""An edit by a region model, conditioned on all given notes; each region is written in turn.

The tracks of a band are written one after another, each conditioned on those before it. Long spans are written in parts
of a few bars, each conditioned on the previous parts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.edits.harmony import chord_changes
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.evaluation.context import fit
from symbolic_music.general_midi import BASSES, DRUM_INSTRUMENT
from symbolic_music.generation.constraints.base import Constraint, Unsatisfiable
from symbolic_music.generation.decoding.habits import AlikeBars, Motif, Rhythm, sounding, sounding_chords
from symbolic_music.generation.decoding.region_request import NO_NOTES, DrawnNote, RegionRequest
from symbolic_music.generation.decoding.region_sampler import RegionSampler
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import WrittenNote
from symbolic_music.generation.roles import Role, role_in_a_band
from symbolic_music.generation.sampling_defaults import NEW_DRUM_SAMPLING, VELOCITY_SAMPLING
from symbolic_music.generation.sessions.base import Edit, PlannedSession, Repitch, Thin, Write
from symbolic_music.generation.sessions.edited_score import Draft
from symbolic_music.generation.sessions.figures import FIGURE_BARS, figures, repeated
from symbolic_music.generation.sessions.harmonising import harmonised, is_a_line
from symbolic_music.generation.sessions.proportion import proportion, rests
from symbolic_music.generation.sessions.region_habits import Elsewhere
from symbolic_music.generation.sessions.region_planners import Part, RegionPlanner, Repitching, Writing
from symbolic_music.generation.sessions.track_order import layers
from symbolic_music.generation.views.model_view import follows_chords
from symbolic_music.generation.views.track_style import Voice, voice_of
from symbolic_music.models import Model
from symbolic_music.score import Array, Score
from symbolic_music.theory import likely_key
from symbolic_music.tokenizers.region import GridEvents, arrange_edit, grid_events
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout
from symbolic_music.tokenizers.region.events import Integers
from symbolic_music.tokenizers.region.harmony import NO_HARMONY, Harmony
from symbolic_music.tokenizers.sustain_pedal import pedal_presses

# Rows that are kept free for what is written, and the notes of a part that are expected in them at most.
_ROOM, _PART = 200, 150
_MOST_BARS = 8
# Alternatives that are drawn side by side; keys and values of one take some 15 MB.
_AT_ONCE = 32
# A part in which the piece had notes is drawn again where nothing was written.
_TRIES = 4
_MOST_A_QUARTER = 48
# What the number of notes of a candidate counts beside its fit, which is the mean of some eight shares.
_PROPORTION = 0.25


class RegionEditing(PlannedSession):
    """An `EditSession`; arguments and errors as `PlannedSession`'s.

    What is written keeps to what its tracks do elsewhere in the piece (`decoding.habits`), unless the limits are free.

    Args:
        each: alternatives that are candidates for one result. Of a band they all go on from the part that fits best.
        to_others: sampling where there is music around, `sampling` being that of a piece's first part; None for the
            same.
        by_default: whether nobody asked for the sampling; velocities and new drums then have their own.
    """

    def __init__(
        self,
        score: Score,
        edit: Edit,
        model: Model[Any],
        sampling: Sampling,
        seed: int = 0,
        count: int = 1,
        each: int = 1,
        to_others: Sampling | None = None,
        by_default: bool = False,
    ) -> None:
        if isinstance(edit.task, Thin):
            raise OptionError(f"model {model.card.name!r} writes notes anew, it does not thin them out")
        if not edit.tracks:
            raise RegionError(f"model {model.card.name!r} writes into tracks: name at least one")
        super().__init__(score, edit, model, sampling, seed, count)
        self._scale = r.STEPS / score.ticks_per_quarter
        self._with_pedal = model.tokenizer.reads_pedal
        self._each, self._to_others, self._by_default = each, to_others or sampling, by_default
        self._layers = layers(score, edit, self._with_pedal)
        # Notes that the paces of the tracks that are being written ask for, by the number of the alternative.
        self._expected: dict[int, float] = {}
        # Under a melody alone, in the region that is being written, and those by which figures move: (step, name).
        self._planned: tuple[tuple[int, str], ...] = ()
        self._moving: tuple[tuple[int, str], ...] = ()
        # Of the parts that are being written: where their figures begin, in ticks.
        self._figures: tuple[int, ...] = ()
        voices = self._voices(edit.spans[0])
        self.instruments: tuple[int, ...] | None = tuple(sorted({voice.instrument for voice in voices.values()}))
        self.constraints: tuple[Constraint, ...] = ()
        limits = self._edit.limits
        for span in edit.spans:
            limits.constraints(score, self, span)
        self._chords = tuple(limits.chord_steps(score, self))
        self._harmony = Harmony(self._chords, limits.key) if follows_chords(model) else NO_HARMONY

    def steps(self, ticks: Sequence[int] | Array) -> NDArray[np.int64]:
        """Steps of the model at ticks of the score; see `views.model_view.StepView`."""
        return np.asarray(np.rint(np.asarray(ticks, np.int64) * self._scale), np.int64)

    @override
    def stream(self) -> Iterator[WrittenNote]:
        """The alternatives side by side, part after part."""
        was_training = self._model.network.training
        self._model.network.eval()
        try:
            for number in range(len(self._edit.spans)):
                yield from self._write(number)
        finally:
            self._model.network.train(was_training)

    def _bar_lines(self, span: Span) -> NDArray[np.int64]:
        """The ends of a span and the bar lines within it."""
        first, last = span
        lines = self._score.bars(last)
        return np.concatenate([[first], lines[(lines > first) & (lines < last)], [last]])

    def _rests(self, span: Span) -> dict[int, NDArray[np.bool_]]:
        """In which bars of a span the new parts of a band rest; none where the limits are free."""
        new = self._new_parts()
        if len(new) < 2 or self._edit.limits.free:
            return {}
        around = self._given["track"][inside(self._given, *span)]
        parts = len(np.union1d(around, self._edit.tracks))
        tracks = self._score.tracks
        instruments = [DRUM_INSTRUMENT if tracks[track].is_drum else tracks[track].program for track in new]
        bars = len(self._bar_lines(span)) - 1
        return dict(zip(new, rests(instruments, parts, bars, self._derived(span[0])), strict=True))

    def _chords_of_melody(self, span: Span) -> tuple[tuple[int, str], ...]:
        """(step, name) of the chords under a melody that is given alone to new parts; none otherwise."""
        if not self._new_parts():
            return ()
        given, instruments = self._given, self._score.replace(notes=self._given).instruments
        pitched = given[instruments < DRUM_INSTRUMENT]
        melody, key = pitched[inside(pitched, *span)], likely_key(self._score.replace(notes=given))
        if key is None or not is_a_line(melody):
            return ()
        edges = self._bar_lines(span)
        names = harmonised(melody, edges, self._score.ticks_per_quarter, key, self._derived(span[0]))
        return (*zip(self.steps(edges[:-1]).tolist(), names, strict=True), (int(self.steps(span)[1]), "-"))

    def _chords_of_figures(self) -> tuple[tuple[int, str], ...]:
        """(step, name) of the chords by which the figures of new parts move."""
        if self._planned or self._chords or not self._new_parts():
            return self._planned or self._chords
        return tuple((int(self.steps([tick])[0]), name) for tick, name in chord_changes(self._given_score))

    @property
    def _given_score(self) -> Score:
        return self._score.replace(notes=self._given)

    def _figures_of(self, span: Span, track: int, rests_in: NDArray[np.bool_] | None) -> tuple[int, ...]:
        """The ticks at which figures of a new part begin; none of drums, and where habits are left out."""
        if track not in self._new_parts() or self._score.tracks[track].is_drum or self._edit.limits.free:
            return ()
        edges = self._bar_lines(span)
        is_whole = np.isin(edges[:-1], self._score.bars(span[1])) & np.isin(edges[1:], self._score.bars(span[1] + 1))
        playing = np.ones(len(edges) - 1, bool) if rests_in is None else ~rests_in
        return tuple(int(edges[bar]) for bar in figures(playing, is_whole))

    def _role(self, track: int) -> Role | None:
        """The role of a new part: the one that is asked for, or its own in a band."""
        role = self._edit.task.role if isinstance(self._edit.task, Write) else None
        new = self._new_parts()
        if role is not None or track not in new or not len(self._given):
            return role
        tracks, given = self._score.tracks, self._given[self._given_score.instruments < DRUM_INSTRUMENT]
        family = tracks[track].program // 8
        earlier = [
            one for one in new[: new.index(track)] if not tracks[one].is_drum and tracks[one].program // 8 == family
        ]
        instrument = DRUM_INSTRUMENT if tracks[track].is_drum else tracks[track].program
        return role_in_a_band(instrument, float(np.median(given["pitch"])) if len(given) else 72.0, len(earlier))

    def _new_parts(self) -> list[int]:
        """The parts of a band that have no notes elsewhere, in the order in which they are written."""
        if len(self._layers) < len(self._edit.tracks) or not isinstance(self._edit.task, Write) or not len(self._given):
            return []
        played = np.unique(self._given["track"]).tolist()
        return [track for tracks in self._layers for track in tracks if track not in played]

    def _divided(self, span: Span, tracks: Sequence[int], rests_in: NDArray[np.bool_] | None = None) -> list[Span]:
        """A span in parts that begin on bar lines and are as long as the model writes some tracks at once.

        What lies in bars in which they rest is left out.
        """
        edges = self._bar_lines(span)
        own = self._score.notes[np.isin(self._score.notes["track"], tracks)]
        bars = max(1, len(np.unique(np.searchsorted(self._score.bars(), own["onset"], side="right"))))
        a_bar = max(len(own) / bars, 6.0 * len(tracks))
        size = int(np.clip(_PART / a_bar, 1, _MOST_BARS))
        playing = np.ones(len(edges) - 1, bool) if rests_in is None else ~rests_in
        bounds = np.flatnonzero(np.diff(playing.astype(int), prepend=0, append=0)).reshape(-1, 2).tolist()
        begun = np.flatnonzero(np.isin(edges, self._figures)).tolist()
        cuts = list[Integers]()
        for first, last in bounds:
            marks = [cut for bar in begun if first <= bar < last for cut in (bar, bar + FIGURE_BARS)]
            ends = pairwise(sorted({first, *marks, last}))
            cuts.append(np.unique([last, *(cut for low, high in ends for cut in range(low, high, size))]))
        return [(int(edges[a]), int(edges[b])) for run in cuts for a, b in pairwise(run)]

    def _voices(self, span: Span) -> dict[int, Voice]:
        tracks = self._score.tracks
        return {track: voice_of(self._score, self._given, track, tracks[track], span) for track in self._edit.tracks}

    def _planner(self, span: Span, rows: Array, voices: dict[int, Voice]) -> RegionPlanner:
        """The plan of a part, of the notes that are asked for in its region, and of its voices."""
        start, end = (int(step) for step in self.steps(list(span)))
        part = Part(self._score, self._edit, span, start, max(end, start + 1), self._scale, self._given, rows, voices)
        return Repitching(part) if isinstance(self._edit.task, Repitch) else Writing(part)

    def _write(self, number: int) -> Iterator[WrittenNote]:
        region = self._edit.spans[number]
        placed = self._edit.limits.placed(self._score, region)
        for draft in self._drafts:
            draft.begin(region, self._given, self._edit.tracks, placed, len(self._layers))
        rows, voices, resting = self._old_notes(region), self._voices(region), self._rests(region)
        self._planned = self._chords_of_melody(region)
        self._moving = self._chords_of_figures()
        for layer, tracks in enumerate(self._layers):
            own, self._expected = rows[np.isin(rows["track"], tracks)], dict[int, float]()
            self._figures = self._figures_of(region, tracks[0], resting.get(tracks[0])) if len(tracks) == 1 else ()
            parts = self._divided(region, tracks, resting.get(tracks[0]))
            yield from self._write_tracks((number, layer), parts, own, {track: voices[track] for track in tracks})
            for draft in self._drafts:
                draft.end()
            if len(self._layers) > 1:
                self._choose(region, tracks)

    def _choose(self, region: Span, tracks: Sequence[int]) -> None:
        """Let all candidates go on from the one whose notes in some tracks fit best."""
        for first in range(0, len(self._drafts), self._each):
            candidates = self._drafts[first : first + self._each]
            best = max(candidates, key=lambda draft: self._fit(draft, region, tracks))
            for draft in candidates:
                if draft is not best:
                    draft.adopt(best)

    def _fit(self, draft: Draft, region: Span, tracks: Sequence[int]) -> float:
        if self._each == 1 or not draft.has_notes(region, tracks):
            return -1.0
        score = self._score.replace(notes=draft.among(self._given), tracks=tuple(draft.tracks))
        fits = fit(score, *region, tuple(tracks), self._edit.like)[0] or 0.0
        edges, notes = self._bar_lines(region), score.notes
        onsets = notes["onset"][np.isin(notes["track"], tracks) & inside(notes, *region)]
        a_bar = np.bincount(np.searchsorted(edges, onsets, side="right") - 1, minlength=len(edges) - 1)
        return fits + _PROPORTION * proportion(a_bar, self._expected.get(draft.number, 0.0))

    def _write_tracks(
        self, at: tuple[int, int], parts: Sequence[Span], rows: Array, voices: dict[int, Voice]
    ) -> Iterator[WrittenNote]:
        """Write some tracks of a region, which had `rows` there, in parts; `at` numbers the region and the layer."""
        for place, span in enumerate(parts):
            planner = self._planner(span, rows, voices)
            had = len(planner.part.rows) > 0
            if planner.needs_notes and not had:
                continue
            drafts = self._drafts
            for attempt in range(_TRIES):
                counts = list[int]()
                at_once = max(1, _AT_ONCE // self._each) * self._each
                for first in range(0, len(drafts), at_once):
                    some = drafts[first : first + at_once]
                    counts += yield from self._draw((*at, place, attempt), some, planner, parts[place + 1 :])
                drafts = [draft for draft, count in zip(drafts, counts, strict=True) if had and not count]
                if not drafts:
                    break

    def _draw(
        self, at: tuple[int, int, int, int], drafts: Sequence[Draft], planner: RegionPlanner, later: Sequence[Span]
    ) -> Generator[WrittenNote, None, list[int]]:
        """Write a part of a region in some alternatives; how many notes each got.

        Args:
            at: numbers of the region, of the layer, of the part, and of the attempt.
            drafts: the alternatives.
            planner: of the part.
            later: the parts of the region to come.
        """
        number, layer, *place = at
        ahead = [*later, *self._edit.spans[number + 1 :]]
        # Alternatives that have the same so far ask for the same.
        same = len(drafts) if not any(at) else 1 if any(place) or len(self._layers) == 1 else self._each
        firsts = [self._request(number, ahead, draft, planner) for draft in drafts[::same]]
        requests = [firsts[i // same] for i in range(len(drafts))]
        numbers = number, *place, *([layer] if layer else [])
        seeds = [self._derived(draft.number, *numbers) for draft in drafts]
        if not place[-1]:
            for draft, (request, _) in zip(drafts, requests, strict=True):
                asked = sum(request.paces) * (request.end - request.start)
                self._expected[draft.number] = self._expected.get(draft.number, 0.0) + asked
        sampling = self._to_others if layer or len(self._score) else self._sampling
        fields = (VELOCITY_SAMPLING, NEW_DRUM_SAMPLING) if self._by_default else (None, None)
        sampler = RegionSampler(self._model.network, [request for request, _ in requests], sampling, seeds, *fields)
        counts, totals = [0] * len(drafts), [0.0] * len(drafts)
        for own, drawn in self._named(sampler.stream(), planner.part.span):
            draft, track = drafts[own], requests[own][1][drawn.slot]
            if drawn.instrument == r.PEDAL_INSTRUMENT:
                down, up = (round(step / self._scale) for step in (drawn.time, drawn.time + drawn.duration))
                draft.press(down, up, track)
                continue
            counts[own] += 1
            totals[own] += drawn.log_probability
            note = planner.note(drawn, track, draft)
            if note is not None:
                yield note
        for draft, total, count, complete in zip(drafts, totals, counts, sampler.complete, strict=True):
            draft.count(total, count, complete)
        return counts

    def _named(self, drawn: Iterator[tuple[int, DrawnNote]], span: Span) -> Iterator[tuple[int, DrawnNote]]:
        """What is drawn; an error in terms of the user's limits and bars."""
        try:
            yield from drawn
        except Unsatisfiable as error:
            raise self._met(error, self, span) from None

    def _request(
        self, number: int, ahead: Sequence[Span], draft: Draft, planner: RegionPlanner
    ) -> tuple[RegionRequest, dict[int, int]]:
        """The request to the sampler for a part of a span, and the track of each written slot."""
        part, limits = planner.part, self._edit.limits
        wanted = tuple((track, voice.instrument) for track, voice in part.voices.items())
        wanted += tuple((track, r.PEDAL_INSTRUMENT) for track in self._pedals(number))
        last = max(span[1] for span in self._edit.spans)
        known = self._score.replace(notes=draft.among(self._given), controls=draft.controls(self._score))
        events = grid_events(known, wanted, until=last, with_pedal=self._with_pedal)
        named = {(int(t), int(i)): slot for slot, (t, i) in
                 enumerate(zip(events.slot_tracks, events.slot_instruments, strict=True))}  # fmt: skip
        slots = sorted((named[pair], pair) for pair in wanted)
        chosen = [slot for slot, _ in slots]
        # Patterns of a drum kit are longer than its gaps, and the model predicts them.
        has_drums = any(instrument == DRUM_INSTRUMENT for _, instrument in wanted)
        # Chords and rhythm that are given leave nothing to habit.
        chords = self._chords or (() if has_drums else self._planned)
        over = sounding_chords(chords, part.end) if chords else sounding(events, chosen)
        others = over if planner.keeps_habits and not limits.free else None
        role = self._role(wanted[0][0]) if len(part.voices) == 1 else None
        elsewhere = None if others is None else Elsewhere(events, self._holes, others, limits, role, self._like)
        # Of a new performance with a pedal the pace alone is bounded: the habits of songs' parts would thin it out.
        is_performance = self._with_pedal and not len(self._score)
        # Where the pedal is among the events, the notes are played freely.
        is_free = others is None or self._with_pedal
        alike = None if is_free else AlikeBars(events, chosen, part.start, part.end, self._like)
        harmony = self._harmony
        if self._planned and not has_drums and follows_chords(self._model):
            harmony = Harmony(self._planned, likely_key(self._given_score))
        before = (events.time < part.start) & (events.instrument != r.PEDAL_INSTRUMENT)
        is_opening = not len(events)
        return RegionRequest(
            rows=self._rows(ahead, part, events, chosen, harmony),
            origin=part.start,
            start=part.start,
            end=part.end,
            bar_starts=events.bar_starts,
            bar_lengths=events.bar_lengths,
            slots=tuple((slot, instrument) for slot, (_, instrument) in slots),
            past=np.stack([events.time, events.duration, 128 * events.instrument + events.pitch], 1)[before],
            habits=tuple(
                None
                if elsewhere is None or is_performance or instrument == r.PEDAL_INSTRUMENT
                else elsewhere.habits(slot)
                for slot, (_, instrument) in slots
            ),
            rhythm=(
                None if has_drums or alike is None
                else Rhythm(events, chosen, [*self._holes, *self._ignored], alike)
            ),
            # Bars that are alike may have other chords than those that are asked for.
            motifs=tuple(
                None if alike is None or self._chords else Motif(events, slot, alike) for slot in chosen
            ),
            others=others,
            is_opening=is_opening,
            busy=tuple(_busy(events, slot, part.start) for slot in chosen),
            constraints=(*limits.constraints(self._score, self, part.span), *planner.constraints()),
            paces=() if elsewhere is None else elsewhere.paces(chosen, part.start, part.end),
            fewest_in_bar=(limits.notes_per_bar or (0, 0))[0],
            fewest_at_once=(limits.notes_at_once or (1, 1))[0],
            above=planner.above(),
            harmony=harmony,
            expected=self._expected_notes(events, chosen[0], part, role) if self._figures else NO_NOTES,
            beside=sounding(events, chosen) if self._planned and not has_drums else None,
            chords=self._planned if chords and not self._chords else (),
            most=max(64, _MOST_A_QUARTER * (part.end - part.start) // r.STEPS),
        ), {slot: track for slot, (track, _) in slots}  # fmt: skip

    def _expected_notes(self, events: GridEvents, slot: int, part: Part, role: Role | None) -> Integers:
        """Time, duration and key of the notes of a new part that goes on with its figure; none in the figure itself."""
        begun = [step for step in self.steps(self._figures).tolist() if step < part.start]
        own = events.slot == slot
        if not begun or role is None:
            return NO_NOTES
        bar = int(np.searchsorted(events.bar_starts, begun[-1], side="right")) - 1
        if part.start < (events.bar_starts[bar + FIGURE_BARS] if bar + FIGURE_BARS < len(events.bar_starts) else 0):
            return NO_NOTES
        notes = np.stack([events.time[own], events.duration[own], events.keys()[own]], axis=1)
        within = max(role.lowest, self._edit.limits.lowest), min(role.highest, self._edit.limits.highest)
        is_bass = int(events.slot_instruments[slot]) in BASSES
        return repeated(
            notes, (bar, bar + FIGURE_BARS), (part.start, part.end), events.bar_starts, self._moving, within, is_bass
        )

    def _rows(
        self, later: Sequence[Span], part: Part, events: GridEvents, slots: list[int], harmony: Harmony
    ) -> r.Rows:
        """Header, what is given, and the REGION row; the parts and regions to come are empty."""
        ahead = [(int(a), max(int(a) + 1, int(b))) for a, b in (self.steps(list(one)) for one in later)]
        window = self._model.network.config.window
        room = window - min(_ROOM, window // 3)
        layout = Layout(harmony=harmony)
        rows = arrange_edit(events, [(part.start, part.end), *ahead], slots, room, layout, like=self._like)
        # A piece begins as the stretches of training do: with its header alone.
        is_opening = not len(events)
        rows = rows[: int(np.flatnonzero(rows[:, r.KIND] == r.REGION)[0]) + (not is_opening)]
        if is_opening:
            rows[rows[:, r.KIND] == r.TRACK, r.ABOUT] = r.ABOUT_GIVEN
        return rows

    def _pedals(self, number: int) -> list[int]:
        """The written tracks whose pedal is written too: after the end of the piece, where it was in use so far.

        Within a piece the pedal stays as it is.
        """
        is_new = isinstance(self._edit.task, Write) and self._edit.spans[number][0] >= self._score.end
        if not self._with_pedal or not is_new:
            return []
        in_use = {int(track) for track in pedal_presses(self._score)[2]}
        return [track for track in self._edit.tracks if track in in_use or not len(self._score)]

    @property
    def _like(self) -> tuple[int, int] | None:
        """The steps of the bars whose style is followed."""
        like = self._edit.like
        return None if like is None else (int(self.steps(like)[0]), int(self.steps(like)[1]))

    @property
    def _ignored(self) -> list[tuple[int, int]]:
        """What lies before and after those bars."""
        return [] if self._like is None else [(-1, self._like[0]), (self._like[1], 1 << 40)]

    @property
    def _holes(self) -> list[tuple[int, int]]:
        return [(int(first), int(last)) for first, last in (self.steps(list(span)) for span in self._edit.spans)]


def _busy(events: GridEvents, slot: int, start: int) -> dict[int, int]:
    """Keys of a slot that sound into a span, and until when."""
    ends: Integers = events.time + events.duration
    chosen = (events.slot == slot) & (events.time < start) & (ends > start)
    return dict(zip(events.keys()[chosen].tolist(), ends[chosen].tolist(), strict=True))
