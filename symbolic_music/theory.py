"""Pitch names, scales, chords and keys."""

from __future__ import annotations

import re
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def pitch_class(name: str) -> int:
    """0 for C to 11 for B, of a letter from A to G with any # or b.

    Raises:
        OptionError: for another name.

    Examples:
        >>> sm.theory.pitch_class("Bb")
        10
    """
    letter, signs = name[:1].upper(), name[1:]
    if letter not in _LETTERS or signs.strip("#b") or len(set(signs)) > 1:
        raise OptionError(f"no tonic {name!r}: a letter from A to G, and # or b")
    return (_LETTERS[letter] + signs.count("#") - signs.count("b")) % 12


@overload
def hertz(pitch: float) -> float: ...
@overload
def hertz(pitch: NDArray[np.floating[Any]]) -> NDArray[np.float64]: ...
def hertz(pitch: float | NDArray[np.floating[Any]]) -> float | NDArray[np.float64]:
    """Frequency of a MIDI pitch, or of an array of them; 69 is 440 Hz. Fractions are parts of a semitone.

    Examples:
        >>> sm.theory.hertz(81)
        880.0
    """
    found: float | NDArray[np.float64] = 440.0 * 2.0 ** ((pitch - 69) / 12)
    return found


def key_name(sharps: int, minor: bool) -> str:
    """Name of a key signature.

    Examples:
        >>> sm.theory.key_name(-3, minor=True)
        'C minor'
    """
    fifths = sharps + (3 if minor else 0)
    letter = "FCGDAEB"[(fifths + 1) % 7]
    accidentals = (fifths + 1) // 7
    return letter + ("#" * accidentals if accidentals > 0 else "b" * -accidentals) + (" minor" if minor else " major")


def key_signature(name: str) -> tuple[int, bool]:
    """Sharps (flats are negative) of a key, and whether it is minor.

    Raises:
        OptionError: for another name, or a key of more than seven sharps or flats.

    Examples:
        >>> sm.theory.key_signature("Bb major")
        (-2, False)
    """
    keys = {key_name(sharps, minor): (sharps, minor) for sharps in range(-7, 8) for minor in (False, True)}
    tonic, _, mode = name.strip().partition(" ")
    found = keys.get(f"{tonic[:1].upper()}{tonic[1:]} {mode.strip() or 'major'}")
    if found is None:
        raise OptionError(f"no key {name!r}: as 'D minor' or 'Bb major', of at most seven sharps or flats")
    return found


def key_number(sharps: int, minor: bool) -> int:
    """The number of a key, as of `likely_key`: 0 to 11 for C to B major, 12 to 23 for minor.

    Examples:
        >>> sm.theory.key_number(-3, minor=True)  # C minor
        12
    """
    return (7 * sharps + 9 * minor) % 12 + 12 * minor


def numbered_key(number: int) -> tuple[int, bool]:
    """Sharps (flats are negative) of a key by its number, and whether it is minor: at most six accidentals.

    Examples:
        >>> sm.theory.key_name(*sm.theory.numbered_key(13))
        'C# minor'
    """
    minor = number >= 12
    # A fifth up adds a sharp.
    return ((number + 3 * minor) % 12 * 7 + 5) % 12 - 5, minor


# Intervals above the root, by what follows the root's letter.
CHORDS: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7), "m": (0, 3, 7), "5": (0, 7), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10), "9": (0, 4, 7, 10, 2), "m7b5": (0, 3, 6, 10), "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9), "aug": (0, 4, 8), "sus2": (0, 2, 7), "sus4": (0, 5, 7),
}  # fmt: skip


def chord_classes(name: str) -> tuple[int, ...]:
    """Pitch classes of a chord by its name; none for "-", which is no chord.

    Raises:
        OptionError: for a name that is not known.

    Examples:
        >>> sm.theory.chord_classes("Am7")
        (0, 4, 7, 9)
    """
    root, intervals = chord_intervals(name)
    return tuple(sorted((root + interval) % 12 for interval in intervals))


def chord_intervals(name: str) -> tuple[int, tuple[int, ...]]:
    """The pitch class of a chord's root, and the semitones of its notes above that; none for "-", which is no chord.

    Raises:
        OptionError: for a name that is not known.

    Examples:
        >>> sm.theory.chord_intervals("Am7")
        (9, (0, 3, 7, 10))
    """
    if name == "-":
        return 0, ()
    found = re.fullmatch(r"([A-G])([#b]*)(.*)", name)
    if found is None or found[3] not in CHORDS:
        kinds = ", ".join(f"C{kind}" for kind in CHORDS)
        raise OptionError(f"no chord {name!r}: a letter from A to G, # or b, and a kind as in {kinds}")
    return pitch_class(found[1] + found[2]), CHORDS[found[3]]


def chord_chart(text: str) -> tuple[tuple[str, ...], ...]:
    """The chords of each bar of a chart: bars between strokes, chords of a bar in equal parts; "-" is no chord.

    Raises:
        OptionError: for an empty chart or bar, or a chord that is not known.

    Examples:
        >>> sm.theory.chord_chart("C | Am F | G7")
        (('C',), ('Am', 'F'), ('G7',))
    """
    bars = tuple(tuple(bar.split()) for bar in text.strip().strip("|").split("|"))
    if not all(bars):
        raise OptionError(f"a chart has chords in each bar, as 'C | Am F | G7', not {text!r}")
    for name in (name for bar in bars for name in bar):
        chord_intervals(name)
    return bars


def pitch_number(text: str) -> int:
    """A pitch from its number, or its name: C4 is 60, middle C.

    Raises:
        OptionError: when it is neither.

    Examples:
        >>> sm.theory.pitch_number("C4"), sm.theory.pitch_number("61")
        (60, 61)
    """
    found = re.fullmatch(r"([A-Ga-g])([#b]*)(-?\d)", text)
    number = int(text) if text.isdecimal() else -1
    if found:
        number = 12 * (int(found[3]) + 1) + pitch_class(found[1] + found[2])
    if not 0 <= number <= 127:
        raise OptionError(f"no pitch {text!r}: a number from 0 to 127, or a name such as C4, F#3, Bb5")
    return number


_PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """Scientific name of a pitch, the black keys as they are most often called: 60 is C4, middle C.

    Examples:
        >>> sm.theory.pitch_name(58)
        'Bb3'
    """
    return _PITCH_NAMES[pitch % 12] + str(pitch // 12 - 1)


# Krumhansl and Kessler's (1982) probe-tone profiles of C major and C minor.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def likely_key(score: Score) -> int | None:
    """The key whose profile fits the durations of the pitch classes best (Krumhansl 1990): 0-11 major, 12-23 minor.

    None without pitched notes, or where all pitch classes last equally long.

    Examples:
        >>> sm.theory.likely_key(song)  # 7 is G major
        7
    """
    notes = score.notes[score.instruments != DRUM_INSTRUMENT]
    return key_of_weights(np.bincount(notes["pitch"] % 12, np.maximum(notes["duration"], 1).astype(np.float64), 12))


def key_of_weights(weights: NDArray[Any]) -> int | None:
    """The key whose profile fits weights of the twelve pitch classes best, as `likely_key`; None where all are equal.

    Examples:
        >>> sm.theory.key_of_weights(np.array([3, 0, 2, 0, 2, 1, 0, 3, 0, 1, 0, 1.0]))
        0
    """
    if np.ptp(weights) == 0:
        return None
    profiles = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return int((profiles @ (weights - weights.mean())).argmax())
