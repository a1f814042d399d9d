"""The order in which measures are played: repeats, endings and jumps."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.io.notation.written_music import Measure

# A piece that its repeats make longer than this many measures is left as written, as is one in which this multiple of
# them is passed over.
_MOST_PLAYED, _MOST_PASSED = 20_000, 10


def played_order(measures: Sequence[Measure]) -> tuple[list[int], list[int], str]:
    """Measures in the order in which they are played, the pass (from 1) of each, and a problem or "".

    Repeats with endings, da capo and dal segno with fine and coda. After a jump repeats are not taken again.
    """
    order: list[int] = []
    passes: list[int] = []
    begin, index, turn, jumped = 0, 0, 1, False
    taken: set[int] = set()
    ends, leads_back, codas = _Passes(measures), _leading_back(measures), _codas(measures)
    seen, most = 0, _MOST_PASSED * (_MOST_PLAYED + len(measures))
    while index < len(measures):
        seen += 1
        if len(order) > max(_MOST_PLAYED, len(measures)) or seen > most:
            return list(range(len(measures))), [1] * len(measures), "its repeats have no end: they are not played"
        measure = measures[index]
        if measure.repeat_start and index != begin:
            begin, turn = index, 1
        if measure.ending and not jumped and turn not in measure.ending:
            index += 1
            continue
        if measure.ending and jumped and index + 1 < len(measures) and leads_back[index]:
            index += 1  # after a jump the last ending is played
            continue
        order.append(index)
        passes.append(turn)
        if jumped and "fine" in measure.jumps:
            break
        if jumped and "tocoda" in measure.jumps:
            coda = codas[index]
            if coda is not None:
                index = coda
                continue
        if measure.repeat_times and not jumped:
            if turn < ends.count(begin, index):
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
        if measure.ending and not jumped and not (index < len(measures) and measures[index].ending):
            begin, turn = index, 1
    return order, passes, ""


class _Passes:
    """How often measures are played that a later one leads back to; each number is looked up once."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = measures
        # The highest ending of the measures from each on, up to one without an ending or with a repeat's start.
        self._following = [0] * (len(measures) + 1)
        for index in range(len(measures) - 1, -1, -1):
            one = measures[index]
            if one.ending and not one.repeat_start:
                self._following[index] = max(*one.ending, self._following[index + 1])
        self._known: dict[tuple[int, int], int] = {}

    def count(self, begin: int, index: int) -> int:
        """How often the measures between these two are played, the second of which leads back: as endings say."""
        if (begin, index) not in self._known:
            own = (number for measure in self._measures[begin : index + 1] for number in measure.ending)
            last = max(max(own, default=0), self._following[index + 1])
            self._known[begin, index] = max(2, last) if last else self._measures[index].repeat_times
        return self._known[begin, index]


def _leading_back(measures: Sequence[Measure]) -> list[bool]:
    """Whether the ending in which each measure stands leads back: another one follows it."""
    out = [False] * len(measures)
    for index in range(len(measures) - 1, -1, -1):
        following = measures[index + 1] if index + 1 < len(measures) else None
        if measures[index].repeat_times:
            out[index] = True
        elif following is not None:
            same = following.ending == measures[index].ending
            out[index] = out[index + 1] if same else bool(following.ending)
    return out


def _codas(measures: Sequence[Measure]) -> list[int | None]:
    """The coda after each measure, or None."""
    out: list[int | None] = []
    coda: int | None = None
    for index in range(len(measures) - 1, -1, -1):
        out.append(coda)
        coda = index if "coda" in measures[index].jumps else coda
    return out[::-1]


def told_repeats(measures: Sequence[Measure], numbers: Sequence[int]) -> list[str]:
    """A description of the repeats, for `Score.problems`."""
    notices, ends = [], _Passes(measures)
    begin = 0
    for index, measure in enumerate(measures):
        if measure.repeat_start:
            begin = index
        if measure.repeat_times:
            bars = f"bars {numbers[begin]} to {numbers[index]}" if index > begin else f"bar {numbers[index]}"
            passes = ends.count(begin, index)
            times = "twice" if passes == 2 else f"{passes} times"
            notices.append(f"{bars} ({times})")
            begin = index + 1
    jumps = sorted(set().union(*(m.jumps for m in measures)) & {"dacapo", "dalsegno"}) if measures else []
    words = {"dacapo": "da capo", "dalsegno": "dal segno"}
    return notices + [words[jump] for jump in jumps]
