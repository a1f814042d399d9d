"""Positions of measures in time, and the order of repeats and jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.written import TICKS, Measure, Written

# A measure that misses its meter by less is full: durations that are rounded to divisions.
_SLACK = TICKS // 32
_LAST_TICK = 1 << 30
_FINEST = 64
# A piece that its repeats make longer than this many measures is left as written.
_MOST_PLAYED = 20_000


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


def played_order(measures: Sequence[Measure]) -> tuple[list[int], list[int], str]:
    """Measures in the order in which they are played, the pass (from 1) of each, and a problem or "".

    Repeats with endings, da capo and dal segno with fine and coda. After a jump repeats are not taken again.
    """
    order: list[int] = []
    passes: list[int] = []
    begin, index, turn, jumped = 0, 0, 1, False
    taken: set[int] = set()
    while index < len(measures):
        if len(order) > _MOST_PLAYED:
            return list(range(len(measures))), [1] * len(measures), "its repeats have no end: they are not played"
        measure = measures[index]
        if measure.repeat_start and index != begin:
            begin, turn = index, 1
        if measure.ending and not jumped and turn not in measure.ending:
            index += 1
            continue
        if measure.ending and jumped and index + 1 < len(measures) and _ends_repeat(measures, index):
            index += 1  # after a jump the last ending is played
            continue
        order.append(index)
        passes.append(turn)
        if jumped and "fine" in measure.jumps:
            break
        if jumped and "tocoda" in measure.jumps:
            coda = next((i for i in range(index + 1, len(measures)) if "coda" in measures[i].jumps), None)
            if coda is not None:
                index = coda
                continue
        if measure.repeat_times and not jumped:
            last = max((n for m in measures[begin : index + 1] for n in m.ending), default=0)
            if turn < max(measure.repeat_times, 2 if not last else 0) and (not last or turn <= last):
                turn += 1
                index = begin
                continue
            begin, turn = index + 1, 1
        if not jumped and index not in taken and measure.jumps & {"dacapo", "dalsegno"}:
            taken.add(index)
            segno = next((i for i, m in enumerate(measures) if "segno" in m.jumps), 0)
            index, jumped, turn = (0 if "dacapo" in measure.jumps else segno), True, 1
            continue
        index += 1
    return order, passes, ""


def _ends_repeat(measures: Sequence[Measure], index: int) -> bool:
    """Whether the ending in which this measure stands leads back: another one follows it."""
    ending = measures[index].ending
    for measure in measures[index:]:
        if measure.ending != ending:
            return bool(measure.ending)
        if measure.repeat_times:
            return True
    return False


def told_repeats(measures: Sequence[Measure], numbers: Sequence[int]) -> list[str]:
    """A description of the repeats, for `Score.problems`."""
    told = []
    begin = 0
    for index, measure in enumerate(measures):
        if measure.repeat_start:
            begin = index
        if measure.repeat_times:
            bars = f"bars {numbers[begin]} to {numbers[index]}" if index > begin else f"bar {numbers[index]}"
            times = "twice" if measure.repeat_times == 2 else f"{measure.repeat_times} times"
            told.append(f"{bars} ({times})")
            begin = index + 1
    jumps = sorted(set().union(*(m.jumps for m in measures)) & {"dacapo", "dalsegno"}) if measures else []
    words = {"dacapo": "da capo", "dalsegno": "dal segno"}
    return told + [words[jump] for jump in jumps]
