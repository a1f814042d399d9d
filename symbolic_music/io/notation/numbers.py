"""Numbers in documents of unknown origin."""

from __future__ import annotations

import re
from fractions import Fraction

_NUMBER = re.compile(r"\s*([+-]?\d{1,12}(?:\.\d{0,12})?|[+-]?\.\d{1,12})\s*", re.ASCII)


def number(text: str | None) -> Fraction | None:
    """A decimal number of at most twelve digits before the point, exactly; None for any other text."""
    if text is None:
        return None
    found = _NUMBER.fullmatch(text)
    return None if found is None else Fraction(found[1].rstrip("."))


def whole(text: str | None) -> int | None:
    """A whole number of at most twelve digits; None for any other text."""
    value = number(text)
    return int(value) if value is not None and value.denominator == 1 else None
