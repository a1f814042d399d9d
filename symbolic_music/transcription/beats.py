"""Beats and downbeats of a performance, by dynamic programming over its onsets.

The strength of the onsets is correlated with itself around each second: that gives the likely periods of a beat, and
the most likely course of the period is found among them (Viterbi). Beats lie where onsets are strong and follow each
other by about that period (Ellis, "Beat Tracking by Dynamic Programming", 2007, section 3). Downbeats are chosen among
the beats by bass notes, changes of harmony, and long and loud notes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError, OptionError, ScoreError
from symbolic_music.score import Score

FRAME = 0.01  # seconds
_SPREAD = 0.02  # seconds by which an onset is smoothed
_PERIODS = 0.25 * 2 ** (np.arange(49) / 18)  # seconds, 0.25 to 1.6: 240 to 38 beats a minute
_USUAL, _SPREAD_OF_USUAL = 0.62, 0.5  # seconds, octaves
_WINDOW, _STEP = 8.0, 1.0  # seconds
_CHANGE = 40.0  # how unlikely a change of the period is, for an octave squared
_TIGHT = 60.0  # how unlikely a beat off its period is, for an octave squared
_NEAR = 0.05  # seconds around a beat in which its onsets are looked for
_METERS = (4, 3)
_TRIPLE = 1.15  # how much better bars of three must be than bars of four
MAX_HOURS = 6.0
Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats at `times` (B,) in seconds, in bars of `meter`, the first of them at beat `first`.

    Examples:
        >>> beats = sm.transcription.Beats(np.arange(8) / 2, meter=4, first=1)
        >>> beats.downbeats.tolist()
        [0.5, 2.5]
    """

    times: Times
    meter: int
    first: int

    @property
    def downbeats(self) -> Times:
        """The first beats of bars, in seconds."""
        return self.times[self.first :: self.meter]


def track_beats(score: Score, meter: int | None = None) -> Beats:
    """Find the beats of a performance from its first to its last note; what the score says of tempo is not used.

    Args:
        score: of at least two notes.
        meter: beats of a bar; three or four, whichever fits better, when omitted.

    Raises:
        EmptyScoreError: for fewer than two notes.
        OptionError: for a meter that is not 2 to 12.
        ScoreError: for a score that lasts longer than `MAX_HOURS`.

    Examples:
        >>> found = sm.transcription.track_beats(song)
        >>> found.meter, float(np.median(np.diff(found.times)).round(1))
        (4, 0.5)
    """
    if len(score) < 2:
        raise EmptyScoreError("beats are found in a score of two notes or more")
    if meter is not None and not 2 <= meter <= 12:
        raise OptionError(f"a bar has 2 to 12 beats, not {meter}")
    if score.duration > 3600 * MAX_HOURS:
        raise ScoreError(
            f"this score lasts {score.duration / 3600:.1f} hours; beats are found in at most {MAX_HOURS:g}: clip it"
        )
    onset = score.onset_seconds
    strength = onset_strength(score)
    frames = _follow(strength, _periods(strength))
    times = _settled(np.asarray(FRAME * frames, np.float64), onset, score.notes["velocity"].astype(np.float64))
    chosen, first = _bars(_accents(score, times), (meter,) if meter else _METERS)
    return Beats(times, chosen, first)


def onset_strength(score: Score) -> Times:
    """How much begins in each hundredth of a second, smoothed, with a standard deviation of 1."""
    onset = score.onset_seconds
    held = np.clip(score.offset_seconds - onset, 0, 1)
    weight = score.notes["velocity"] / 127 * (0.5 + held) * np.where(score.notes["pitch"] < 52, 1.5, 1.0)
    size = int(onset.max() / FRAME) + 2
    found = np.bincount(np.rint(onset / FRAME).astype(np.int64), weight, size)
    reach = round(4 * _SPREAD / FRAME)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) * FRAME / _SPREAD) ** 2)
    found = np.sqrt(np.convolve(found, bell)[reach : reach + size])
    return np.asarray(found / max(float(found.std()), 1e-9))


def _periods(strength: Times) -> Times:
    """The period of a beat around each frame, in frames."""
    size, step = round(_WINDOW / FRAME), round(_STEP / FRAME)
    padded = np.pad(strength - strength.mean(), size // 2)
    lags = _PERIODS / FRAME
    liking = -0.5 * (np.log2(_PERIODS / _USUAL) / _SPREAD_OF_USUAL) ** 2
    scores = []
    for first in range(0, len(strength), step):
        part = padded[first : first + size]
        spectrum = np.abs(np.fft.rfft(part, 2 * size)) ** 2
        alike = np.fft.irfft(spectrum)[:size]
        alike = alike / max(float(alike[0]), 1e-9)
        # A beat is also alike two and four beats later.
        sums = sum(w * np.interp(m * lags, np.arange(size), alike) for m, w in ((1, 1.0), (2, 0.6), (4, 0.4)))
        scores.append(3 * sums + liking)
    octaves = np.log2(_PERIODS)
    change = _CHANGE * (octaves[:, None] - octaves) ** 2
    best, came = scores[0], []
    for own in scores[1:]:
        ways = best[None] - change
        came.append(ways.argmax(1))
        best = own + ways.max(1)
    path = [int(best.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    at = np.arange(len(scores)) * step
    return np.asarray(np.interp(np.arange(len(strength)), at, lags[path[::-1]]))


def _follow(strength: Times, periods: Times) -> NDArray[np.int64]:
    """Frames of the beats: strong onsets that follow each other by about the period."""
    count = len(strength)
    best, came = strength.copy(), np.full(count, -1)
    longest = round(2 * float(periods.max()))
    logs = np.log2(np.arange(1, longest + 1))
    for now in range(count):
        near, far = max(1, round(0.5 * periods[now])), round(2 * periods[now])
        far = min(far, now)
        if far < near:
            continue
        lag = np.arange(near, far + 1)
        ways = best[now - lag] - _TIGHT / 8 * (logs[lag - 1] - np.log2(periods[now])) ** 2
        chosen = int(ways.argmax())
        if ways[chosen] > 0:
            best[now] += ways[chosen]
            came[now] = now - lag[chosen]
    last = count - 1 - round(float(periods[-1]))
    path = [int(best[max(0, last) :].argmax()) + max(0, last)]
    while came[path[-1]] >= 0:
        path.append(int(came[path[-1]]))
    return np.array(path[::-1], np.int64)


def _settled(times: Times, onset: Times, weight: Times) -> Times:
    """Each beat at the mean of the onsets around it, where there are some."""
    order = np.argsort(onset, kind="stable")
    onset, weight = onset[order], weight[order]
    first, last = np.searchsorted(onset, times - _NEAR), np.searchsorted(onset, times + _NEAR)
    whole, moments = (np.append(0.0, np.cumsum(x)) for x in (weight, weight * onset))
    heavy = whole[last] - whole[first]
    found = np.where(heavy > 0, (moments[last] - moments[first]) / np.maximum(heavy, 1e-9), times)
    return np.asarray(np.maximum.accumulate(found))


def _accents(score: Score, times: Times) -> Times:
    """How much each beat sounds like the first of a bar, (B,)."""
    onset, notes = score.onset_seconds, score.notes
    nearest = _nearest(onset, times)
    close = np.abs(onset - times[nearest]) < 0.07
    count = len(times)
    velocity, held = notes["velocity"] / 127, np.clip(score.offset_seconds - onset, 0, 2)
    tuned = score.instruments < 128

    def of(weight: Times, which: NDArray[np.bool_]) -> Times:
        found = np.bincount(nearest[which], weight[which], count)
        return np.asarray((found - found.mean()) / max(float(found.std()), 1e-9))

    bass = of(velocity * np.clip((60 - notes["pitch"].astype(float)) / 24, 0, 1), close & tuned)
    long = of(velocity * held, close & tuned)
    kick = of(velocity, close & ~tuned & np.isin(notes["pitch"], (35, 36)))
    # Pitch classes from this beat to the next beside those of the beat before.
    inside = np.clip(np.searchsorted(times, onset + 0.05, side="right") - 1, 0, count - 1)
    classes = np.zeros((count, 12))
    np.add.at(classes, (inside[tuned], notes["pitch"][tuned] % 12), (velocity * (0.2 + held))[tuned])
    classes /= np.linalg.norm(classes, axis=1, keepdims=True) + 1e-9
    change = np.append(0.0, 1 - (classes[1:] * classes[:-1]).sum(1))
    change = (change - change.mean()) / max(float(change.std()), 1e-9)
    return np.asarray(bass + 0.7 * long + 0.7 * kick + change)


def _nearest(onset: Times, times: Times) -> NDArray[np.int64]:
    if len(times) < 2:
        return np.zeros(len(onset), np.int64)
    right = np.clip(np.searchsorted(times, onset), 1, len(times) - 1)
    return np.asarray(right - (onset - times[right - 1] < times[right] - onset))


def _bars(accents: Times, meters: tuple[int, ...]) -> tuple[int, int]:
    """Beats of a bar, and the beat at which the first bar begins."""
    found: dict[tuple[int, int], float] = {}
    for meter in meters:
        for first in range(min(meter, len(accents))):
            own = accents[first::meter]
            found[meter, first] = float(own.mean() * np.sqrt(len(own))) / (_TRIPLE if meter == 3 else 1.0)
    return max(found, key=lambda key: found[key])
