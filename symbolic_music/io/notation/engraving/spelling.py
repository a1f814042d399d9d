"""Spell pitches in a key, on the line of fifths."""

from __future__ import annotations

from functools import lru_cache

_LINE = "FCGDAEB"
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@lru_cache(maxsize=4096)
def spelled(pitch: int, sharps: int) -> tuple[str, int, int]:
    """(step, alteration, octave) of a MIDI pitch under a signature: from three fifths below its tonic to eight above.

    So C major has E flat, B flat, F sharp, C sharp and G sharp, as its relative minor needs.
    """
    fifth = next(f for f in range(sharps - 3, sharps + 9) if (7 * f - pitch) % 12 == 0)
    step, alter = _LINE[(fifth + 1) % 7], (fifth + 1) // 7
    return step, alter, (pitch - alter - _STEPS[step]) // 12 - 1
