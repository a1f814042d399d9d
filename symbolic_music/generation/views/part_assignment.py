"""Assignment of the tracks of a score to the parts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.models import Model
from symbolic_music.models.model import View
from symbolic_music.score import Array, Score
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.anticipation.events import Events

Parts = dict[int, int]  # track -> instrument that stands for it


def pitched_tracks(score: Score) -> list[int]:
    """Tracks that hold notes and are not drums."""
    return [int(t) for t in np.unique(score.notes["track"]) if not score.tracks[t].is_drum]


def assign_parts(score: Score, written: Sequence[int], model: Model) -> Parts:
    """Give each written track a part of the model, and as many of the others as there are parts left.

    Tracks keep their order from high to low, and among the ways to do that the one nearest to the parts' mean
    pitches is taken. Of the other tracks those with most notes come first. A written track without notes takes
    a part that no other track needs.

    Raises:
        RegionError: when drums, or more tracks than the model has parts, are to be written.
    """
    parts, centres = model.view.parts, model.view.centres
    for track in written:
        if score.tracks[track].is_drum:
            raise RegionError(f"track {track} is drums, which model {model.card.name!r} does not write")
    if len(written) > len(parts):
        raise RegionError(
            f"model {model.card.name!r} writes at most {len(parts)} tracks at a time, not {len(written)}; choose fewer"
        )
    counts = {t: int((score.notes["track"] == t).sum()) for t in pitched_tracks(score)}
    empty = [t for t in written if t not in counts]
    others = sorted((t for t in counts if t not in written), key=lambda t: (-counts[t], t))
    known = [t for t in written if t in counts] + others[: len(parts) - len(written)]
    mean = {t: float(score.notes["pitch"][score.notes["track"] == t].mean()) for t in known}
    known.sort(key=lambda t: (-mean[t], t))
    best = min(
        combinations(range(len(parts)), len(known)),
        key=lambda chosen: sum(abs(mean[t] - centres[i]) for t, i in zip(known, chosen, strict=True)),
    )
    assigned: Parts = {t: parts[i] for t, i in zip(known, best, strict=True)}
    free = [part for part in parts if part not in assigned.values()]
    return assigned | dict(zip(empty, free, strict=False))


def steps_per_tick(score: Score, view: View) -> float:
    """Steps of 10 ms in a tick at the view's constant tempo."""
    return v.STEPS_PER_SECOND * 60 / (view.quarters_per_minute * score.ticks_per_quarter)


def shown(score: Score, notes: Array, parts: Parts, view: View) -> Events:
    """Notes of a score as the model sees them: events in musical time, repeated notes merged into one."""
    scale = steps_per_tick(score, view)
    tables = []
    for track, instrument in parts.items():
        own = notes[notes["track"] == track]
        onset = own["onset"].astype(np.int64)
        starts, ends, pitch = merge_repeats(onset, onset + own["duration"], own["pitch"].astype(np.int64))
        time = np.rint(starts * scale).astype(np.int64)
        duration = np.clip(np.rint(ends * scale).astype(np.int64) - time, 1, v.MAX_DURATION - 1)
        tables.append(np.stack([time, duration, 128 * instrument + pitch], axis=1))
    events = np.concatenate(tables) if tables else np.zeros((0, 3), np.int64)
    return events[np.lexsort((events[:, 2], events[:, 0]))].astype(np.int32)


def merge_repeats(
    onsets: NDArray[np.int64], ends: NDArray[np.int64], pitches: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Join each note to the one before of its pitch when it starts where that ends. Returns onsets, ends, pitches."""
    order = np.lexsort((onsets, pitches))
    onsets, ends, pitches = onsets[order], ends[order], pitches[order]
    first = np.ones(len(order), bool)
    first[1:] = (pitches[1:] != pitches[:-1]) | (onsets[1:] != ends[:-1])
    starts = np.flatnonzero(first)
    last = np.append(starts[1:], len(order)) - 1 if len(starts) else starts
    return onsets[starts], ends[last], pitches[starts]
