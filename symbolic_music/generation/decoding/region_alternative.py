"""One alternative of a region: its notes so far, and the values that limits and habits allow the next one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from symbolic_music.generation.constraints.base import Constraint, Integers, Mask, Situation, Unsatisfiable, both
from symbolic_music.generation.decoding.habits import bars_ahead, paced, tuned
from symbolic_music.generation.decoding.region_request import DrawnNote, RegionRequest
from symbolic_music.generation.decoding.sampling import Floats
from symbolic_music.tokenizers.region import rows as r

# Past events that constraints see.
_REMEMBERED = 2048
# How much denser than the whole the rest of a bar may become, where limits say how many notes a bar has.
_CROWDED = 1.25
# How much more a new part that is ahead of its pace is slowed down than one with habits.
_NEW_PART_SLOWED = 6.0
# How likely the notes are that are expected, and a chord's next note.
_EXPECTED, _IN_A_CHORD = 0.94, 0.92
# Semitones that are left above a note for each further note of its chord, and between two of them at most.
_CLOSE, _WIDE = 4, 10
# By how much a pitch class becomes less likely that the chord that begins has already, in nats.
_DOUBLED = 2.0
# By how much one that clashes does, and the last key of a new line, which else stays on one tone.
_CLASHING, _REPEATED = 2.0, 1.5
# By how much a part that is a bar ahead of its pace becomes less likely, in nats.
_OUT_OF_TURN = 2.0
# Steps of the gap classes that are notes, which classes these are, and durations.
_STEPS, _NOTES, _LENGTHS = np.arange(r.LONGEST_GAP), np.arange(r.GAPS) < r.LONGEST_GAP, np.arange(r.DURATIONS)

Found = TypeVar("Found")
# Yields log-probabilities and what is allowed of them, (n,) each, and gets what was drawn and its log-probability: the
# sampler draws for all alternatives at once.
Drawing = Generator[tuple[Floats, Mask], tuple[int, float], Found]


class RegionLine:
    """The notes of one alternative of a span so far, and what may follow.

    The fields of a row are drawn in the order of the chain rule: `draw_gap`, and for a note slot, key, duration and
    velocity, each of which is set by `take` once it is drawn.

    Args:
        request: what is to be written.
        seed: the same seed gives the same notes.
    """

    def __init__(self, request: RegionRequest, seed: int) -> None:
        self._request = request
        self._random = np.random.default_rng(seed)
        self._habits = list(request.habits)
        # A new part has no rhythm of its own that a stricter pace could break; the patterns of drums would get holes.
        is_new = all(
            habits is not None and habits.usual is not None and instrument != r.DRUM_KEYS
            for habits, (_, instrument) in zip(request.habits, request.slots, strict=True)
        )
        self._slowing = _NEW_PART_SLOWED if is_new else 1.0
        self._numbers = [slot for slot, _ in request.slots]
        instruments = sorted({instrument for _, instrument in request.slots} - {r.PEDAL_INSTRUMENT})
        self._candidates = np.concatenate([np.arange(128 * i, 128 * i + 128) for i in instruments])
        self._block = {instrument: 128 * place for place, instrument in enumerate(instruments)}
        past = request.past[-_REMEMBERED:]
        self._events = np.zeros((len(past) + request.most + 1, 3), np.int64)
        self._events[: len(past)] = past
        self._count = self._given = len(past)
        self._busy = [dict(busy) for busy in request.busy]
        self._onsets: list[list[int]] = [[] for _ in request.slots]
        # Keys that began with the last note of each slot.
        self._together_with: list[set[int]] = [set() for _ in request.slots]
        self._now, self._key, self._slot = request.start, 0, r.NO_SLOT
        # Keys that may begin at the gap drawn last.
        self._free = np.zeros((len(request.slots), r.KEYS), bool)
        self._place, self._total = 0, 0.0
        # The row that is drawn.
        self.row = request.row(r.REST, self._now)
        self.complete = True

    def is_over(self) -> bool:
        """Whether no further note is wanted; `complete` says whether the span is written."""
        finished = self._is_finished()
        over = finished or self._count - self._given >= self._request.most
        if over:
            self.complete = finished
        return over

    # -- fields -------------------------------------------------------------------------------------------

    def draw_gap(self, log_p: Floats) -> Drawing[int]:
        """Draw the gap class to the next row, which begins here: a note, a rest, or the end of the span.

        Raises:
            Unsatisfiable: when nothing may follow.
        """
        request = self._request
        gap, chosen = yield from self._drawn_gap(log_p)
        self._total += chosen
        if gap == r.GAP_REST:
            self._now, self._slot = self._now + r.LONGEST_GAP, r.NO_SLOT
            self.row = request.row(r.REST, self._now)
        elif gap != r.GAP_END:
            self.row = request.row(r.NOTE, self._now + gap)
        return gap

    def _drawn_gap(self, log_p: Floats) -> Drawing[tuple[int, float]]:
        request = self._request
        model_log_p = log_p = _ending(log_p, request.end - self._now)
        if request.rhythm is not None:
            bar, place = request.place_in_bar(self._now)
            begun = self._together(self._now)
            log_p = request.rhythm.weighed(log_p, place, request.end - self._now, bar, begun)
        gap = self._expected_gap()
        if gap is not None:
            log_p = _towards(log_p, gap, _EXPECTED)
        elif pace := sum(request.paces):
            written, elapsed = self._count - self._given, self._now - request.start
            log_p = paced(log_p, pace, written - pace * elapsed, request.end - self._now, self._slowing)
        wanted = self._lacking(self._now)
        if gap is None and wanted is not None:
            log_p = _towards(log_p, 0, _IN_A_CHORD) if wanted else _away(log_p, 0, _IN_A_CHORD)
        times = self._now + _STEPS[None]
        allowed = np.zeros(r.GAPS, bool)
        onsets = self._obeying(lambda constraint, so_far: constraint.onsets(so_far, times), times.shape)
        allowed[: r.LONGEST_GAP] = (onsets & (times >= request.start) & (times < request.end))[0]
        roomy = allowed[: r.LONGEST_GAP] & self._leaves_room(times[0])
        if roomy.any():
            allowed[: r.LONGEST_GAP] = roomy
        passed = np.array([[self._now + r.LONGEST_GAP, request.end]])
        passing = self._obeying(lambda constraint, so_far: constraint.passing(so_far, passed), passed.shape)[0]
        allowed[r.GAP_REST] = passing[0] and self._now + r.LONGEST_GAP < request.end
        allowed[r.GAP_END] = passing[1]
        longest = min((h.longest_gap for h in self._habits if h is not None), default=request.end)
        lasting = np.append(_STEPS, [r.LONGEST_GAP, request.end - self._now]) <= longest
        # Where no note may stand within the longest gap, a longer one is better than none.
        for kept in (allowed & lasting, allowed & ~lasting & _NOTES, allowed & ~lasting & ~_NOTES):
            while kept.any():
                gap, chosen = yield log_p, kept
                if gap >= r.LONGEST_GAP:
                    return gap, chosen
                self._free = self._free_keys(self._now + gap)
                if self._free.any():
                    return gap, chosen
                kept[gap] = False
        if any(habits is not None for habits in self._habits):
            # Limits come before habits.
            self._habits = [None] * len(request.slots)
            return (yield from self._drawn_gap(model_log_p))
        raise self.contradiction("no onset is left")

    def _expected_gap(self) -> int | None:
        """The gap class to the next note that is expected; None where anything may be played."""
        request, now = self._request, self._now
        times = request.expected[:, 0]
        if not len(times):
            return None
        at = int(np.searchsorted(times, now)) + self._together(now)
        if at < len(times) and times[at] == now:
            return 0
        at = int(np.searchsorted(times, now, side="right"))
        if at == len(times):
            return r.GAP_END if request.end - now <= r.LONGEST_GAP else r.GAP_REST
        return min(int(times[at]) - now, r.GAP_REST)

    def _lacking(self, time: int) -> int | None:
        """Notes that the chord that began at a time lacks; None where none began, or the part plays no chords."""
        habits, together = self._habits[0], self._together(time)
        if len(self._habits) > 1 or habits is None or habits.chord == 1 or not together:
            return None
        return max(0, habits.chord - together)

    def _expected_note(self) -> tuple[int, int] | None:
        """Duration and key of the note that is expected where one is drawn."""
        expected, time = self._request.expected, self._time
        at = int(np.searchsorted(expected[:, 0], time)) + self._together(time)
        return (int(expected[at, 1]), int(expected[at, 2])) if at < len(expected) and expected[at, 0] == time else None

    def _free_keys(self, time: int) -> NDArray[np.bool_]:
        """Keys that may begin at a time, of each written slot: (slots, 256)."""
        request = self._request
        free = np.zeros((len(request.slots), r.KEYS), bool)
        shape = (1, len(self._candidates))
        pitches = self._obeying(lambda constraint, so_far: constraint.pitches(so_far), shape, time)[0]
        bar = int(np.searchsorted(request.bar_starts, time, side="right")) - 1
        written = self._count - self._given
        above = request.above[written] if written < len(request.above) else 0
        for place, ((slot, instrument), habits) in enumerate(zip(request.slots, self._habits, strict=True)):
            if time == self._now and slot < self._slot != r.NO_SLOT:
                continue
            if instrument == r.PEDAL_INSTRUMENT:
                # It is up for a step at least.
                free[place, r.PEDAL_KEY] = self._busy[place].get(r.PEDAL_KEY, -1) < time
                continue
            own = pitches[self._block[instrument] : self._block[instrument] + 128]
            first = r.DRUM_KEYS if instrument == r.DRUM_KEYS else 0
            free[place, first : first + 128 - above] = own[: 128 - above]
            for key, until in self._busy[place].items():
                if until > time:
                    free[place, key] = False
            if time == self._now and slot == self._slot:
                free[place, : self._key + 1] = False
            if request.fewest_at_once > 1 and place == len(request.slots) - 1:
                lacking = request.fewest_at_once - 1 - self._together(time)
                if lacking > 0:
                    free[place, np.flatnonzero(free[place])[-lacking:]] = False
            if habits is not None:
                # Pitches that limits ask for come before the part's own.
                own_keys = np.zeros(r.KEYS, bool)
                own_keys[first : first + 128] = own
                if (own_keys & habits.keys).any():
                    free[place] &= habits.keys
                sounds = sum(until > time for until in self._busy[place].values())
                free[place] &= sounds < habits.sounding or instrument == r.DRUM_KEYS
                free[place] &= self._within(habits.at_once, habits.per_bar, place, time, bar)
                free[place] &= habits.places[time % r.STEPS]
                if self._onsets[place][-1:] == [time]:
                    for keys in habits.one_of:
                        if keys & self._together_with[place]:
                            free[place, list(keys)] = False
        return free

    def _together(self, time: int) -> int:
        """Notes written so far that begin at a time."""
        return sum(onsets.count(time) for onsets in self._onsets) if time == self._now else 0

    def _leaves_room(self, times: Integers) -> Mask:
        """Whether at times from now on, one step after the other, a bar can still get the notes that it needs.

        On places that it uses, and evenly enough: what a bar lacks late must not crowd at its end.
        """
        request, starts = self._request, self._request.bar_starts
        if not request.fewest_in_bar:
            return np.ones(len(times), bool)
        bars = np.searchsorted(starts, times, side="right")
        ends = np.minimum(np.append(starts, request.end)[bars], request.end)
        places = [np.ones(r.STEPS, bool) if habits is None else habits.places for habits in self._habits]
        usable = np.logical_or.reduce(places)[np.arange(times[0], max(ends.max(), times[-1])) % r.STEPS]
        before = np.append(0, np.cumsum(usable))
        room = before[ends - times[0]] - before[times - times[0]]
        here = bars == int(np.searchsorted(starts, self._now, side="right"))
        begun = sum(1 for time in self._events[: self._count, 0] if time >= int(starts[max(bars[0] - 1, 0)]))
        lacking = request.fewest_in_bar - np.where(here, begun, 0)
        left = (ends - times) / np.maximum(ends - starts[np.maximum(bars - 1, 0)], 1)
        return np.asarray((room >= lacking) & (lacking <= 1 + _CROWDED * request.fewest_in_bar * left))

    def _within(self, at_once: int, per_bar: int, place: int, time: int, bar: int) -> bool:
        own = self._onsets[place]
        together = sum(1 for onset in reversed(own[-at_once - 1 :]) if onset == time)
        begin = int(self._request.bar_starts[bar])
        in_bar = sum(1 for onset in own[-per_bar - 1 :] if onset >= begin)
        return together < at_once and in_bar < per_bar

    def slots(self, log_p: Floats) -> tuple[Floats, Mask]:
        """The log-probabilities of the slots, weighed by their paces, and those that the note may have: (33,) each."""
        request, mask = self._request, np.zeros(r.SLOTS + 1, bool)
        free = np.asarray(self._free.any(axis=1))
        overdue = free & np.array([self._is_overdue(place) for place in range(len(free))])
        mask[np.array(self._numbers)[overdue if overdue.any() else free]] = True
        elapsed, out = self._time - request.start, log_p.copy()
        if np.count_nonzero(request.paces) > 1:
            for slot, pace, own in zip(self._numbers, request.paces, self._onsets, strict=True):
                if pace:
                    out[slot] -= _OUT_OF_TURN * bars_ahead(len(own) - pace * elapsed, pace)
        return out, mask

    def _is_overdue(self, place: int) -> bool:
        """Whether a part has been silent for longer than it ever is."""
        habits, onsets = self._habits[place], self._onsets[place]
        since = onsets[-1] if onsets else self._request.start
        return habits is not None and self._time - since > habits.longest_gap

    def keys(self, log_p: Floats) -> tuple[Floats, Mask]:
        """The log-probabilities of the keys, weighed by habits, and those that the note may have: (256,) each."""
        request, habits = self._request, self._habits[self._place]
        sounds = None if habits is None or self._instrument >= r.DRUM_KEYS else request.sounds(self._time)
        if habits is not None and sounds is not None:
            log_p = tuned(log_p, habits, sounds)
        if habits is not None and habits.usual is not None:
            log_p = log_p + habits.usual
        clashing = np.zeros(r.KEYS, bool)
        clashing[: r.DRUM_KEYS] = np.resize(request.clashing(self._time), r.DRUM_KEYS)
        log_p = log_p - _CLASHING * clashing
        if habits is not None and habits.is_line and len(self._habits) == 1 and self._onsets[self._place]:
            log_p[self._key] -= _REPEATED
        motif, expected, free = request.motifs[self._place], self._expected_note(), self._free[self._place]
        if expected is not None and free[expected[1]] and not clashing[expected[1]]:
            return _towards(log_p, expected[1], _EXPECTED), free
        if habits is not None and habits.chord > 1:
            return self._in_chord(log_p, habits.chord, free)
        if motif is not None:
            bar, place = request.place_in_bar(self._time)
            log_p = motif.weighed(log_p, place, bar)
        return log_p, free

    def _in_chord(self, log_p: Floats, size: int, free: Mask) -> tuple[Floats, Mask]:
        """The same for a note of a chord in close position: room is left above for the rest of the chord."""
        begun = self._together_with[self._place] if self._onsets[self._place][-1:] == [self._time] else set[int]()
        out, room = log_p.copy(), free.copy()
        for key in begun:
            out[key % 12 : r.DRUM_KEYS : 12] -= _DOUBLED
        lacking = size - 1 - len(begun)
        if lacking > 0:
            room[max(0, int(np.flatnonzero(free)[-1]) - _CLOSE * lacking + 1) :] = False
        if begun:
            room[max(begun) + _WIDE :] = False
        return out, room if room.any() else free

    def durations(self, log_p: Floats) -> tuple[Floats, Mask]:
        """The log-probabilities of durations, and those that the note may have: (1000,) each."""
        request, habits, time = self._request, self._habits[self._place], self._time
        allowed = request.end - time >= _LENGTHS
        if self._instrument != r.PEDAL_INSTRUMENT:
            shape = (1, r.DURATIONS)
            allowed = self._obeying(lambda constraint, so_far: constraint.durations(so_far, _LENGTHS), shape, time)[0]
        allowed[0] = False
        if habits is not None and (allowed & habits.durations).any():
            allowed &= habits.durations
        within = allowed & (self._request.most_lasting(time, int(self.row[r.KEY])) >= _LENGTHS)
        if within.any():
            allowed = within
        expected = self._expected_note()
        if expected is not None:
            log_p = _towards(log_p, expected[0], _EXPECTED)
        elif self._lacking(time) is not None:
            # A chord ends together.
            log_p = _towards(log_p, int(self._events[self._count - 1, 1]), _EXPECTED)
        return log_p, allowed

    def take(self, field: int, value: int, log_probability: float) -> None:
        """Set a field of the note; the slot comes first."""
        self.row[field] = value
        self._total += log_probability
        if field == r.SLOT:
            self._place = self._numbers.index(value)

    def end_note(self) -> DrawnNote:
        """The note, all fields of which are set."""
        instrument, time, place, row = self._instrument, self._time, self._place, self.row
        row[r.INSTRUMENT] = instrument
        slot, key, duration, velocity = (int(row[field]) for field in (r.SLOT, r.KEY, r.DURATION, r.VELOCITY))
        self._now, self._slot, self._key = time, slot, key
        self._busy[place][key] = time + duration
        if self._onsets[place][-1:] != [time]:
            self._together_with[place] = set()
        self._together_with[place].add(key)
        self._onsets[place].append(time)
        if instrument != r.PEDAL_INSTRUMENT:
            self._events[self._count] = time, duration, 128 * instrument + key % 128
            self._count += 1
        total, self._total = self._total, 0.0
        return DrawnNote(time, duration, slot, instrument, key % 128, min(127, 4 * velocity + 2), total)

    def uniform(self) -> float:
        """The next random number of the alternative, in [0, 1)."""
        return float(self._random.random())

    @property
    def is_new_drums(self) -> bool:
        """Whether the note that is drawn is of drums that have no notes elsewhere."""
        habits = self._habits[self._place]
        return self._instrument == r.DRUM_KEYS and habits is not None and habits.usual is not None

    @property
    def _instrument(self) -> int:
        return self._request.slots[self._place][1]

    @property
    def _time(self) -> int:
        """When the row begins, in steps of the score."""
        return int(self.row[r.TIME]) + self._request.origin

    # -- constraints --------------------------------------------------------------------------------------

    def _situation(self, time: int | None = None) -> Situation:
        now = np.array([self._now])
        return Situation(
            events=self._events[None, : self._count],
            counts=np.array([self._count]),
            given=self._given,
            now=now,
            time=now if time is None else np.array([time]),
            duration=np.array([0]),
            start=self._request.start,
            end=self._request.end,
            notes=self._candidates,
        )

    def _obeying(
        self, allows: Callable[[Constraint, Situation], Mask | None], shape: tuple[int, ...], time: int | None = None
    ) -> Mask:
        """What all constraints allow of a field of a note that begins at a time."""
        constraints = self._request.constraints
        if not constraints:
            return np.ones(shape, bool)
        situation = self._situation(time)
        return both([allows(constraint, situation) for constraint in constraints], shape)

    def _is_finished(self) -> bool:
        if not self._request.constraints:
            return False
        situation = self._situation()
        masks: list[Mask | None] = [c.finished(situation) for c in self._request.constraints]
        return any(mask is not None and bool(mask[0]) for mask in masks)

    def contradiction(self, what: str) -> Unsatisfiable:
        """The error where nothing may follow."""
        time = (self._now - self._request.start) / r.STEPS
        return Unsatisfiable(what, self._now, f"{time:.1f} quarters into the region", self._request.constraints)


def _towards(log_p: Floats, value: int, share: float) -> Floats:
    """Log-probabilities mixed with a value that gets a share of them."""
    out = log_p + np.log(1 - share)
    out[value] = np.logaddexp(out[value], np.log(share))
    return np.asarray(out)


def _away(log_p: Floats, value: int, share: float) -> Floats:
    """Log-probabilities of which a value loses a share of its own."""
    out = log_p.copy()
    out[value] += np.log(1 - share)
    return out


def _ending(log_p: Floats, left: int) -> Floats:
    """Log-probabilities of gap classes with `left` steps to go: where the next note would come later, the span is over.

    Otherwise the notes that fit would take the place of those that do not, and crowd at the end of a span that ends
    within a bar.
    """
    if left >= r.LONGEST_GAP:
        return log_p
    out = log_p.copy()
    out[r.GAP_END] = np.logaddexp.reduce(log_p[[*range(left, r.LONGEST_GAP), r.GAP_REST, r.GAP_END]])
    out[left : r.LONGEST_GAP] = out[r.GAP_REST] = -np.inf
    return np.asarray(out)
