"""The alternatives of a request during sampling, and the allowed next events of each."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from symbolic_music.errors import ConstraintError
from symbolic_music.generation.constraints.base import Integers, Mask, Situation, Unsatisfiable, both
from symbolic_music.generation.decoding.context_window import EventWindow, Layout
from symbolic_music.generation.decoding.event_request import Alternative, Drawn, Request
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import REST_NOTE, Events, pad

# Past events that constraints see.
_REMEMBERED = 2048


class Line:
    """One alternative: its window, the ids that the model has not read yet, and the event under way.

    Args:
        place: among all alternatives of all requests.
        number: among those of its request.
        window: with what is given.
        end: first step after the region.
        seed: of its random numbers.
    """

    def __init__(self, place: int, number: int, window: EventWindow, end: int, seed: Sequence[int]) -> None:
        self.place, self.number, self.window, self.end = place, number, window, end
        self.random = np.random.default_rng(seed)
        self.pending = window.ids()
        self.restart = self.done = self.was_refused = False
        self.complete = True
        self.rows: list[tuple[int, int, int]] = []
        self.log_probabilities: list[tuple[float, float, float]] = []
        self.time: int | None = None
        self.duration: int | None = None
        self.is_new = False
        # By gap: where a note may begin, where a rest may stand; once the time is drawn, whether there.
        self.note_gaps = self.rest_gaps = np.zeros(0, bool)
        self.may_note = self.may_rest = False
        self.note_durations = np.zeros(0, bool)
        self.scores = [0.0, 0.0, 0.0]

    def twin(self) -> Line:
        """A line that can go on without this one."""
        twin = copy(self)
        twin.window = self.window.twin()
        twin.pending, twin.rows, twin.scores = list(self.pending), list(self.rows), list(self.scores)
        twin.log_probabilities = list(self.log_probabilities)
        return twin

    def show_controls(self) -> None:
        """Let the model see what is due, and the window slide if it must."""
        self.pending += self.window.show_controls()
        if self.window.is_full():
            self.window.slide()
            self.restart, self.pending = True, self.window.ids()

    def choose_time(self, index: int) -> None:
        """A gap, or the index after the last for the end of the piece."""
        time = self.window.now + index
        if index == len(self.note_gaps) or time >= self.end:
            self.done = True
            return
        self.time, self.may_note, self.may_rest = time, bool(self.note_gaps[index]), bool(self.rest_gaps[index])
        self.pending.append(self.window.time_id(time))

    def choose_duration(self, duration: int) -> None:
        """In steps."""
        self.duration = duration
        self.pending.append(v.DURATION + duration)

    def choose_note(self, note: int) -> None:
        """REST_NOTE or 128 x instrument + pitch; the event is done."""
        assert self.time is not None
        assert self.duration is not None
        self.pending.append(v.NOTE + note)
        self.rows.append((self.time, self.duration, note))
        time, duration, last = self.scores
        self.log_probabilities.append((time, duration, last))
        self.window.append(*self.rows[-1])
        self.scores, self.time, self.duration, self.is_new = [0.0, 0.0, 0.0], None, None, note != REST_NOTE

    def rest(self) -> None:
        """The rest of an event whose time was drawn where no note may begin."""
        self.choose_duration(0)
        self.choose_note(REST_NOTE)

    def result(self) -> Alternative:
        """The result so far."""
        rows = np.array(self.rows, np.int32).reshape(-1, 3)
        scores = np.array(self.log_probabilities, np.float64).reshape(-1, 3)
        return Alternative(rows, scores, self.done and self.complete)


Choice = tuple[Line, Mask]


class Group:
    """The alternatives of one request.

    Args:
        request: what is to be written.
        number: of the request.
        count: alternatives.
        layout: of the windows.
        seed: of all.
        reach: longest gap in steps.
    """

    def __init__(self, request: Request, number: int, count: int, layout: Layout, seed: int, reach: int) -> None:
        self.request, self.number, self.reach = request, number, reach
        instruments = range(v.INSTRUMENTS) if request.instruments is None else request.instruments
        self.notes: Integers = np.concatenate([np.arange(128 * i, 128 * i + 128) for i in instruments])
        past = _padded(request)
        self.lines = []
        for i in range(count):
            window = EventWindow(
                layout, past, request.controls, request.start, len(request.controls) > 0, request.opening
            )
            self.lines.append(Line(number * count + i, i, window, request.end, (seed, number, i)))
        given = request.past[-_REMEMBERED:]
        self._given = len(given)
        self._events: Integers = np.full((count, len(given) + 256, 3), -1, np.int64)
        self._events[:, : len(given)] = given
        self._counts: Integers = np.full(count, len(given), np.int64)

    def part_from(self, other: Group) -> None:
        """Keep lines and events of its own, where they are another's."""
        self.lines = [line.twin() for line in other.lines]
        self._events, self._counts = other._events.copy(), other._counts.copy()

    def note(self, index: int) -> int:
        """The note of a candidate; REST is the one after the last."""
        return int(self.notes[index]) if index < len(self.notes) else REST_NOTE

    def times(self) -> list[Choice]:
        """Alternatives that must ask the model for a time, and the gaps allowed; the last stands for SEPARATOR.

        Those that need not ask have theirs afterwards, or are done; rests that nothing can replace are written.
        """
        asking: list[Choice] = []
        lines = [line for line in self.lines if not line.done]
        while lines:
            for line in lines:
                line.show_controls()
            masks, again = self._time_masks(lines), []
            for line, mask in zip(lines, masks, strict=True):
                if line.done:
                    continue
                allowed = np.flatnonzero(mask)
                if not len(allowed):
                    raise self.contradiction(line, "no onset and no rest may follow")
                if len(allowed) > 1:
                    asking.append((line, mask))
                    continue
                if not self.is_possible(line, int(allowed[0])):
                    raise self.contradiction(line, "only one onset is left, and no note may begin there")
                line.choose_time(int(allowed[0]))
                if line.time is not None and not line.may_note:
                    line.rest()
                    again.append(line)
            lines = again
        return sorted(asking, key=lambda choice: choice[0].place)

    def _time_masks(self, lines: Sequence[Line]) -> Mask:
        request, constraints = self.request, self.request.constraints
        situation = self._situation(lines)
        finished = [constraint.finished(situation) for constraint in constraints]
        for i, line in enumerate(lines):
            line.done = any(mask is not None and bool(mask[i]) for mask in finished)
            if len(line.rows) >= request.limit and not line.done:
                line.done, line.complete = True, False
        times = situation.now[:, None] + np.arange(self.reach + 1)
        bases = np.array([line.window.base for line in lines])
        in_block = times - bases[:, None] < v.MAX_TIME
        notes = in_block & (times >= request.start) & (times < request.end)
        notes &= both([constraint.onsets(situation, times) for constraint in constraints], times.shape)
        ends = np.full((len(lines), 1), request.end)
        passing = both(
            [constraint.passing(situation, np.concatenate([times, ends], axis=1)) for constraint in constraints],
            (len(lines), self.reach + 2),
        )
        rests = np.zeros_like(notes)
        rests[:, v.DENSITY] = passing[:, v.DENSITY] & (times[:, v.DENSITY] < request.end)
        over = in_block & (times >= request.end) & passing[:, :-1]
        may_end = passing[:, -1] & (request.may_end is not None) & (situation.now >= (request.may_end or 0))
        for i, line in enumerate(lines):
            line.note_gaps, line.rest_gaps = notes[i], rests[i]
        return np.concatenate([notes | rests | over, may_end[:, None]], axis=1)

    def is_possible(self, line: Line, index: int) -> bool:
        """Whether there is a note, or a rest, for a drawn time; else it must be drawn again."""
        constraints, is_over = self.request.constraints, index == len(line.note_gaps)
        if (is_over or line.window.now + index >= line.end) and line.was_refused and not self._counts_written(line):
            raise self.contradiction(line, "the constraints allow no note where the model places one")
        if not constraints or is_over or not line.note_gaps[index] or line.rest_gaps[index]:
            return True
        situation = replace(self._situation([line]), time=np.array([line.window.now + index]))
        durations = [constraint.durations(situation, np.arange(v.MAX_DURATION)) for constraint in constraints]
        notes = [constraint.pitches(situation) for constraint in constraints]
        if both(durations, (1, v.MAX_DURATION)).any() and both(notes, (1, len(self.notes))).any():
            return True
        line.was_refused = True
        return False

    def _counts_written(self, line: Line) -> int:
        return int(self._counts[line.number]) - self._given

    def durations(self) -> list[Choice]:
        """Alternatives that must ask for a duration, and those allowed, (1000,). Others have theirs afterwards."""
        lines = []
        for line in self.lines:
            if line.time is not None and not line.may_note:
                line.rest()
            elif line.time is not None:
                lines.append(line)
        if not lines:
            return []
        situation, values = self._situation(lines), np.arange(v.MAX_DURATION)
        masks = [constraint.durations(situation, values) for constraint in self.request.constraints]
        notes = both([c.pitches(situation) for c in self.request.constraints], (len(lines), len(self.notes)))
        asking: list[Choice] = []
        for i, (line, for_notes) in enumerate(zip(lines, both(masks, (len(lines), v.MAX_DURATION)), strict=True)):
            # Where no note may stand, a rest may: `is_possible`.
            line.note_durations = for_notes & notes[i].any()
            line.was_refused |= not notes[i].any()
            mask = line.note_durations | ((values == 0) & line.may_rest)
            allowed = np.flatnonzero(mask)
            if not len(allowed):
                raise self.contradiction(line, "no duration is left")
            if len(allowed) > 1:
                asking.append((line, mask))
            else:
                line.choose_duration(int(allowed[0]))
        return asking

    def pitches(self) -> list[Choice]:
        """Alternatives that must ask for a note, and the candidates allowed; the last is REST."""
        lines = [line for line in self.lines if line.duration is not None]
        if not lines:
            return []
        situation = self._situation(lines)
        masks = [constraint.pitches(situation) for constraint in self.request.constraints]
        notes = both(masks, (len(lines), len(self.notes)))
        asking: list[Choice] = []
        for line, own in zip(lines, notes, strict=True):
            may_note = bool(line.note_durations[line.duration or 0])
            mask = np.append(own & may_note, line.may_rest and line.duration == 0)
            allowed = np.flatnonzero(mask)
            if not len(allowed):
                raise self.contradiction(line, "no note is left")
            if len(allowed) > 1:
                asking.append((line, mask))
            else:
                line.choose_note(self.note(int(allowed[0])))
        return asking

    def take(self) -> list[Drawn]:
        """The notes drawn since it was last asked."""
        out = []
        for line in self.lines:
            if not line.is_new:
                continue
            line.is_new = False
            at = int(self._counts[line.number])
            if at == self._events.shape[1]:
                self._events = np.concatenate([self._events, np.full_like(self._events, -1)], axis=1)
            self._events[line.number, at] = line.rows[-1]
            self._counts[line.number] += 1
            out.append(Drawn(self.number, line.number, *line.rows[-1]))
        return out

    def _situation(self, lines: Sequence[Line]) -> Situation:
        numbers = [line.number for line in lines]
        now = np.array([line.window.now for line in lines], np.int64)
        return Situation(
            events=self._events[numbers, : int(self._counts[numbers].max())],
            counts=self._counts[numbers],
            given=self._given,
            now=now,
            time=np.array([line.window.now if line.time is None else line.time for line in lines], np.int64),
            duration=np.array([line.duration or 0 for line in lines], np.int64),
            start=self.request.start,
            end=self.request.end,
            notes=self.notes,
        )

    def contradiction(self, line: Line, what: str) -> ConstraintError:
        """The error for an alternative for which nothing may follow."""
        time = line.window.now if line.time is None else line.time
        where = f"at {time / v.STEPS_PER_SECOND:.2f} s, after {len(line.rows)} rows"
        return Unsatisfiable(what, int(time), where, self.request.constraints)


def _padded(request: Request) -> Events:
    """The past with rests in its gaps and up to the region; before its first event only where that opens a piece."""
    past, clock = request.past, 0
    if not request.opening:
        clock = int(past[0, 0]) if len(past) else request.start
    offset = np.array([clock, 0, 0], np.int32)
    return np.asarray(pad(past - offset, request.start - clock) + offset)
