"""The arrangement of a piece for a region model: given rows in order, then written rows.

For an edit everything that is given comes first - past, future and the other tracks - and then the notes of each span.
Where a piece is longer than the window, bars near the spans are kept, and of the tracks that are written those bars
from anywhere that are most like the spans, since songs repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.events import GridEvents, Integers
from symbolic_music.tokenizers.region.harmony import NO_HARMONY, Harmony
from symbolic_music.tokenizers.region.likeness import bar_likeness
from symbolic_music.tokenizers.region.rows import Rows

# First step, and first step after it.
StepSpan = tuple[int, int]
# The share of the room that given notes may take; rests between them take the rest.
_FILLED = 0.93
# Bars below it, or far below the best, are not like the span.
_LEAST_LIKENESS, _LEAST_OF_BEST = 0.15, 0.5


@dataclass(frozen=True)
class Layout:
    """How the given notes of an edit are chosen and numbered.

    Args:
        numbers: of the slots, shape (slots,), from 0 to 31; ascending when omitted.
        semitones: transposition.
        future: how far what follows reaches beside what came before; 0 for none of it.
        alike: share of the room for bars of the written slots that are like the spans; see `likeness`.
        reach: how much further the other notes of written slots reach.
        given: mask of the slots whose notes are given; written slots always are.
        harmony: that the spans of an edit are conditioned on, or all of a stretch.
        alone: whether nothing else is given.
        tempo: added to the class of the tempo.
    """

    numbers: Integers | None = None
    semitones: int = 0
    future: float = 0.7
    alike: float = 0.25
    reach: float = 1.0
    given: NDArray[np.bool_] | None = None
    harmony: Harmony = NO_HARMONY
    alone: bool = False
    tempo: int = 0


PLAIN = Layout()


def arrange_stretch(events: GridEvents, first_bar: int, longest: int, layout: Layout = PLAIN) -> Rows:
    """Rows of a piece from a bar on, at most `longest`, all of them predicted."""
    numbers, keys = _numbers(events, layout), events.keys(layout.semitones)
    is_given = events.bar >= first_bar
    if layout.given is not None:
        is_given &= layout.given[events.slot]
    chosen = _in_order(events, np.flatnonzero(is_given)[:longest], numbers, keys)
    begin = events.edge(first_bar)
    head = _header(events, np.unique(events.slot[chosen]), numbers, np.zeros(len(numbers), bool), begin, layout.tempo)
    body, _ = _note_rows(events, chosen, numbers, keys, begin)
    rows = np.concatenate([head, body])[:longest]
    _place(events, rows)
    r.link_slots(rows)
    is_body = rows[:, r.KIND] >= r.NOTE
    rows[is_body, r.HARMONY] = layout.harmony.codes(rows[is_body, r.TIME], events.transposition(layout.semitones))
    rows[:, r.TIME] -= begin
    return rows


def arrange_edit(
    events: GridEvents,
    spans: Sequence[StepSpan],
    written: Sequence[int],
    longest: int,
    layout: Layout = PLAIN,
    most_written: int | None = None,
    like: StepSpan | None = None,
) -> Rows:
    """Rows of an edit: header, what is given, and for each span REGION, its notes, END.

    Args:
        events: of the piece.
        spans: steps that are written, (first, end), sorted and apart from each other; whole bars in training.
        written: slots that are written in them.
        longest: rows at most; what is given is cut to it.
        layout: see there.
        most_written: notes of a span at most; the rest is not in the rows.
        like: steps of bars that are kept as far as there is room, when what is given is cut.
    """
    numbers, keys = _numbers(events, layout), events.keys(layout.semitones)
    is_written = np.zeros(len(numbers), bool)
    is_written[list(written)] = True
    own = is_written[events.slot]
    inside = np.zeros(len(events), bool)
    regions = []
    for first, end in spans:
        within = (events.time >= first) & (events.time < end)
        inside |= within
        target = _in_order(events, np.flatnonzero(within & own), numbers, keys)[:most_written]
        regions.append(_region(events, (first, end), target, numbers, keys))
        semitones = events.transposition(layout.semitones)
        regions[-1][:, r.HARMONY] = layout.harmony.codes(regions[-1][:, r.TIME], semitones)
    region = np.concatenate(regions)
    room = int((longest - len(region) - len(numbers) - 2) * _FILLED)
    bars = int(_bars(events, spans[0][0])), int(_bars(events, spans[-1][1] - 1)) + 1
    chosen, is_far = _given(events, ~(inside & own), own, bars, room, layout, is_written, like)
    order = _sorted(events, chosen, numbers, keys)
    chosen, is_far = chosen[order], is_far[order]
    body, at = _note_rows(events, chosen, numbers, keys, None)
    _place(events, body)
    if len(body):
        time = body[:, r.TIME]
        hole = np.logical_or.reduce([(time >= first) & (time < end) for first, end in spans])
        body[:, r.STATE] = np.where(hole, r.WITHIN, r.GIVEN)
        body[at[is_far], r.STATE] = r.FAR
        near = events.time[chosen][~is_far]
        if len(near):
            outside = (time < near[0]) | (time > near[-1])
            body[(body[:, r.KIND] == r.REST) & outside, r.STATE] = r.FAR
        # What is far away follows without rests, and nothing after it is predicted from it.
        body = body[(body[:, r.KIND] != r.REST) | (body[:, r.STATE] != r.FAR)]
        is_far_row = body[:, r.STATE] == r.FAR
        body[:, r.PREDICTED] = ~is_far_row
        body[1:, r.PREDICTED] &= ~is_far_row[:-1]
        body[0, r.PREDICTED] = 0
    begin = spans[0][0]
    slots = np.union1d(np.unique(events.slot[chosen]), np.flatnonzero(is_written)).astype(np.int64)
    head = _header(events, slots, numbers, is_written, int(body[0, r.TIME]) if len(body) else begin, layout.tempo)
    _place(events, head)
    # Rests may have made it longer: it is shortened from the front.
    over = max(0, len(head) + len(body) + len(region) - longest)
    rows = np.concatenate([head, body[over:], region])[:longest]
    r.link_slots(rows)
    rows[:, r.TIME] -= begin
    return rows


def _numbers(events: GridEvents, layout: Layout) -> Integers:
    return np.arange(len(events.slot_instruments)) if layout.numbers is None else layout.numbers


def _sorted(events: GridEvents, chosen: Integers, numbers: Integers, keys: Integers) -> Integers:
    return np.lexsort((keys[chosen], numbers[events.slot[chosen]], events.time[chosen]))


def _in_order(events: GridEvents, chosen: Integers, numbers: Integers, keys: Integers) -> Integers:
    return np.asarray(chosen[_sorted(events, chosen, numbers, keys)])


def _given(
    events: GridEvents,
    is_given: NDArray[np.bool_],
    own: NDArray[np.bool_],
    span: tuple[int, int],
    room: int,
    layout: Layout,
    is_written: NDArray[np.bool_],
    like: StepSpan | None,
) -> tuple[Integers, NDArray[np.bool_]]:
    """Notes that are shown, and which of them are so far away that only written slots are."""
    first, last = span
    after = (events.bar - last + 1) / layout.future if layout.future else np.full(len(events), np.inf)
    distance = np.where(events.bar < first, first - events.bar, np.where(events.bar >= last, after, 0.0))
    rank = np.where(own, distance / layout.reach, distance)
    if layout.alone:
        is_given = np.zeros_like(is_given)
    if layout.given is not None:
        is_given = is_given & (layout.given | is_written)[events.slot]
    chosen = np.flatnonzero(is_given & np.isfinite(rank))
    if len(chosen) <= room:
        return chosen, np.zeros(len(chosen), bool)
    if layout.alike:
        rank[_alike(events, is_given & np.isfinite(rank), own, span, int(layout.alike * room))] = 0.0
    if like is not None:
        rank[is_given & own & (events.time >= like[0]) & (events.time < like[1])] = 0.0
    cut = np.partition(rank[chosen], max(0, room))[max(0, room)]
    chosen = chosen[rank[chosen] < cut]
    return chosen, np.asarray(distance[chosen] >= cut)


def _alike(
    events: GridEvents, is_given: NDArray[np.bool_], own: NDArray[np.bool_], span: tuple[int, int], most: int
) -> NDArray[np.bool_]:
    """Notes of written slots in the bars that are most like a span, about `most` of them."""
    likeness = bar_likeness(events, is_given, own, span)
    counts = np.bincount(events.bar[is_given & own], minlength=len(likeness))
    bars = np.argsort(-likeness, kind="stable")
    least = max(_LEAST_LIKENESS, _LEAST_OF_BEST * float(likeness.max(initial=0.0)))
    bars = bars[(likeness[bars] >= least) & (counts[bars] > 0)]
    bars = bars[np.append(0, np.cumsum(counts[bars]))[:-1] < most]
    return is_given & own & np.isin(events.bar, bars)


def _header(
    events: GridEvents, slots: Integers, numbers: Integers, is_written: NDArray[np.bool_], time: int, tempo: int
) -> Rows:
    slots = slots[np.argsort(numbers[slots])]
    head = r.blank(1 + len(slots), r.TRACK)
    head[:, r.TIME] = time
    tempo_class = r.tempo_class(events.quarters_per_minute) + tempo
    head[0, r.KIND], head[0, r.ABOUT] = r.START, min(max(tempo_class, 0), r.TEMPOS - 1)
    head[1:, r.SLOT], head[1:, r.INSTRUMENT] = numbers[slots], events.slot_instruments[slots]
    head[1:, r.ABOUT] = np.where(is_written[slots], r.ABOUT_WRITTEN, r.ABOUT_GIVEN)
    head[1:, r.PREDICTED] = 1
    return head


def _region(events: GridEvents, span: StepSpan, target: Integers, numbers: Integers, keys: Integers) -> Rows:
    body, _ = _note_rows(events, target, numbers, keys, span[0])
    region = np.concatenate([r.blank(1, r.REGION), body, r.blank(1, r.END)])
    region[0, r.TIME], region[-1, r.TIME], region[-1, r.PREDICTED] = *span, 1
    region[:, r.STATE] = written_states(_place(events, region), int(_bars(events, span[1] - 1)) + 1)
    return region


def _note_rows(
    events: GridEvents, chosen: Integers, numbers: Integers, keys: Integers, begin: int | None
) -> tuple[Rows, Integers]:
    """Rows of notes in order with the rests between them, and where each note is; `begin`: what rests count from."""
    time = events.time[chosen]
    if not len(time):
        return r.blank(0), np.zeros(0, np.int64)
    before = np.append(time[0] if begin is None else begin, time[:-1])
    rests = np.maximum(0, time - before) // r.LONGEST_GAP
    at = np.arange(len(time)) + np.cumsum(rests)
    rows = r.blank(len(time) + int(rests.sum()), r.REST)
    rows[:, r.PREDICTED] = 1
    for i in np.flatnonzero(rests):
        count = int(rests[i])
        rows[at[i] - count : at[i], r.TIME] = before[i] + r.LONGEST_GAP * np.arange(1, count + 1)
    rows[at, r.KIND], rows[at, r.TIME], rows[at, r.DURATION] = r.NOTE, time, events.duration[chosen]
    rows[at, r.SLOT], rows[at, r.INSTRUMENT] = numbers[events.slot[chosen]], events.instrument[chosen]
    rows[at, r.KEY], rows[at, r.VELOCITY] = keys[chosen], events.velocity[chosen] // 4
    return rows, at


def _place(events: GridEvents, rows: Rows) -> Integers:
    """Set POSITION and LENGTH; the bar of each row."""
    bars = _bars(events, rows[:, r.TIME])
    rows[:, r.POSITION] = np.minimum(rows[:, r.TIME] - events.bar_starts[bars], r.MOST_POSITION - 1)
    rows[:, r.LENGTH] = np.minimum(events.bar_lengths[bars], r.MOST_POSITION)
    return np.asarray(bars)


def written_states(bars: Integers, end: int) -> Integers:
    """STATE of rows that are written, from their bars and the first bar after the span."""
    return np.asarray(r.WRITTEN + np.clip(end - bars, 0, r.MOST_BARS_LEFT))


def _bars(events: GridEvents, time: int | Integers) -> Integers:
    return np.asarray(np.clip(np.searchsorted(events.bar_starts, time, side="right") - 1, 0, None))
