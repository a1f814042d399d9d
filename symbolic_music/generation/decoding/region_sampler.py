"""Sample the notes of a region with a region model, field by field, within limits and habits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import ConstraintError, ModelError
from symbolic_music.generation.constraints.base import Integers, Mask, Situation, both
from symbolic_music.generation.decoding.habits import paced, tuned
from symbolic_music.generation.decoding.region_request import DrawnNote, RegionRequest
from symbolic_music.generation.decoding.sampling import Sampling, choose, filtered, log_softmax
from symbolic_music.models.architectures.region_cache import RegionCache
from symbolic_music.models.architectures.region_transformer import RegionTransformer
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import written_states

# Past events that constraints see.
_REMEMBERED = 2048
# Unobserved values keep some probability.
_LEAST = -50.0


class RegionSampler:
    """The sampler of one alternative of one span.

    Args:
        network: in evaluation mode.
        request: what is to be written.
        sampling: of every field.
        seed: the same seed gives the same notes.
    """

    def __init__(self, network: RegionTransformer, request: RegionRequest, sampling: Sampling, seed: int) -> None:
        self._request, self._sampling = request, sampling
        self._random = np.random.default_rng(seed)
        self._room = request.most + (request.end - request.start) // r.LONGEST_GAP + 2
        self._cache = RegionCache(network, torch.from_numpy(request.rows), 1, self._room)
        self._habits = list(request.habits)
        self._numbers = [slot for slot, _ in request.slots]
        instruments = sorted({instrument for _, instrument in request.slots} - {r.PEDAL_INSTRUMENT})
        self._candidates = np.concatenate([np.arange(128 * i, 128 * i + 128) for i in instruments])
        self._block = {instrument: 128 * place for place, instrument in enumerate(instruments)}
        self._events = [tuple(row) for row in request.past[-_REMEMBERED:].tolist()]
        self._given = len(self._events)
        self._busy = [dict(busy) for busy in request.busy]
        self._onsets: list[list[int]] = [[] for _ in request.slots]
        self._end_bar = int(np.searchsorted(request.bar_starts, request.end - 1, side="right"))
        self._now, self._key, self._slot = request.start, 0, r.NO_SLOT
        # Keys that may begin at the gap drawn last.
        self._free = np.zeros((len(request.slots), r.KEYS), bool)
        self.complete = True

    def stream(self) -> Iterator[DrawnNote]:
        """Notes until the span is written.

        Raises:
            ConstraintError: when nothing may follow.
            ModelError: when the model's probabilities are not finite.
        """
        request, score = self._request, 0.0
        while True:
            if self._is_finished() or len(self._events) - self._given >= request.most:
                self.complete = self._is_finished()
                return
            gap, log_p = self._draw_gap()
            score += log_p
            if gap == r.GAP_END:
                return
            if gap == r.GAP_REST:
                self._now += r.LONGEST_GAP
                self._cache.append(torch.from_numpy(self._row(r.REST, self._now)[None]))
                self._slot = r.NO_SLOT
                continue
            note = self._draw_note(gap, score)
            score = 0.0
            yield note

    # -- fields -------------------------------------------------------------------------------------------

    def _draw_gap(self) -> tuple[int, float]:
        request, log_p = self._request, self._cache.gaps().numpy()[0].astype(np.float64)
        if request.rhythm is not None:
            bar = int(np.searchsorted(request.bar_starts, self._now, side="right")) - 1
            place = int(self._now - request.bar_starts[max(bar, 0)])
            log_p = request.rhythm.weighed(log_p, place, request.end - self._now)
        if request.pace:
            written, elapsed = len(self._events) - self._given, self._now - request.start
            log_p = paced(log_p, request.pace, written - request.pace * elapsed, request.end - self._now)
        situation = self._situation()
        times = self._now + np.arange(r.LONGEST_GAP)[None]
        allowed = np.zeros(r.GAPS, bool)
        onsets = both([c.onsets(situation, times) for c in request.constraints], times.shape)
        allowed[: r.LONGEST_GAP] = (onsets & (times >= request.start) & (times < request.end))[0]
        roomy = allowed[: r.LONGEST_GAP] & self._leaves_room(times[0])
        if roomy.any():
            allowed[: r.LONGEST_GAP] = roomy
        passed = np.array([[self._now + r.LONGEST_GAP, request.end]])
        passing = both([c.passing(situation, passed) for c in request.constraints], passed.shape)[0]
        allowed[r.GAP_REST] = passing[0] and self._now + r.LONGEST_GAP < request.end
        allowed[r.GAP_END] = passing[1]
        longest = min((h.longest_gap for h in self._habits if h is not None), default=request.end)
        lasting = np.append(np.arange(r.LONGEST_GAP), [r.LONGEST_GAP, request.end - self._now]) <= longest
        notes = np.arange(r.GAPS) < r.LONGEST_GAP
        # Where no note may stand within the longest gap, a longer one is better than none.
        for kept in (allowed & lasting, allowed & ~lasting & notes, allowed & ~lasting & ~notes):
            while kept.any():
                gap, chosen = self._draw(log_p, kept)
                if gap >= r.LONGEST_GAP:
                    return gap, chosen
                self._free = self._free_keys(self._now + gap)
                if self._free.any():
                    return gap, chosen
                kept[gap] = False
        if any(habits is not None for habits in self._habits):
            # Limits come before habits.
            self._habits = [None] * len(request.slots)
            return self._draw_gap()
        raise self._contradiction("no onset is left")

    def _free_keys(self, time: int) -> NDArray[np.bool_]:
        """Keys that may begin at a time, of each written slot: (slots, 256)."""
        request = self._request
        free = np.zeros((len(request.slots), r.KEYS), bool)
        situation = self._situation(time)
        pitches = both([c.pitches(situation) for c in request.constraints], (1, len(self._candidates)))[0]
        bar = int(np.searchsorted(request.bar_starts, time, side="right")) - 1
        written = len(self._events) - self._given
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
                free[place] &= self._within(habits.at_once, habits.per_bar, place, time, bar)
                free[place] &= habits.places[time % r.STEPS]
        return free

    def _together(self, time: int) -> int:
        """Notes written so far that begin at a time."""
        return sum(onsets.count(time) for onsets in self._onsets) if time == self._now else 0

    def _leaves_room(self, times: Integers) -> Mask:
        """Whether at times from now on, one step after the other, a bar can still get the notes that it needs."""
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
        begun = sum(1 for time, _, _ in self._events if time >= int(starts[max(bars[0] - 1, 0)]))
        return np.asarray(room >= request.fewest_in_bar - np.where(here, begun, 0))

    def _within(self, at_once: int, per_bar: int, place: int, time: int, bar: int) -> bool:
        own = self._onsets[place]
        together = sum(1 for onset in reversed(own[-at_once - 1 :]) if onset == time)
        begin = int(self._request.bar_starts[bar])
        in_bar = sum(1 for onset in own[-per_bar - 1 :] if onset >= begin)
        return together < at_once and in_bar < per_bar

    def _draw_note(self, gap: int, score: float) -> DrawnNote:
        request, time = self._request, self._now + gap
        free = self._free
        row = self._row(r.NOTE, time)

        mask = np.zeros(r.SLOTS + 1, bool)
        mask[[slot for slot, own in zip(self._numbers, free, strict=True) if own.any()]] = True
        slots = self._cache.slots(_one(gap), _one(row[r.STATE]))
        slot, log_slot = self._draw(slots.numpy()[0], mask)
        place = self._numbers.index(slot)
        keys = self._cache.keys(_one(gap), _one(slot), *(_one(row[i]) for i in (r.TIME, r.POSITION, r.LENGTH)))
        log_keys = keys.numpy()[0].astype(np.float64)
        habits = self._habits[place]
        if habits is not None and request.others is not None and request.slots[place][1] < r.DRUM_KEYS:
            log_keys = tuned(log_keys, habits, request.others.at(np.array([time]))[0])
        key, log_key = self._draw(log_keys, free[place])
        instrument = request.slots[place][1]
        is_press = instrument == r.PEDAL_INSTRUMENT
        lengths = np.arange(r.DURATIONS)
        allowed = lengths <= request.end - time
        if not is_press:
            situation = self._situation(time)
            allowed = both([c.durations(situation, lengths) for c in request.constraints], (1, r.DURATIONS))[0]
        allowed[0] = False
        if habits is not None and (allowed & habits.durations).any():
            allowed &= habits.durations
        duration, log_duration = self._draw(self._cache.durations(_one(key)).numpy()[0], allowed)
        velocities = self._cache.velocities(_one(duration)).numpy()[0]
        velocity, _ = self._draw(velocities, np.arange(r.VELOCITIES) > 0)

        row[[r.DURATION, r.SLOT, r.INSTRUMENT, r.KEY, r.VELOCITY]] = duration, slot, instrument, key, velocity
        self._now, self._slot, self._key = time, slot, key
        self._cache.append(torch.from_numpy(row[None]))
        pitch = key % 128
        self._busy[place][key] = time + duration
        self._onsets[place].append(time)
        if not is_press:
            self._events.append((time, duration, 128 * instrument + pitch))
        total = score + log_slot + log_key + log_duration
        return DrawnNote(time, duration, slot, instrument, pitch, min(127, 4 * velocity + 2), total)

    def _row(self, kind: int, time: int) -> NDArray[np.int64]:
        """A row at a time, its place in the bar set."""
        request, row = self._request, r.blank(1, kind)[0]
        bar = np.clip(np.searchsorted(request.bar_starts, [time], side="right") - 1, 0, None)
        position = min(int(time - request.bar_starts[bar[0]]), r.MOST_POSITION - 1)
        length = min(int(request.bar_lengths[bar[0]]), r.MOST_POSITION)
        state = r.GIVEN if request.is_opening else int(written_states(bar, self._end_bar)[0])
        row[[r.TIME, r.POSITION, r.LENGTH, r.STATE]] = time - request.origin, position, length, state
        return np.asarray(row)

    def _draw(self, log_p: NDArray[np.floating], allowed: NDArray[np.bool_]) -> tuple[int, float]:
        """A value among those allowed, and its log-probability among them."""
        if not allowed.any():
            raise self._contradiction("nothing is left")
        values = np.maximum(log_p.astype(np.float64), _LEAST)
        if np.isnan(values[allowed]).any():
            raise ModelError("the model's logits are not finite: its weights are broken")
        logits = np.where(allowed, values, -np.inf)[None]
        drawn = int(choose(filtered(logits, self._sampling), np.array([self._random.random()]))[0])
        return drawn, float(log_softmax(logits)[0, drawn])

    # -- constraints --------------------------------------------------------------------------------------

    def _situation(self, time: int | None = None) -> Situation:
        events: Integers = np.array(self._events, np.int64).reshape(1, -1, 3)
        now = np.array([self._now])
        return Situation(
            events=events,
            counts=np.array([len(self._events)]),
            given=self._given,
            now=now,
            time=now if time is None else np.array([time]),
            duration=np.array([0]),
            start=self._request.start,
            end=self._request.end,
            notes=self._candidates,
        )

    def _is_finished(self) -> bool:
        situation = self._situation()
        masks: list[Mask | None] = [c.finished(situation) for c in self._request.constraints]
        return any(mask is not None and bool(mask[0]) for mask in masks)

    def _contradiction(self, what: str) -> ConstraintError:
        time = (self._now - self._request.start) / r.STEPS
        return ConstraintError(f"{what} {time:.1f} quarters into the region: the limits contradict each other or it")


def _one(value: int) -> torch.Tensor:
    return torch.tensor([int(value)])
