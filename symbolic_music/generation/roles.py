"""Roles of new parts: range, density and durations of their notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT, PIANOS_AND_GUITARS
from symbolic_music.score import Array

Side = Literal["below", "above"]
_SPREAD = 36
_LOWEST, _HIGHEST = 28, 108


@dataclass(frozen=True)
class Role:
    """A role of a track.

    Args:
        program: of General MIDI that plays it when none is named, 128 for drums.
        lowest, highest: pitches, both included.
        at_once: notes that begin together at most.
        per_bar: notes of a bar at most.
        shortest_quarters: duration of a note at least.
        chord: notes that begin together as a rule, 1 for a part that need not play chords.
    """

    program: int
    lowest: int
    highest: int
    at_once: int
    per_bar: int
    shortest_quarters: float
    chord: int = 1


ROLES = {
    "bass": Role(33, 28, 52, 1, 12, 0.25),
    "pad": Role(48, 48, 79, 4, 8, 1.0, 3),
    "lead": Role(80, 60, 91, 1, 16, 0.0),
    "drums": Role(DRUM_INSTRUMENT, 0, 127, 4, 32, 0.0),
    "counter": Role(42, 48, 76, 1, 8, 0.5),
}

# Of parts of each family of General MIDI in 700 songs of Lakh: the lowest and the highest pitch of all but a tenth, and
# how many notes begin together at most in nine parts of ten.
_FAMILIES = (
    (37, 86, 4), (52, 93, 3), (40, 89, 3), (41, 79, 3), (28, 52, 1), (36, 84, 2), (41, 87, 3), (43, 82, 3),
    (41, 82, 2), (57, 93, 2), (38, 84, 2), (40, 89, 4), (47, 86, 3), (52, 80, 3), (33, 95, 2), (36, 89, 2),
)  # fmt: skip
_USUAL_PER_BAR = 24


def usual_role(instrument: int) -> Role:
    """What a part of an instrument, 0 to 127 or 128 for drums, does in most songs."""
    family = instrument // 8
    if instrument == DRUM_INSTRUMENT or ROLES["bass"].program // 8 == family:
        return ROLES["drums" if instrument == DRUM_INSTRUMENT else "bass"]
    return Role(instrument, *_FAMILIES[family], _USUAL_PER_BAR, 0.0)


# Notes of the chords that the programs of a band play that play chords, in most of the songs in which they do; pads and
# ensembles hold them.
_CHORDS = {
    **dict.fromkeys((*range(8), *range(16, 29), 31, *range(48, 55), 61, 62, 63, *range(88, 96)), 3), 29: 2, 30: 2,
}  # fmt: skip
_HELD, _HELD_QUARTERS, _HELD_PER_BAR = (*range(48, 55), *range(88, 96)), 1.5, 8
# In songs, chords lie in the median 10 to 13 semitones below the melody, and lines 8 to 12; how far both reach, and
# between which pitches their middle lies.
_BELOW_THE_MELODY, _REACH, _MIDDLES = 11, 9, (53, 67)


def role_in_a_band(instrument: int, melody: float, earlier: int) -> Role:
    """What a new part of a band does under a melody: the usual, as chords or as a line, in a register of its own.

    Of several pianos or guitars every second one plays a line.

    Args:
        instrument: 0 to 127, 128 for drums.
        melody: its middle pitch.
        earlier: new parts of the same family that are written before it.
    """
    usual = usual_role(instrument)
    if usual in (ROLES["drums"], ROLES["bass"]):
        return usual
    middle = round(min(max(melody - _BELOW_THE_MELODY, _MIDDLES[0]), _MIDDLES[1]))
    middle = min(max(middle, usual.lowest + _REACH), usual.highest - _REACH)
    chord = 1 if earlier % 2 and instrument in PIANOS_AND_GUITARS else _CHORDS.get(instrument, 1)
    held = chord > 1 and instrument in _HELD
    return replace(
        usual,
        lowest=middle - _REACH,
        highest=middle + _REACH,
        at_once=max(usual.at_once, chord) if chord > 1 else 1,
        per_bar=_HELD_PER_BAR if held else usual.per_bar,
        shortest_quarters=_HELD_QUARTERS if held else usual.shortest_quarters,
        chord=chord,
    )


def role_named(name: str) -> Role:
    """A role by its name. OptionError for another one."""
    if name not in ROLES:
        raise OptionError(f"no role {name!r}: choose from {', '.join(ROLES)}")
    return ROLES[name]


def beside(notes: Array, side: Side) -> tuple[int, int]:
    """Lowest and highest pitch of a part below or above some pitched notes, three octaves at most.

    One note in ten of theirs may lie on its side.
    """
    if side == "below":
        highest = max(_LOWEST + 12, int(np.quantile(notes["pitch"], 0.1)) - 1)
        return max(_LOWEST, highest - _SPREAD), highest
    lowest = min(_HIGHEST - 12, int(np.quantile(notes["pitch"], 0.9)) + 1)
    return lowest, min(_HIGHEST, lowest + _SPREAD)
