"""Attributes of MIDI-GPT's prism and expressive models: of tracks among all others, and of single bars.

All are found on the model's grid, as in the original, whose oddities are kept so that ids are the same.

Source: github.com/Metacreation-Lab/MIDI-GPT (version 0.4.2); key profiles of Krumhansl 1990; levels of the metric grid
of Lee et al. 2024 (GigaMIDI).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from symbolic_music.tokenizers.public.midigpt_bars import DRUM_DENSITIES, BarNote, GridBar, GridTrack, quantiles

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_NO_KEY = 24
_LEVELS = 6


def track_attributes(
    tracks: Sequence[GridTrack], number: int, bars: Sequence[GridBar], resolution: int
) -> Mapping[str, int]:
    """Values of the attributes of a track that yellow's models do not have; key and range not of drums."""
    track = tracks[number]
    found = {"SilenceProportion": _silence(track, bars, resolution), "TrackLevelNomml": _depth(track, resolution)}
    if not track.is_drum:
        pitches = [note.pitch for notes in track.bars for note in notes] or [0]
        found |= {"PitchRange": max(pitches) - min(pitches), "KeySignature": _key(tracks)}
    return found


def bar_attributes(track: GridTrack, notes: Sequence[BarNote], bar: GridBar, resolution: int) -> Mapping[str, int]:
    """Values of the attributes of a bar: density of drums, polyphony of others."""
    if track.is_drum:
        return {"BarLevelOnsetDensity": sum(len(notes) > most for most in DRUM_DENSITIES)}
    length = round(4 * bar.numerator / bar.denominator * resolution)
    sounding = np.zeros(length, np.int64)
    for note in notes:
        # The last step of a bar is not looked at.
        sounding[note.onset : max(note.onset, min(note.onset + note.duration, length - 1))] += 1
    least, most = quantiles([int(count) for count in sounding[sounding > 0]])
    return {
        "BarLevelOnsetPolyphonyMin": max(1, min(least, 10)) - 1,
        "BarLevelOnsetPolyphonyMax": max(1, min(most, 10)) - 1,
    }


def usual(values: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """The middle value of each attribute of some bars, the lower of two."""
    kinds = {kind for one in values for kind in one}
    return {kind: sorted(one[kind] for one in values if kind in one)[(len(values) - 1) // 2] for kind in kinds}


def _key(tracks: Sequence[GridTrack]) -> int:
    """The key of all tracks, 0 to 11 for major and 12 to 23 for minor, from C; 24 for none."""
    weights = np.zeros(12)
    for track in tracks:
        for notes in track.bars:
            for note in notes:
                if note.velocity > 0:
                    weights[note.pitch % 12] += note.duration
    if not weights.any():
        return _NO_KEY
    profiles = [np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)]
    return int(np.argmax([sum(a * b for a, b in zip(profile, weights, strict=True)) for profile in profiles]))


def _silence(track: GridTrack, bars: Sequence[GridBar], resolution: int) -> int:
    """Tenths of the bars in which nothing sounds, their mean; only notes of the first bar are where they are."""
    shares, start = [], 0
    for bar, notes in zip(bars, track.bars, strict=True):
        length = int(bar.numerator * (resolution * 4 / bar.denominator))
        if not length:
            continue
        active = np.zeros(length, bool)
        for note in notes:
            first = note.onset - start
            active[max(0, min(length, first)) : max(0, min(length, first + note.duration))] = True
        shares.append(int((~active).sum()) / length)
        start += length
    return max(0, min(9, int(sum(shares) / len(shares) * 10))) if shares else 0


def _depth(track: GridTrack, resolution: int) -> int:
    """The median level of the metric grid on which onsets are: 0 for quarters, 12 for none."""
    depths = [_level(note.onset, resolution) for notes in track.bars for note in notes]
    return int(median(depths)) if depths else 2 * _LEVELS


def _level(time: int, quarter: int) -> int:
    for level in range(_LEVELS):
        if time % (quarter / 2**level) == 0:
            return 2 * level
    for level in range(_LEVELS):
        if time % (quarter * 2 / (2**level * 3)) == 0:
            return 2 * level + 1
    return 2 * _LEVELS
