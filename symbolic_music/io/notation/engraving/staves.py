"""The staves of a part: how many, their clefs, and which notes are written on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.bar_voices import Segment

Staves = Literal["percussion", "grand", "bass", "treble"]
_KEYBOARDS = (*range(24), 46)
_MIDDLE = 60


def staves_of(pitches: NDArray[Any], program: int, has_drums: bool) -> Staves:
    """The staves of a part by the pitches of its notes that are no drums, and its program."""
    if has_drums:
        return "percussion"
    if not len(pitches):
        return "treble"
    if program in _KEYBOARDS and pitches.min() < _MIDDLE - 5 and pitches.max() > _MIDDLE + 5:
        return "grand"
    return "bass" if np.median(pitches) < _MIDDLE - 3 else "treble"


def clefs(staves: Staves) -> str:
    """The elements of the clefs, with the number of staves where it is not one."""
    if staves == "percussion":
        return "<clef><sign>percussion</sign></clef>"
    if staves == "grand":
        upper, lower = sheet.clef("G", 2), sheet.clef("F", 4)
        numbered = (clef.replace("<clef>", f'<clef number="{i + 1}">') for i, clef in enumerate((upper, lower)))
        return "<staves>2</staves>" + "".join(numbered)
    return sheet.clef("F", 4) if staves == "bass" else sheet.clef("G", 2)


def hands(segments: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Notes of the upper and of the lower staff of two."""
    return [s for s in segments if s.pitch >= _MIDDLE], [s for s in segments if s.pitch < _MIDDLE]
