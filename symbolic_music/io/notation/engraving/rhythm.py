"""Durations in quarters as note values: types, dots and tuplets."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

_NAMES = ("maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th", "256th",
          "512th", "1024th")  # fmt: skip
_TYPES = {Fraction(32) / 2**i: name for i, name in enumerate(_NAMES)}
_MOST_DOTS = 3


class NoteValue(NamedTuple):
    """A note type of MusicXML with dots; in a tuplet of `actual` in the time of `normal`."""

    type: str
    dots: int
    actual: int = 1
    normal: int = 1


@lru_cache(maxsize=4096)
def note_value(length: Fraction) -> NoteValue | None:
    """The one note value that is this long; None for a length that needs several, tied."""
    if length <= 0:
        return None
    actual = length.denominator
    while actual % 2 == 0:
        actual //= 2
    if actual > 15:
        return None
    normal = 1 << (actual.bit_length() - 1)
    plain = length * actual / normal
    for dots in range(_MOST_DOTS + 1):
        name = _TYPES.get(plain * 2**dots / (2 ** (dots + 1) - 1))
        if name is not None:
            return NoteValue(name, dots, actual, normal)
    return None


def tied_values(start: Fraction, length: Fraction) -> list[Fraction]:
    """Lengths of note values that together last `length` from `start` (quarters within the bar).

    One value where there is one; else the first reaches the next beat where it can, and the longest follow.
    """
    if note_value(length) is not None:
        return [length]
    out: list[Fraction] = []
    while length > 0:
        to_beat = 1 - start % 1
        part = to_beat if start % 1 and to_beat < length and note_value(to_beat) is not None else _longest(length)
        out.append(part)
        start += part
        length -= part
    return out


def _longest(length: Fraction) -> Fraction:
    """The longest note value that fits; what no value can write is taken whole."""
    if note_value(length) is not None:
        return length
    if length >= Fraction(1, 32):
        plain = Fraction(32)
        while plain > length:
            plain /= 2
        if plain * 3 / 2 <= length:
            plain = plain * 3 / 2
        return plain
    odd = length.denominator
    while odd % 2 == 0:
        odd //= 2
    part = Fraction(1, length.denominator)
    return part if 1 < odd <= 15 and note_value(part) is not None else length


@lru_cache(maxsize=4096)
def simplest(ticks: int, per_quarter: int) -> Fraction:
    """The simplest fraction of a quarter within half a tick: what was rounded to ticks, such as 11ths, comes back."""
    low, high = Fraction(2 * ticks - 1, 2 * per_quarter), Fraction(2 * ticks + 1, 2 * per_quarter)
    return _between(low, high)


def _between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator in an open interval (Stern-Brocot)."""
    whole = low.numerator // low.denominator
    if whole + 1 < high:
        return Fraction(whole + 1)
    low, high = low - whole, high - whole
    if low == 0:  # just above a whole number: the first 1 / n below the upper end
        return whole + Fraction(1, int(1 / high) + 1)
    return whole + 1 / _between(1 / high, 1 / low)
