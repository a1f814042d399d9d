"""Training examples of a region model: passages of a piece, and edits given everything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symbolic_music.tokenizers.region.arrangement import Layout, StepSpan, arrange_edit, arrange_stretch
from symbolic_music.tokenizers.region.events import GridEvents
from symbolic_music.tokenizers.region.harmony import Harmony, key_around
from symbolic_music.tokenizers.region.rows import PEDAL_INSTRUMENT, SLOTS, Rows

_SPANS, _SPAN_SHARES = (1, 2, 3), (0.5, 0.3, 0.2)
_BARS, _BAR_SHARES = (1, 2, 4, 8, 16), (0.1, 0.2, 0.45, 0.2, 0.05)
# Other spans of an edit begin at most this many bars from the first.
_APART = 12
# Of the edits these write one slot, and all slots that play there.
_ONE_SLOT, _ALL_SLOTS = 0.35, 0.3
# Of the edits of tracks with a pedal these write it too; in the others it is given.
_WITH_PEDAL = 0.6
# Of the edits of long pieces these have no bars from afar that are like the region; the others give them a share of
# the room within these bounds, and the written tracks reach further than the others by a factor within these.
_WITHOUT_ALIKE, _ALIKE, _REACH_BESIDE = 0.25, (0.1, 0.4), (1.0, 1.5)
# Of the examples with chords, those of notes from nothing, edits with nothing else given, and those of plain triads.
_CHORDS_FROM_NOTHING, _CHORDS_ALONE, _TRIADS = 0.3, 0.3, 0.3
# Of the edits with new parts, those of one slot, those that keep one slot alone, and those whose parts have begun.
_NEW_ONE, _NEW_BAND, _BEGUN = 0.35, 0.4, 0.4
# No example is written for more than this share.
_MOST_WRITTEN = 0.6


@dataclass(frozen=True)
class RegionAugmentation:
    """How examples vary.

    Args:
        edits: share of the examples that are edits; the others are stretches.
        transpose: least and greatest shift in semitones.
        fewer_slots: share of the examples in which only some slots are given.
        without_future: share of the edits that do not see what follows.
        keys: share of the edits that are conditioned on a key.
        tempo: classes of tempo by which examples are at most off, see `rows.tempo_class`.
        new_parts: share of the edits whose written slots play nowhere else, or not after the region.
    """

    edits: float = 0.7
    transpose: tuple[int, int] = (-6, 5)
    fewer_slots: float = 0.15
    without_future: float = 0.15
    keys: float = 0.0
    tempo: int = 0
    new_parts: float = 0.0


def region_example(
    events: GridEvents,
    longest: int,
    augmentation: RegionAugmentation,
    rng: np.random.Generator,
    chords: Sequence[tuple[int, str]] = (),
) -> Rows:
    """Make one example from a piece with notes, of at most `longest` rows.

    Args:
        chords: of the piece, as `Harmony.chords`, which the example is conditioned on.
    """
    if chords and rng.random() < _TRIADS:
        chords = [(step, _triad(name)) for step, name in chords]
    if rng.random() < (1 - _CHORDS_FROM_NOTHING if chords else augmentation.edits):
        return _edit(events, longest, augmentation, rng, chords)
    layout = replace(_layout(events, augmentation, rng), harmony=Harmony(tuple(chords)))
    return arrange_stretch(events, _any_bar(events, rng), longest, layout)


def _any_bar(events: GridEvents, rng: np.random.Generator) -> int:
    """A bar with a note; dense bars are drawn more often."""
    notes = np.flatnonzero(events.instrument != PEDAL_INSTRUMENT)
    return int(events.bar[notes[int(rng.integers(0, len(notes)))]])


def _layout(events: GridEvents, augmentation: RegionAugmentation, rng: np.random.Generator) -> Layout:
    slots = len(events.slot_instruments)
    given = None
    if slots > 2 and rng.random() < augmentation.fewer_slots:
        given = rng.random(slots) < rng.uniform(0.3, 1)
        given[events.slot[int(rng.integers(0, len(events)))]] = True
    alike = 0.0 if rng.random() < _WITHOUT_ALIKE else float(rng.uniform(*_ALIKE))
    reach = 1.0 if rng.random() < 0.3 else float(rng.uniform(1.3, 3))
    return Layout(
        numbers=rng.permutation(SLOTS)[:slots],
        semitones=int(rng.integers(augmentation.transpose[0], augmentation.transpose[1] + 1)),
        future=0.0 if rng.random() < augmentation.without_future else float(rng.uniform(0.3, 1.2)),
        alike=alike,
        reach=float(rng.uniform(*_REACH_BESIDE)) if alike else reach,
        given=given,
        tempo=int(rng.integers(-augmentation.tempo, augmentation.tempo + 1)) if augmentation.tempo else 0,
    )


def _edit(
    events: GridEvents,
    longest: int,
    augmentation: RegionAugmentation,
    rng: np.random.Generator,
    chords: Sequence[tuple[int, str]],
) -> Rows:
    spans = _draw_spans(events, rng)
    inside = _inside(events, spans)
    is_pedal = events.slot_instruments == PEDAL_INSTRUMENT
    present = np.unique(events.slot[inside & ~is_pedal[events.slot]])
    draw, some = rng.random(), int(rng.integers(1, len(present) + 1))
    count = 1 if draw < _ONE_SLOT else len(present) if draw > 1 - _ALL_SLOTS else some
    is_new = augmentation.new_parts and rng.random() < augmentation.new_parts
    if is_new:
        count = 1 if draw < _NEW_ONE else max(1, len(present) - 1) if draw > 1 - _NEW_BAND else some
    written = rng.choice(present, count, replace=False)
    if is_pedal.any() and rng.random() < _WITH_PEDAL:
        pedals = is_pedal & np.isin(events.slot_tracks, events.slot_tracks[written])
        written = np.append(written, np.flatnonzero(pedals))
    own = np.isin(events.slot, written)
    room = int(longest * _MOST_WRITTEN) - 40
    while (_inside(events, spans) & own).sum() > room and len(spans) > 1:
        spans = spans[:-1]
    first, end = spans[0]
    while (_inside(events, spans) & own).sum() > room and end > first + 1:
        end = first + (end - first) // 2
        spans = [(first, end)]
    if is_new:
        begun = spans[0][0] if rng.random() < _BEGUN else 0
        events = events.taken(~own | _inside(events, spans) | (events.bar < begun))
    steps: list[StepSpan] = [(events.edge(a), events.edge(b)) for a, b in spans]
    layout = _layout(events, augmentation, rng)
    key = key_around(events, spans) if augmentation.keys and rng.random() < augmentation.keys else None
    layout = replace(layout, harmony=Harmony(tuple(chords), key))
    if chords and rng.random() < _CHORDS_ALONE:
        layout = replace(layout, alone=True)
    return arrange_edit(events, steps, written.tolist(), longest, layout, most_written=int(longest * 0.625))


def _triad(name: str) -> str:
    """A chord without its seventh."""
    return re.sub(r"(maj7|m7b5|7)$", lambda found: {"m7b5": "dim"}.get(found[0], ""), name)


def _draw_spans(events: GridEvents, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Spans of bars (first, end), sorted and apart; the first that is drawn holds a note."""
    total, spans = len(events.bar_starts), list[tuple[int, int]]()
    for _ in range(int(rng.choice(_SPANS, p=_SPAN_SHARES))):
        bars = int(rng.choice(_BARS, p=_BAR_SHARES))
        first = _any_bar(events, rng) - int(rng.integers(0, bars))
        if spans:
            first = spans[0][0] + int(rng.integers(-_APART, _APART + 1))
        first = max(0, first)
        end = min(first + bars, total)
        if end > first and all(end < a or first > b for a, b in spans):
            spans.append((first, end))
    return sorted(spans)


def _inside(events: GridEvents, spans: list[tuple[int, int]]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce([(events.bar >= first) & (events.bar < end) for first, end in spans]))
