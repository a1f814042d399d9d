"""Habits of tracks, measured elsewhere in the piece, which new notes are expected to follow.

A model that is not sure draws what no player of the part would play: these are limits of a part's own, and counts that
are weighed against the model's probabilities as if the model's were counts too (a Dirichlet prior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.theory import chord_classes
from symbolic_music.tokenizers.region.events import GridEvents, Integers
from symbolic_music.tokenizers.region.likeness import offset_likeness
from symbolic_music.tokenizers.region.rows import (
    DRUM_KEYS,
    DURATIONS,
    GAP_END,
    GAP_REST,
    GAPS,
    KEYS,
    LONGEST_GAP,
    STEPS,
)

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
_MARGIN = 3
_COMMON_PLACE, _MOST_PLACES, _ON_PLACES = 0.005, 16, 0.97
# The model counts as this many notes of the part; of its pitch classes no more than this many count.
_MODEL_NOTES, _MODEL_GAPS, _MOST_CLASSES = 8.0, 8.0, 16.0
# The powers of the shares of the part's pitch classes and of its harmony, where there are notes without number. Of
# twelve songs four bars of all tracks were rewritten: counts added to those of the model gave a likeness of rhythm and
# pitches of .46, these powers .55, the songs .59.
_CLASS_POWER, _HARMONY_POWER = 0.6, 1.5
# Of notes that are drawn, those that bars decide that are wholly alike; the power of likeness by which bars count.
_MOST_COPIED, _SHARPNESS = 0.85, 16.0
# Bars of notes by which a part may be behind or ahead, and how much denser than its pace the rest of it may become.
_IN_PACE, _MADE_UP = 0.25, 0.5
IN_CHORD, CLASH, NEITHER = range(3)


class Sounding:
    """Which pitch classes sound at a time, of some notes.

    Args:
        time, duration, pitch: of pitched notes, in steps.
    """

    def __init__(self, time: Integers, duration: Integers, pitch: Integers) -> None:
        own = [pitch % 12 == pitch_class for pitch_class in range(12)]
        self._starts = [np.sort(time[chosen]) for chosen in own]
        self._ends = [np.sort((time + duration)[chosen]) for chosen in own]

    def at(self, times: Integers) -> Mask:
        """Classes that sound at times (n,): (n, 12)."""
        counts = [
            np.searchsorted(starts, times, side="right") - np.searchsorted(ends, times, side="right")
            for starts, ends in zip(self._starts, self._ends, strict=True)
        ]
        return np.asarray(np.stack(counts, axis=1) > 0)


def relation(classes: Mask) -> Integers:
    """IN_CHORD, CLASH or NEITHER for each pitch class over what sounds, (n, 12) to (n, 12)."""
    near = np.roll(classes, 1, axis=1) | np.roll(classes, -1, axis=1)
    return np.where(classes, IN_CHORD, np.where(near, CLASH, NEITHER))


def sounding(events: GridEvents, slots: Sequence[int], chords: Sequence[tuple[int, str]] = ()) -> Sounding:
    """The pitched notes of all other slots, and chords that are to sound with them: (step, name), "-" for none."""
    chosen = ~np.isin(events.slot, slots) & (events.instrument < DRUM_INSTRUMENT)
    notes = np.stack([events.time[chosen], events.duration[chosen], events.pitch[chosen]])
    return Sounding(*np.concatenate([notes, _held(chords, chords[-1][0] if chords else 0)], axis=1))


def sounding_chords(chords: Sequence[tuple[int, str]], until: int) -> Sounding:
    """Chords that are asked for: (step, name), sorted; each holds until the next, and the last until step `until`."""
    return Sounding(*_held(chords, until))


def _held(chords: Sequence[tuple[int, str]], until: int) -> Integers:
    """Time, duration and pitch class of the notes of chords, (3, n)."""
    ends = [*(step for step, _ in chords[1:]), until]
    held = [
        (step, end - step, pitch)
        for (step, name), end in zip(chords, ends, strict=False)
        for pitch in chord_classes(name)
        if step < end
    ]
    return np.array(held, np.int64).reshape(-1, 3).T


def tuned(log_p: Floats, habits: Habits, sounds: Mask) -> Floats:
    """Log-probabilities of the keys of a pitched part, weighed against its own pitch classes and harmony.

    Args:
        log_p: of keys 0 to 127 and more, (256,).
        habits: of the part.
        sounds: classes that sound in other parts, (12,).
    """
    out, pitches = log_p.copy(), slice(0, DRUM_KEYS)
    classes = np.arange(DRUM_KEYS) % 12
    out[pitches] = _multiplied(out[pitches], classes, _scaled(habits.classes, _MOST_CLASSES), _CLASS_POWER)
    if sounds.any():
        kinds = relation(sounds[None])[0][classes]
        if habits.keeps_to_chords:
            out[pitches] = _shared_out(out[pitches], kinds, habits.harmony)
        elif not habits.is_bass:
            out[pitches] = _multiplied(out[pitches], kinds, habits.harmony, _HARMONY_POWER)
        elif sounds.sum() > 1:
            out[pitches] = _shared_out(out[pitches], classes, _BASS_NOTES * roots(sounds))
        else:
            out[pitches] = _shared_out(out[pitches], kinds, _BASS_NOTES * _BELOW_A_LINE)
    return out


def roots(sounds: Mask) -> Floats:
    """How likely basses of songs play each pitch class below some that sound, (12,) to (12,)."""
    above = np.stack([np.roll(sounds, -pitch_class) for pitch_class in range(12)])
    found = np.exp((above * _WORTH_ABOVE_A_BASS).sum(axis=1))
    return np.asarray(found / found.sum())


def _scaled(counts: Floats, most: float) -> Floats:
    return np.asarray(counts * min(1.0, most / max(1.0, counts.sum())))


def _weighed(log_p: Floats, counts: Floats, model: float) -> Floats:
    """Log-probabilities with counts added to `model` times the probabilities."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log((model * np.exp(log_p) + counts) / (model + counts.sum())))


def _multiplied(log_p: Floats, kinds: Integers, counts: Floats, power: float) -> Floats:
    """Log-probabilities multiplied by a power of the share of their kind in some counts, the higher the more there are.

    What the model is sure of stays: a chord that it repeats would be scattered over the chords of the part else.
    """
    share = (counts + 0.5) / (counts + 0.5).sum()
    out = log_p + power * counts.sum() / (counts.sum() + _MODEL_NOTES) * np.log(share)[kinds]
    return np.asarray(out + np.logaddexp.reduce(log_p) - np.logaddexp.reduce(out))


def _shared_out(log_p: Floats, kinds: Integers, counts: Floats) -> Floats:
    """Log-probabilities with the mass of each kind moved towards its share of some counts."""
    masses = np.bincount(kinds, np.exp(log_p), minlength=len(counts))
    wanted = (_MODEL_NOTES * masses + counts) / (_MODEL_NOTES + counts.sum())
    with np.errstate(divide="ignore"):
        return np.asarray(log_p + (np.log(wanted) - np.log(np.maximum(masses, 1e-12)))[kinds])


def paced(log_p: Floats, pace: float, ahead: float, left: int, slowing: float = 1.0) -> Floats:
    """Log-probabilities of the gap classes, tilted so that a part does not fall behind its pace nor run ahead of it.

    What a part is behind it does not make up in the last notes: it would crowd at the end.

    Args:
        log_p: of the model, (242,).
        pace: notes a step.
        ahead: notes that are written beyond those that the pace asks for so far.
        left: steps to the end of the span.
        slowing: times as much that a part that is ahead is slowed down.
    """
    bars = bars_ahead(max(ahead, -_MADE_UP * pace * left), pace)
    if abs(bars) < _IN_PACE:
        return log_p
    lengths = np.append(np.arange(LONGEST_GAP), [LONGEST_GAP, left if bars < 0 else 0])
    return np.asarray(log_p + bars * (slowing if bars > 0 else 1.0) * pace * lengths)


def bars_ahead(ahead: float, pace: float) -> float:
    """Bars of four quarters by which a part is ahead of its pace, at most one, and negative where it is behind.

    Args:
        ahead: notes.
        pace: notes a step.
    """
    return float(np.clip(ahead / (pace * 4 * STEPS), -1.0, 1.0))


class AlikeBars:
    """How much the bars of a piece count as examples for those of a region.

    Songs repeat: where the other parts, and the bars around, play what they play there, a part most likely does too.

    Args:
        events: of the piece.
        slots: the written parts.
        start, end: of the region, in steps.
        like: steps of the bars that alone count; None for all.
    """

    def __init__(
        self, events: GridEvents, slots: Sequence[int], start: int, end: int, like: tuple[int, int] | None = None
    ) -> None:
        first, last = np.searchsorted(events.bar_starts, [start, end - 1], side="right").tolist()
        own = np.isin(events.slot, slots)
        self._likeness = offset_likeness(events, np.ones(len(own), bool), own, (max(0, first - 1), last))
        starts = events.bar_starts
        self._counts = np.ones(len(starts), bool) if like is None else (starts >= like[0]) & (starts < like[1])

    def counts(self, bar: int, bars: Integers, model: float) -> Floats:
        """As how many notes one of these bars counts for a bar of the region, where the model counts as `model`: (n,).

        The bars together get the share of the likeness of the best of them, and among them each by its own.

        Args:
            bar: of the region.
            bars: of the notes of a part, (n,).
            model: notes.
        """
        middle, (own, at) = len(self._counts), np.unique(bars, return_inverse=True)
        alike = self._likeness[np.clip(own - bar + middle, 0, 2 * middle - 1)] * self._counts[own]
        best = float(alike.max(initial=0.0))
        if best == 0:
            return np.zeros(len(bars))
        # What two bars share is a smaller part of the notes of both than of those of either.
        share, weights = min(2 * best / (1 + best), _MOST_COPIED), (alike / best) ** _SHARPNESS
        return np.asarray(weights / weights.sum() * model * share / (1 - share))[at]


class Motif:
    """Keys of a pitched part by their place in the bar.

    Args:
        events: of the piece.
        slot: the part.
        alike: by which bars count.
    """

    def __init__(self, events: GridEvents, slot: int, alike: AlikeBars) -> None:
        own = (events.slot == slot) & (events.instrument < DRUM_INSTRUMENT)
        self._keys, self._bars, self._alike = events.pitch[own], events.bar[own], alike
        self._places = events.time[own] - events.bar_starts[self._bars]

    def weighed(self, log_p: Floats, place: int, bar: int) -> Floats:
        """Log-probabilities of the keys, weighed against the part's own at this place of bars that are alike.

        Args:
            log_p: of the model, (256,).
            place: in the bar, in steps.
            bar: its number.
        """
        there = self._places == place
        if not there.any():
            return log_p
        alike = self._alike.counts(bar, self._bars, _MODEL_NOTES)[there]
        counts = np.bincount(self._keys[there], alike, minlength=KEYS).astype(np.float64)
        return _weighed(log_p, counts, _MODEL_NOTES)


class Rhythm:
    """Gaps of some parts together, by the place in the bar from which they are.

    Args:
        events: of the piece.
        slots: the parts.
        holes: spans whose notes are missing.
        alike: by which bars count; all the same when omitted.
    """

    def __init__(
        self,
        events: GridEvents,
        slots: Sequence[int],
        holes: Sequence[tuple[int, int]],
        alike: AlikeBars | None = None,
    ) -> None:
        chosen = np.isin(events.slot, slots)
        self._events, self._holes, self._alike = events, holes, alike
        self._times = events.time[chosen]
        time, bar = self._times[:-1], events.bar[chosen][:-1]
        firsts = np.searchsorted(time, time)
        self._froms = _Gaps(time - events.bar_starts[bar], np.arange(len(time)) - firsts + 1, np.diff(self._times), bar)
        self._froms = self._froms.taken(self._is_known(time, self._times[1:]))

    def weighed(self, log_p: Floats, place: int, left: int, bar: int, begun: int) -> Floats:
        """Log-probabilities of the gap classes, weighed against the parts' own gaps from a place in the bar.

        Args:
            log_p: of the model, (242,).
            place: in the bar, in steps.
            left: steps to the end of the span.
            bar: its number.
            begun: notes that begin at this place already.
        """
        gaps = self._froms.at(place, begun) if begun else self._before_notes(place)
        if not len(gaps.length):
            return log_p
        counts = _scaled(np.ones(len(gaps.length)), _MODEL_GAPS)
        if self._alike is not None:
            # All bars together count half as much as the model; the bars that are alike come on top.
            counts = _MODEL_GAPS / 2 / len(counts) + self._alike.counts(bar, gaps.bar, _MODEL_GAPS)
        classes = np.where(gaps.length >= left, GAP_END, np.where(gaps.length >= LONGEST_GAP, GAP_REST, gaps.length))
        return _weighed(log_p, np.bincount(classes, counts, minlength=GAPS).astype(np.float64), _MODEL_GAPS)

    def _before_notes(self, place: int) -> _Gaps:
        """From a place to the next note at it or after it, in every bar."""
        bars = np.flatnonzero(self._events.bar_lengths > place)
        time = self._events.bar_starts[bars] + place
        at = np.searchsorted(self._times, time)
        bars, time, at = (column[at < len(self._times)] for column in (bars, time, at))
        gaps = _Gaps(np.full(len(bars), place), np.zeros(len(bars), np.int64), self._times[at] - time, bars)
        return gaps.taken(self._is_known(time, self._times[at]))

    def _is_known(self, start: Integers, end: Integers) -> Mask:
        """Whether no note may be missing between two times."""
        known = np.ones(len(start), bool)
        for first, last in self._holes:
            known &= (end < first) | (start >= last)
        return known


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Gaps, each with the place in the bar from which it is, how many notes begin there up to it, and the bar."""

    place: Integers
    begun: Integers
    length: Integers
    bar: Integers

    def taken(self, chosen: Mask) -> _Gaps:
        return _Gaps(self.place[chosen], self.begun[chosen], self.length[chosen], self.bar[chosen])

    def at(self, place: int, begun: int) -> _Gaps:
        return self.taken((self.place == place) & (self.begun == begun))


@dataclass(frozen=True, eq=False)
class Habits:
    """Habits of a part elsewhere in its piece, as masks for new notes.

    Args:
        keys: (256,), see `tokenizers.region.rows`.
        places: steps of a quarter on which notes begin, (60,).
        durations: (1000,), in steps.
        at_once: notes that begin together at most.
        sounding: notes that sound at once at most, those that begin included.
        per_bar: notes of a bar at most.
        longest_gap: steps from a note to the next at most, and to the end of the span.
        harmony: of its notes, how many begin on a pitch class that sounds in another part, on a neighbour of one, and
            on neither; only those over which something sounds, (3,).
        classes: of its notes, how many are of each pitch class, (12,).
        usual: nats by which keys are more likely than for the model, (256,); None for a part with notes elsewhere.
        one_of: sets of keys of which at most one begins at a time.
        is_bass: whether it is a new bass, whose notes lie below what sounds as those of basses do: see `roots`.
        chord: notes that begin together as a rule, 1 for a part that need not play chords.
        keeps_to_chords: whether its notes begin in chords that are asked for as often as `harmony` says, also where the
            model is sure of others.
    """

    keys: Mask
    places: Mask
    durations: Mask
    at_once: int
    sounding: int
    per_bar: int
    longest_gap: int
    harmony: Floats
    classes: Floats
    usual: Floats | None = None
    one_of: tuple[frozenset[int], ...] = ()
    is_bass: bool = False
    chord: int = 1
    keeps_to_chords: bool = False

    @property
    def is_line(self) -> bool:
        """Whether it is a new part that plays one note at a time and is no bass."""
        return self.usual is not None and self.at_once == 1 and not self.is_bass


# Of a thousand notes of drums in 700 songs of Lakh, those of the drums of a kit.
_KIT = {
    35: 62, 36: 112, 37: 28, 38: 100, 40: 64, 41: 17, 42: 175, 43: 8, 44: 37, 45: 16, 46: 37, 47: 8, 48: 7, 49: 21,
    50: 6, 51: 57, 53: 8, 57: 12, 59: 18,
}  # fmt: skip
# Kicks, snares, hi-hats, and cymbals but for the pedal hi-hat: of 344,000 onsets of drums in 400 songs two of one of
# these begin together in .6, 1.5 and 3 to 4 %. Toms are among the cymbals: keys ascend within an onset, and toms would
# take the place of all that may not follow a hi-hat.
_STRUCK_APART = (
    (35, 36), (37, 38, 39, 40), (42, 44, 46), (41, 42, 43, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 57, 59),
)  # fmt: skip
# The power of these shares that the model's probabilities of drums are multiplied by.
_USUAL = 0.2
# Of 25,560 notes of basses in songs of Lakh (benchmarks/proportions.py), the shares that begin on the pitch class of
# the highest part, a semitone from it, and elsewhere; and how much likelier a bass is, in nats, where other parts sound
# at each interval above it, by a logistic regression with the piece's pitch classes beside it.
_BELOW_A_LINE = np.array([0.231, 0.041, 0.728])
_WORTH_ABOVE_A_BASS = np.array([1.53, -0.64, -0.08, 0.21, 0.46, -0.06, -0.41, 0.61, -0.61, -0.4, -0.05, -0.56])
# As how many notes these count.
_BASS_NOTES = 16.0
# Of sixteen notes of a part in a song, how many begin in the chord of the others, a semitone from it, and elsewhere.
_NEW_HARMONY = np.array([11.0, 1.0, 4.0])


def new_habits(
    time: Integers,
    pitch: Integers,
    within: tuple[int, int],
    at_once: int,
    per_bar: int,
    longest_gap: int,
    shortest: int = 1,
    is_bass: bool = False,
    chord: int = 1,
) -> Habits:
    """Habits of a part without notes elsewhere: in the key, the chords and the time of the others, without piles.

    Drums are those of a kit, and the more likely the more usual they are; two kicks, two snares or two cymbals do not
    begin together. Where the others have a grid, the part keeps to it and to its eighths, triplets and sixteenths.

    Args:
        time: of the notes of the piece, in steps.
        pitch: of the pitched ones.
        within: lowest and highest pitch.
        at_once, per_bar, longest_gap, is_bass, chord: see `Habits`.
        shortest: duration of its notes at least, in steps.
    """
    keys = np.zeros(KEYS, bool)
    keys[within[0] : within[1] + 1] = True
    kit, usual = DRUM_KEYS + np.array(list(_KIT)), np.zeros(KEYS)
    keys[kit] = True
    usual[kit] = _USUAL * np.log(list(_KIT.values()))
    in_time = np.isin(np.arange(STEPS) % (STEPS // 2), (0, STEPS // 6, STEPS // 4, STEPS // 3))
    return Habits(
        keys,
        places=in_time | _grid(time) if len(time) else in_time,
        durations=np.arange(DURATIONS) >= shortest,
        at_once=at_once,
        sounding=KEYS,
        per_bar=per_bar,
        longest_gap=longest_gap,
        harmony=_NEW_HARMONY,
        classes=np.bincount(pitch % 12, minlength=12).astype(np.float64),
        usual=usual,
        one_of=tuple(frozenset(DRUM_KEYS + key for key in keys) for keys in _STRUCK_APART),
        is_bass=is_bass,
        chord=chord,
    )


def _grid(time: Integers) -> Mask:
    """Places of the quarter on which nearly all notes begin, (60,); all of them where notes are played freely."""
    share = np.bincount(time % STEPS, minlength=STEPS) / len(time)
    common = share >= _COMMON_PLACE
    in_time = common.sum() <= _MOST_PLACES and share[common].sum() >= _ON_PLACES
    return np.asarray(common if in_time else np.ones(STEPS, bool))


def habits_of(
    time: Integers,
    duration: Integers,
    key: Integers,
    bar: Integers,
    holes: Sequence[tuple[int, int]] = (),
    others: Sounding | None = None,
    fewest: int = 8,
) -> Habits | None:
    """The habits of a part from its notes elsewhere; None if there are too few.

    A pitched part keeps within three semitones of its range, a kit to the drums that it uses. Where nearly all notes
    begin on a few places of the quarter, new ones do too; a part played freely has no such places. Of fifty gaps the
    longest is left aside, so that a part that plays on does not fall silent; gaps over `holes` are not counted.
    """
    if len(time) < fewest:
        return None
    keys = np.zeros(KEYS, bool)
    drums = key >= DRUM_KEYS
    keys[key[drums]] = True
    if (~drums).any():
        low, high = int(key[~drums].min()), int(key[~drums].max())
        keys[max(0, low - _MARGIN) : min(DRUM_KEYS - 1, high + _MARGIN) + 1] = True
    durations = np.zeros(DURATIONS, bool)
    durations[: min(DURATIONS, int(duration.max()) + 1)] = True
    _, together = np.unique(time, return_counts=True)
    _, each_bar = np.unique(bar, return_counts=True)
    onsets = np.unique(time)
    own = np.ones(len(onsets) - 1, bool)
    for first, last in holes:
        own &= (onsets[1:] < first) | (onsets[:-1] >= last)
    gaps = np.diff(onsets)[own]
    return Habits(
        keys,
        _grid(time),
        durations,
        at_once=max(1, int(np.quantile(together, 0.99))),
        sounding=max(1, int(np.quantile(_sounding_at(time, time, duration), 0.99))),
        per_bar=int(np.ceil(each_bar.max() * 1.25)),
        longest_gap=int(np.quantile(gaps, 0.98, method="higher")) if len(gaps) else 1 << 30,
        harmony=_harmony(time[~drums], key[~drums], others),
        classes=np.bincount(key[~drums] % 12, minlength=12).astype(np.float64),
    )


def _sounding_at(times: Integers, time: Integers, duration: Integers) -> Integers:
    """How many notes sound at each of some times; what ends there does not."""
    begun = np.searchsorted(np.sort(time), times, side="right")
    return np.asarray(begun - np.searchsorted(np.sort(time + duration), times, side="right"))


def _harmony(time: Integers, key: Integers, others: Sounding | None) -> Floats:
    """How many onsets have each relation to the chord of the others, (3,)."""
    if others is None or not len(time):
        return np.zeros(3)
    classes = others.at(time)
    over = classes.any(axis=1)
    kinds = relation(classes)[np.arange(len(time)), key % 12][over]
    return np.bincount(kinds, minlength=3).astype(np.float64)
