"""Controllers of a track applied to its notes: sustain, volume, expression, pan, pitch bend. NumPy, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import BASSES, DRUM_INSTRUMENT
from symbolic_music.score import Score

Curve = NDArray[np.float64]
BANK_DATA, VOLUME, PAN, EXPRESSION, SUSTAIN = 6, 7, 10, 11, 64
NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH = PARAMETERS = 98, 99, 100, 101
DEFAULT_BEND_RANGE = 2.0
# A controller glides to its new value within this time, to avoid clicks; its value is sampled at this interval.
GLIDE, GRID = 0.01, 32
# Basses stay in the middle of the picture, as drums do: contrabass, tuba and General MIDI's eight basses.
CENTRED = frozenset({*BASSES, 43, 58, DRUM_INSTRUMENT})


@dataclass(frozen=True)
class Steps:
    """A value that changes at times: `values[i]` from `times[i]` on, `before` until the first."""

    times: Curve
    values: Curve
    before: float

    def at(self, times: Curve) -> Curve:
        """The value in force at these times, the change at a time included."""
        index = np.searchsorted(self.times, times, side="right")
        held: Curve = np.concatenate([[self.before], self.values])[index]
        return held

    def gliding(self, times: Curve) -> Curve:
        """The steps with every jump smoothed over GLIDE seconds, except one at the very start."""
        if not len(self.times):
            return np.full(len(times), self.before)
        last = np.append(self.times[1:] != self.times[:-1], True)
        at, to = self.times[last], self.values[last]
        previous = np.concatenate([[to[0] if at[0] <= 0 else self.before], to[:-1]])
        done = np.minimum(at + GLIDE, np.append(at[1:], np.inf))
        xs = np.column_stack([at, done]).ravel()
        curve: Curve = np.interp(times, xs, np.column_stack([previous, to]).ravel())
        return curve

    def over(self, first: int, samples: int, sample_rate: int) -> float | Curve:
        """The gliding value at samples from `first` on: one number where it stands, else (samples,)."""
        begin, end = first / sample_rate, (first + samples) / sample_rate
        if np.searchsorted(self.times, begin - GLIDE) == np.searchsorted(self.times, end):
            return float(self.at(np.array([begin]))[0])
        # Knots at multiples of the grid, so that it does not matter where a block begins.
        skip = first % GRID
        knots = self.gliding((first - skip + np.arange(-(-(skip + samples) // GRID) + 1) * GRID) / sample_rate)
        curve: Curve = (knots[:-1, None] + np.diff(knots)[:, None] * (np.arange(GRID) / GRID)).ravel()
        return curve[skip : skip + samples]


def steps(score: Score, track: int, number: int, before: float) -> Steps:
    """The values of one controller of one track."""
    own = score.controls[(score.controls["track"] == track) & (score.controls["number"] == number)]
    return Steps(score.seconds(own["time"]), own["value"].astype(np.float64), before)


def gain(score: Score, track: int) -> tuple[Steps, Steps]:
    """Volume (CC7) and expression (CC11) as amplitudes; General MIDI 1: 40 log10(value / 127) dB.

    At its default of 100 the volume is 0 dB here.
    """
    volume, expression = steps(score, track, VOLUME, 100.0), steps(score, track, EXPRESSION, 127.0)
    return (
        Steps(volume.times, (volume.values / 100.0) ** 2, 1.0),
        Steps(expression.times, (expression.values / 127.0) ** 2, 1.0),
    )


def pan(score: Score, track: int, default: float) -> Steps:
    """Place of a track between left (-1) and right (1), from CC10 where it has any."""
    own = steps(score, track, PAN, 64.0)
    return Steps(own.times, np.clip((own.values - 64.0) / 63.0, -1, 1), default)


def held_until(score: Score) -> Curve:
    """Seconds at which each note's key or pedal lets it go, (notes,).

    While the sustain pedal (CC64 of 64 or more) of its track is down at a note's end, the note goes on until the pedal
    comes up, until the same key is struck again, or to the last note's end where it never comes up.
    """
    ends = score.offset_seconds.copy()
    finish = float(ends.max(initial=0.0))
    pitched = score.instruments != 128
    for track in np.unique(score.controls["track"][score.controls["number"] == SUSTAIN]):
        pedal = steps(score, int(track), SUSTAIN, 0.0)
        down = Steps(pedal.times, (pedal.values >= 64).astype(np.float64), 0.0)
        own = np.flatnonzero((score.notes["track"] == track) & pitched)
        caught = own[down.at(ends[own]) > 0]
        if not len(caught):
            continue
        ups = np.append(pedal.times[pedal.values < 64], finish)
        ups.sort()
        up = ups[np.minimum(np.searchsorted(ups, ends[caught], side="right"), len(ups) - 1)]
        ends[caught] = np.maximum(ends[caught], np.minimum(up, _struck_again(score, own)[np.searchsorted(own, caught)]))
    return ends


def pedal_from(score: Score) -> Curve:
    """Seconds after each note's onset from which the sustain pedal of its track is down, (notes,).

    0 where it is down at the onset; infinity where it does not come down before the note ends.
    """
    onset, ends = score.onset_seconds, held_until(score)
    found = np.full(len(onset), np.inf)
    for track in np.unique(score.controls["track"][score.controls["number"] == SUSTAIN]):
        pedal = steps(score, int(track), SUSTAIN, 0.0)
        down = Steps(pedal.times, (pedal.values >= 64).astype(np.float64), 0.0)
        own = np.flatnonzero(score.notes["track"] == track)
        presses = np.append(pedal.times[pedal.values >= 64], np.inf)
        following = presses[np.searchsorted(presses, onset[own], side="right")]
        after = np.where(down.at(onset[own]) > 0, 0.0, following - onset[own])
        found[own] = np.where(onset[own] + after < ends[own], after, np.inf)
    return found


def _struck_again(score: Score, own: NDArray[np.int64]) -> Curve:
    """For each of these notes the next onset of its pitch among them; infinity where there is none."""
    onset, pitch = score.onset_seconds[own], score.notes["pitch"][own]
    order = np.lexsort((onset, pitch))
    following = np.full(len(own), np.inf)
    same = pitch[order][1:] == pitch[order][:-1]
    following[order[:-1][same]] = onset[order][1:][same]
    return following


def bend(score: Score, track: int) -> Steps | None:
    """Pitch bend of a track in semitones, or None where it is never bent. The range is RPN 0's, else 2 semitones."""
    own = score.bends[score.bends["track"] == track]
    if not np.any(own["value"]):
        return None
    wide = bend_range(score, track)
    times = score.seconds(own["time"])
    return Steps(times, own["value"] / 8192.0 * wide.at(times), 0.0)


def bend_range(score: Score, track: int) -> Steps:
    """Semitones of a full bend: data entry (CC6) while registered parameter 0 is chosen, and no other since."""
    own = score.controls[score.controls["track"] == track]
    own = own[np.isin(own["number"], (BANK_DATA, *PARAMETERS))]
    chosen = {RPN_LOW: 127, RPN_HIGH: 127}
    times, values = [], []
    for time, number, value in zip(own["time"], own["number"], own["value"], strict=True):
        if number in (NRPN_LOW, NRPN_HIGH):
            chosen = {RPN_LOW: 127, RPN_HIGH: 127}
        elif number != BANK_DATA:
            chosen[int(number)] = int(value)
        elif chosen == {RPN_LOW: 0, RPN_HIGH: 0}:
            times.append(int(time))
            values.append(float(value))
    return Steps(score.seconds(np.array(times, np.int64)), np.array(values), DEFAULT_BEND_RANGE)


def positions(score: Score) -> dict[int, float]:
    """The pan position of each track, -1 left to 1 right, in the absence of pan controllers.

    Spread in the order of the tracks, the first on the left; basses and drums in the middle. A score that uses pan
    controllers anywhere is left to them.
    """
    present = [int(t) for t in np.unique(score.notes["track"])]
    panned = bool(np.any(score.controls["number"] == PAN))
    spread = []
    for track in present:
        first = score.instruments[score.notes["track"] == track][0]
        if int(first) not in CENTRED:
            spread.append(track)
    places = dict.fromkeys(present, 0.0)
    if not panned and len(spread) > 1:
        places.update(zip(spread, np.linspace(-0.55, 0.55, len(spread)).tolist(), strict=True))
    return places
