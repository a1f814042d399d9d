"""How long the notes of a MusicXML measure last, and where they stand.

Some programs write durations as whole divisions even where these are too coarse for them: a dotted quarter as 1 or 2
divisions of a quarter. There the note's type, dots and tuplet say what is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from xml.etree.ElementTree import Element

from symbolic_music.io.notation.checked_numbers import whole
from symbolic_music.io.notation.written_music import TICKS

Units = int | Fraction
_NAMES = (
    "1024th", "512th", "256th", "128th", "64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve", "long",
)  # fmt: skip
_QUARTERS = {name: Fraction(2) ** (place - 8) for place, name in enumerate(_NAMES)}


def meant(value: Units, tags: Mapping[str, Element], note: Element, divisions: Units) -> Units:
    """The duration of a note in divisions: as its type says where whole divisions cannot say it, else as written.

    Args:
        value: the duration as it is written.
        tags: the children of the note, by name.
    """
    kind = tags.get("type")
    if kind is None:
        return value
    dots = len(note.findall("dot")) if "dot" in tags else 0
    tuplet = tags.get("time-modification")
    ratio = ("", "") if tuplet is None else (tuplet.findtext("actual-notes"), tuplet.findtext("normal-notes"))
    exact = _exact(kind.text or "", dots, *ratio, divisions)
    return value if exact is None or value == exact or abs(value - exact) >= 1 else exact


@lru_cache(maxsize=1024)
def _exact(kind: str, dots: int, actual: str | None, normal: str | None, divisions: Units) -> Fraction | None:
    """A note's length in divisions, where it is no whole number of them."""
    quarters = _QUARTERS.get(kind.strip())
    if quarters is None or dots > 8:
        return None
    length = quarters * (2 - Fraction(1, 2**dots)) * divisions
    if actual:
        many, few = whole(actual), whole(normal)
        if not many or not few or not 0 < many <= 64 or not 0 < few <= 64:
            return None
        length *= Fraction(few, many)
    return None if length.denominator == 1 else length


@dataclass(slots=True)
class Cursor:
    """A place within a measure: `at`, and `said`, the place by the durations as they are written."""

    at: Units = 0
    said: Units = 0
    _known: dict[Units, Units] = field(default_factory=dict)

    def forward(self, said: Units, length: Units) -> None:
        """Go on by a length that is written so."""
        self._known[self.said] = self.at
        self.at += length
        self.said += said

    def skip(self, said: Units) -> None:
        """Go on without a note."""
        reached = self._known.get(self.said + said)
        self.forward(said, said if reached is None else max(0, reached - self.at))

    def back(self, said: Units) -> None:
        """Go back: to the place where a note stood that is written there, else by the length that is meant."""
        self._known[self.said] = self.at
        self.said = max(0, self.said - said)
        reached = self._known.get(self.said)
        self.at = max(0, self.at - said) if self.said and reached is None else reached or 0
        if not self.at:
            self.said = 0

    def rescale(self, old: Units, new: Units) -> None:
        """Count in other divisions: on the grid of ticks first, else the denominators of many divisions multiply."""
        self.at, self.said = (
            _plain(Fraction(int((2 * place * TICKS + old) // (2 * old)), TICKS) * new) for place in (self.at, self.said)
        )
        self._known.clear()


def _plain(value: Fraction) -> Units:
    return value.numerator if value.denominator == 1 else value
