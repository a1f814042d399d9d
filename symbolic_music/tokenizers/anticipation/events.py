"""Events and controls of the anticipatory encoding, as tables.

An event table is int32 of shape (n, 3): time and duration in steps of 10 ms, note = 128 x instrument + pitch
(instrument 128 is drums), or REST_NOTE for a rest; with velocities (n, 4), a bin of `expressive` last. Tables are
sorted by time. Everything here is a pure function; random choices take a NumPy generator. Source: Thickstun et al.
2024, sections 3 and 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import DEFAULT_TEMPO, Array, Score
from symbolic_music.tokenizers.anticipation import vocabulary as v

Events = NDArray[np.int32]
REST_NOTE = v.REST - v.NOTE
# Steps that a note lasts which its file never ended.
UNENDED = 25
_BLOCK = 1024  # notes
_MOST_RESTS = 1_000_000


def empty() -> Events:
    """A table of no events."""
    return np.zeros((0, 3), np.int32)


class ExactClock:
    """Ticks of a score in units of 1 / (10^6 x ticks a quarter) s: whole numbers, so nothing is rounded on the way."""

    def __init__(self, score: Score) -> None:
        times, tempos = score.tempos["time"].astype(np.int64), score.tempos["microseconds"].astype(np.int64)
        if not len(times) or times[0] > 0:
            times, tempos = np.append(0, times), np.append(DEFAULT_TEMPO, tempos)
        self._times, self._tempos = times, tempos
        # Of several tempos at one tick all but the last take no time.
        self._starts = np.append(0, np.cumsum(np.diff(times) * tempos[:-1]))
        # Units in a step of 10 ms.
        self.step = 1_000_000 * score.ticks_per_quarter // v.STEPS_PER_SECOND

    def units(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Units from the start of the score to these ticks."""
        if len(self._times) == 1:
            return np.asarray(ticks * self._tempos[0])
        i = np.searchsorted(self._times, ticks, side="right") - 1
        return np.asarray(self._starts[i] + (ticks - self._times[i]) * self._tempos[i])

    def rounded(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Steps of 10 ms, halves to the even one."""
        steps = units // self.step
        # Twice the rest, and one more where a half is rounded up. In place: it is most of what encoding costs.
        rest = steps * self.step
        np.subtract(units, rest, out=rest)
        rest *= 2
        rest += steps & 1
        steps += rest > self.step
        return steps


def _units(clock: ExactClock, notes: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onset and length of notes in units of the clock."""
    ticks = notes["onset"].astype(np.int64)
    on = clock.units(ticks)
    ticks += notes["duration"]
    length = clock.units(ticks)
    length -= on
    return on, length


def events_of(score: Score) -> Events:
    """The notes of a score as events. Order of onset, ties in file order.

    Durations are clamped to 9.99 s; a note that its file never ended lasts 250 ms.

    Raises:
        RegionError: when a note starts 2^31 steps (eight months) or more from the beginning.
    """
    table = np.empty((len(score.notes), 3), np.int32)
    fill_events(table, score, score.notes)
    return table


def fill_events(table: Events, score: Score, notes: Array) -> None:
    """Write the same of a note table, in order of onset and in the ticks of a score, into the first three columns."""
    clock = ExactClock(score)
    # In blocks: what is needed on the way stays small, whatever the length of the score.
    for start in range(0, len(notes), _BLOCK):
        block, rows = notes[start : start + _BLOCK], table[start : start + _BLOCK]
        on, length = _units(clock, block)
        np.minimum(clock.rounded(length), v.MAX_DURATION - 1, out=rows[:, 1], casting="unsafe")
        del length
        onsets = clock.rounded(on)
        if onsets[-1] >= 2**31:
            raise RegionError(f"a note starts {onsets[-1] / 8_640_000:,.0f} days into the score; clip it first")
        rows[:, 0] = onsets
        del on, onsets
        rows[block["hanging"] != 0, 1] = UNENDED
        rows[:, 2] = np.where(block["channel"] == DRUM_CHANNEL, np.int32(DRUM_INSTRUMENT), block["program"])
        rows[:, 2] *= 128
        rows[:, 2] += block["pitch"]


def pad(events: Events, end: int | None = None) -> Events:
    """Fill gaps of more than a second with a rest each second, from 0 and, when given, up to time `end`.

    Raises:
        RegionError: when that takes more than a million rests (eleven days of silence).
    """
    times = events[:, 0]
    last = int(times[-1]) if len(times) else 0
    end = last if end is None else max(end, last)
    before = np.concatenate([[0], times, [end]])
    rests = np.maximum(-(-np.diff(before) // v.DENSITY) - 1, 0)
    rests[-1] = max(0, -(-(end - last) // v.DENSITY) - 1)
    if rests.sum() > _MOST_RESTS:
        raise RegionError(f"{rests.sum() / 86_400:,.0f} days of silence are too many rests; clip it first")
    out = np.zeros((len(events) + rests.sum(), events.shape[1]), np.int32)
    place = np.arange(len(events)) + np.cumsum(rests[:-1])
    is_rest = np.ones(len(out), bool)
    is_rest[place] = False
    out[place] = events
    starts = np.repeat(before[:-1], rests)
    nth = np.arange(rests.sum()) - np.repeat(np.cumsum(rests) - rests, rests) + 1
    out[is_rest, 0] = starts + v.DENSITY * nth
    out[is_rest, 2] = REST_NOTE
    return out


def interleave(events: Events, controls: Events, delta: int = v.DELTA) -> tuple[Events, NDArray[np.bool_]]:
    """Merge controls into events, each before the first event whose predecessor's time >= its own - delta.

    The predecessor of the first event has time 0. Controls that no event is left to follow come last.

    Returns:
        The merged table and a mask of its rows that are controls.
    """
    previous = np.append(0, events[:-1, 0]) if len(events) else np.zeros(0, np.int64)
    before = np.searchsorted(previous + delta, controls[:, 0], side="left")
    # Controls keep their order whatever their times.
    before = np.maximum.accumulate(before) if len(before) else before
    is_control = np.zeros(len(events) + len(controls), bool)
    is_control[before + np.arange(len(controls))] = True
    merged = np.empty((len(is_control), events.shape[1]), np.int32)
    merged[is_control], merged[~is_control] = controls, events
    return merged, is_control


def to_ids(table: Events, is_control: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
    """Flat ids of a table of n rows, shape (3 n,), or (4 n,) where the table has velocities."""
    width = table.shape[1]
    ids = table + np.array(v.EVENT_BLOCKS[:width], np.int32)
    if is_control is not None:
        up = np.subtract(v.CONTROL_BLOCKS[:width], v.EVENT_BLOCKS[:width]).astype(np.int32)
        ids += is_control[:, None] * up
    return ids.ravel()


def choose_spans(
    events: Events, rng: np.random.Generator, rate: float = 0.05, length: int = v.DELTA
) -> NDArray[np.bool_]:
    """Mask of the events in spans of `length` steps that start after exponential gaps of mean 1/rate seconds."""
    chosen = np.zeros(len(events), bool)
    times, i = events[:, 0], 0
    while i < len(events):
        start = times[i] + int(v.STEPS_PER_SECOND * rng.exponential(1 / rate))
        first = int(np.searchsorted(times, start, side="left"))
        if first >= len(events):
            break
        i = int(np.searchsorted(times, times[first] + length, side="left"))
        chosen[first:i] = True
    return chosen


def choose_random(events: Events, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask in which each event is chosen with probability r/10, r drawn once from 1..9."""
    return np.asarray(rng.random(len(events)) < rng.integers(1, 10) / 10)


def choose_instruments(events: Events, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the events of a random non-empty strict subset of the instruments; none if there is only one."""
    instruments = np.unique(events[:, 2] // 128)
    if len(instruments) < 2:
        return np.zeros(len(events), bool)
    subset = rng.choice(instruments, size=rng.integers(1, len(instruments)), replace=False)
    return np.isin(events[:, 2] // 128, subset)


def choose_controls(events: Events, k: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the events that become controls in the k-th augmentation of a piece.

    k mod 10: 0 none, 1 spans, 2 to 5 random events, 6 to 9 instruments.
    """
    k %= 10
    if k == 0:
        return np.zeros(len(events), bool)
    if k == 1:
        return choose_spans(events, rng)
    return choose_random(events, rng) if k <= 5 else choose_instruments(events, rng)


def arrange(events: Events, is_control: NDArray[np.bool_]) -> tuple[Events, NDArray[np.bool_]]:
    """Pad and interleave a piece whose events in the mask are controls: the published training sequence."""
    end = int(events[-1, 0]) if len(events) else 0
    return interleave(pad(events[~is_control], end), events[is_control])
