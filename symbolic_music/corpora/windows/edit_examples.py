"""Training sequences of the anticipatory encoding: events of a piece, some of them as controls.

Besides the published choices (none, spans, random events, instruments) a piece may be arranged as an edit: a
region of time x instruments is written, all before it is past, and the rest - the other instruments within
it, everything after it - is given five seconds early. It is what infilling asks of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.score import Score
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events, arrange, choose_controls

# Kinds of rows, as `models.anticipatory` reads them.
_EVENT, _CONTROL, _SEPARATOR, _AUTOREGRESS, _ANTICIPATE, _PADDING = range(6)


@dataclass(frozen=True)
class Augmentation:
    """How a piece is varied before it is learnt.

    Args:
        transpose: least and greatest shift in semitones, drawn uniformly.
        edits: share of samples arranged as an edit; the others follow the published mixture.
        crops: share of samples that start later than the piece, on a multiple of `crop_unit` steps.
        crop_unit: steps of 10 ms.
    """

    transpose: tuple[int, int] = (-6, 5)
    edits: float = 0.5
    crops: float = 0.3
    crop_unit: int = 60


def sample(events: Events, augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows (time, duration, note, kind) of one training sequence drawn from a piece, shape (n, 4)."""
    events = transposed(events, int(rng.integers(augmentation.transpose[0], augmentation.transpose[1] + 1)))
    if rng.random() < augmentation.crops and len(events):
        latest = int(events[-1, 0]) // (2 * augmentation.crop_unit)
        events = cropped(events, int(rng.integers(0, latest + 1)) * augmentation.crop_unit)
    return rows(events, choose(events, augmentation.edits, rng))


def choose(events: Events, edits: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the controls of a sample: of an edit in this share of samples, else of the published mixture."""
    if rng.random() < edits:
        return choose_edit(events, rng)
    return choose_controls(events, int(rng.integers(0, 10)), rng)


def musical_events(score: Score, quarters_per_minute: float) -> Events:
    """The events of a score laid at a constant tempo, sorted by time and note; durations from 1 to 999 steps."""
    scale = v.STEPS_PER_SECOND * 60 / (quarters_per_minute * score.ticks_per_quarter)
    onset = score.notes["onset"].astype(np.int64)
    time = np.rint(onset * scale).astype(np.int64)
    end = np.rint((onset + score.notes["duration"]) * scale).astype(np.int64)
    duration = np.clip(end - time, 1, v.MAX_DURATION - 1)
    note = 128 * score.instruments.astype(np.int64) + score.notes["pitch"]
    table = np.stack([time, duration, note], axis=1)[np.lexsort((note, time))]
    return table.astype(np.int32)


def transposed(events: Events, semitones: int) -> Events:
    """All pitched events moved by semitones (drums stay); unchanged when one would leave 0..127."""
    pitched = events[:, 2] // 128 < 128
    pitch = events[:, 2] % 128 + semitones
    if ((pitch < 0) | (pitch > 127))[pitched].any():
        return events
    events = events.copy()
    events[pitched, 2] += semitones
    return events


def cropped(events: Events, start: int) -> Events:
    """Events from time `start` on, moved to begin at 0."""
    events = events[events[:, 0] >= start].copy()
    events[:, 0] -= start
    return events


def choose_edit(events: Events, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask of the controls of a random edit.

    The region spans 5 % to 60 % of the piece, or all of it one time in four; a random non-empty subset of
    the instruments is written in it.
    """
    if not len(events):
        return np.zeros(0, bool)
    end = int(events[-1, 0]) + 1
    length = end if rng.random() < 0.25 else int(end * rng.uniform(0.05, 0.6)) + 1
    start = int(rng.integers(0, end - length + 1))
    instruments = np.unique(events[:, 2] // 128)
    written = rng.choice(instruments, size=rng.integers(1, len(instruments) + 1), replace=False)
    return edit_controls(events, start, start + length, written.tolist())


def edit_controls(events: Events, start: int, end: int, written: Sequence[int]) -> NDArray[np.bool_]:
    """Mask of the events that are given ahead when [start, end) of the instruments `written` is to be written."""
    inside = (events[:, 0] >= start) & (events[:, 0] < end) & np.isin(events[:, 2] // 128, written)
    return np.asarray((events[:, 0] >= start) & ~inside)


def rows(events: Events, is_control: NDArray[np.bool_], opens: bool = False, closes: bool = True) -> NDArray[np.int64]:
    """Rows (time, duration, note, kind): the flag, the arranged piece, and separators.

    Args:
        events: of a piece or a stretch of one.
        is_control: those that are given ahead.
        opens: whether a separator says that the piece begins here.
        closes: whether one says that it ends.
    """
    table, control = arrange(events, is_control)
    out = np.zeros((1 + opens + len(table) + closes, 4), np.int64)
    out[:, 3] = _SEPARATOR
    out[0, 3] = _ANTICIPATE if is_control.any() else _AUTOREGRESS
    piece = out[1 + opens : 1 + opens + len(table)]
    piece[:, :3] = table
    piece[:, 3] = np.where(control, _CONTROL, _EVENT)
    return out


def padded(sequences: Sequence[NDArray[np.int64]], longest: int) -> NDArray[np.int64]:
    """Sequences cut to `longest` rows and filled with padding to one length, shape (batch, n, 4)."""
    length = min(longest, max(len(s) for s in sequences))
    out = np.zeros((len(sequences), length, 4), np.int64)
    out[:, :, 3] = _PADDING
    for row, sequence in zip(out, sequences, strict=True):
        row[: len(sequence)] = sequence[:length]
    return out
