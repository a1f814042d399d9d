"""What a sampler of regions is asked for, and what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.generation.constraints.base import Constraint
from symbolic_music.tokenizers.region.events import Integers
from symbolic_music.tokenizers.region.rows import DRUM_KEYS, DURATIONS, KEYS, STEPS, Rows

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Habits:
    """What a part does elsewhere in its piece, as masks of what it may do where it is written.

    Args:
        keys: (256,), see `tokenizers.region.rows`.
        places: steps of a quarter on which notes begin, (60,).
        durations: (1000,), in steps.
        at_once: notes that begin together at most.
        per_bar: notes of a bar at most.
        longest_gap: steps from a note to the next at most, and to the end of the span.
    """

    keys: Mask
    places: Mask
    durations: Mask
    at_once: int
    per_bar: int
    longest_gap: int


@dataclass(frozen=True, eq=False)
class RegionRequest:
    """A span in which notes are to be written; times are steps from the beginning of the score.

    Args:
        rows: header, what is given, and the REGION row, whose times count from `origin`.
        origin: step that is time 0 of the rows.
        start, end: of the span.
        bar_starts, bar_lengths: of the score, in steps.
        slots: that are written, with their instruments (128 for drums).
        past: time, duration and note (128 x instrument + pitch) before the span, for constraints: (n, 3).
        habits: of slots, in their order; None for a slot that is free.
        busy: for each slot, keys that sound into the span and the steps until when.
        constraints: what the notes must obey.
        most: notes at most.
        above: for each note to come, keys of its slot that notes of the same onset after it will need above it.
        is_open: whether rows go on as a stretch, not as a span of an edit.
    """

    rows: Rows
    origin: int
    start: int
    end: int
    bar_starts: Integers
    bar_lengths: Integers
    slots: tuple[tuple[int, int], ...]
    past: Integers
    habits: tuple[Habits | None, ...]
    busy: tuple[dict[int, int], ...]
    constraints: tuple[Constraint, ...] = ()
    most: int = 2000
    above: tuple[int, ...] = ()
    is_open: bool = False


@dataclass(frozen=True)
class DrawnNote:
    """A note as it is drawn, in steps from the beginning of the score.

    `log_probability` is of all its fields but the velocity, with the rests before it, before temperature and filters.
    """

    time: int
    duration: int
    slot: int
    instrument: int
    pitch: int
    velocity: int
    log_probability: float


def habits_of(
    time: Integers,
    duration: Integers,
    key: Integers,
    bar: Integers,
    holes: Sequence[tuple[int, int]] = (),
    fewest: int = 8,
) -> Habits | None:
    """The habits of a part from its notes elsewhere; None where there are too few to tell.

    A pitched part keeps within three semitones of its range, a kit to the drums that it uses. Where nearly all notes
    begin on a few places of the quarter, new ones do too; a part played freely has no such places. Of fifty gaps the
    longest is left aside, so that a part that plays on does not fall silent; gaps over `holes` are not counted.
    """
    if len(time) < fewest:
        return None
    keys = np.zeros(KEYS, bool)
    drums = key >= DRUM_KEYS
    keys[key[drums]] = True
    if (~drums).any():
        low, high = int(key[~drums].min()), int(key[~drums].max())
        keys[max(0, low - _MARGIN) : min(DRUM_KEYS - 1, high + _MARGIN) + 1] = True
    share = np.bincount(time % STEPS, minlength=STEPS) / len(time)
    common = share >= _COMMON_PLACE
    places = common if common.sum() <= _MOST_PLACES and share[common].sum() >= _ON_PLACES else np.ones(STEPS, bool)
    durations = np.zeros(DURATIONS, bool)
    durations[: min(DURATIONS, int(duration.max()) + 1)] = True
    _, together = np.unique(time, return_counts=True)
    _, each_bar = np.unique(bar, return_counts=True)
    onsets = np.unique(time)
    own = np.ones(len(onsets) - 1, bool)
    for first, last in holes:
        own &= (onsets[1:] < first) | (onsets[:-1] >= last)
    gaps = np.diff(onsets)[own]
    return Habits(
        keys,
        places,
        durations,
        at_once=max(1, int(np.quantile(together, 0.99))),
        per_bar=int(np.ceil(each_bar.max() * 1.25)),
        longest_gap=int(np.quantile(gaps, 0.98, method="higher")) if len(gaps) else 1 << 30,
    )


_MARGIN = 3
_COMMON_PLACE, _MOST_PLACES, _ON_PLACES = 0.005, 16, 0.97
