"""Numbers in untrusted documents."""

from __future__ import annotations

import re
from fractions import Fraction

_NUMBER = re.compile(r"\s*([+-]?\d{1,12}(?:\.\d{0,12})?|[+-]?\.\d{1,12})\s*", re.ASCII)


def number(text: str | None) -> int | Fraction | None:
    """A decimal number of at most twelve digits before the point, exactly; None for any other text.

    Whole ones are plain integers, whose arithmetic is faster by far.
    """
    if text is None:
        return None
    if len(text) <= 12 and text.isdecimal() and text.isascii():
        return int(text)
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    value = Fraction(found[1].rstrip("."))
    return value.numerator if value.denominator == 1 else value


def whole(text: str | None) -> int | None:
    """A whole number of at most twelve digits; None for any other text."""
    value = number(text)
    return value if isinstance(value, int) else None
