"""Positions of measures in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.written_music import TICKS, Measure, Written

# A measure that misses its meter by less is full: durations that are rounded to divisions.
_SLACK = TICKS // 32
_LAST_TICK = 1 << 30
_FINEST = 64


@dataclass(frozen=True)
class Layout:
    """Measures in the order of the page: their first ticks, lengths, and printed numbers.

    `bounds` has one more entry than there are measures. `meters` are rows (tick, numerator, denominator) that give
    just these bar lines: an upbeat is a bar of its own length.
    """

    bounds: tuple[int, ...]
    numbers: tuple[int, ...]
    meters: tuple[tuple[int, int, int], ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """The first tick of each measure."""
        return self.bounds[:-1]


def lay_out(written: Written) -> Layout:
    """Place the measures of all parts after each other; each is as long as what stands in it.

    Raises:
        NotationError: when the piece is longer than 2^30 ticks.
    """
    bounds = [0]
    numbers: list[int] = []
    meters: list[tuple[int, int, int]] = []
    in_force = (4, 4)
    said: tuple[int, int] | None = None
    cut = False  # whether the bar before is shorter than its meter
    columns = list(zip(*(part.measures for part in written.parts), strict=True))
    for index, column in enumerate(columns):
        new = next((measure.meters[-1][1:] for measure in column if measure.meters), None)
        in_force = in_force if new is None else new
        full = TICKS * 4 * in_force[0] // in_force[1]
        content = max(measure.content for measure in column)
        length = full if not content or abs(content - full) < _SLACK else content
        last = index == len(columns) - 1
        meter = in_force if length == full or (last and length < full) else _irregular(length, in_force[1])
        # At the very beginning only where the page says it: without a word the meter is 4/4.
        if (meter != said or cut) and not (said is None and new is None and meter == (4, 4)):
            meters.append((bounds[-1], *meter))
        said, cut = meter, length * meter[1] != TICKS * 4 * meter[0]
        bounds.append(bounds[-1] + length)
        if bounds[-1] > _LAST_TICK:
            raise NotationError("it is longer than 2^30 ticks")
        numbers.append(_number(column[0], numbers))
    return Layout(tuple(bounds), tuple(numbers), tuple(meters))


def _irregular(length: int, denominator: int) -> tuple[int, int]:
    """A meter for a bar of this many ticks, or the next longer one: the meter after it cuts the bar."""
    whole = Fraction(length, 4 * TICKS)
    fitting = [d for d in (1, 2, 4, 8, 16, 32, _FINEST) if d >= denominator and (whole * d).denominator == 1]
    for unit in (*fitting, _FINEST, 32, 16, 8, 4, 2, 1):
        beats = -(-whole * unit // 1)
        if 0 < beats <= 255:
            return int(beats), unit
    return 255, 1


def _number(measure: Measure, before: Sequence[int]) -> int:
    """The printed number; one without a number of its own (X1) belongs to the bar before it."""
    digits = measure.number.strip()
    if digits.isdecimal() and len(digits) < 7:
        return int(digits)
    if not before:
        return 0 if measure.implicit else 1
    return before[-1] if measure.implicit or digits.upper().startswith("X") else before[-1] + 1
