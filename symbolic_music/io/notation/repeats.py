"""The order in which measures are played: repeats, endings and jumps."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.io.notation.written import Measure

# A piece that its repeats make longer than this many measures is left as written.
_MOST_PLAYED = 20_000


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
            if turn < _passes(measures, begin, index):
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


def _passes(measures: Sequence[Measure], begin: int, index: int) -> int:
    """How often the measures between these two are played, the second of which leads back: as often as endings say."""
    stop = index + 1
    while stop < len(measures) and measures[stop].ending and not measures[stop].repeat_start:
        stop += 1
    last = max((number for measure in measures[begin:stop] for number in measure.ending), default=0)
    return max(2, last) if last else measures[index].repeat_times


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
            passes = _passes(measures, begin, index)
            times = "twice" if passes == 2 else f"{passes} times"
            told.append(f"{bars} ({times})")
            begin = index + 1
    jumps = sorted(set().union(*(m.jumps for m in measures)) & {"dacapo", "dalsegno"}) if measures else []
    words = {"dacapo": "da capo", "dalsegno": "dal segno"}
    return told + [words[jump] for jump in jumps]
