"""Rewrite a region of time of chosen tracks, and leave everything else as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from symbolic_music.errors import EmptyScoreError, RegionError
from symbolic_music.generation.anticipatory import Progress, Task, sample_events
from symbolic_music.generation.parts import assign_parts, pitched_tracks, shown, steps_per_tick, written_notes
from symbolic_music.generation.published import write_region
from symbolic_music.generation.sampling import Sampling
from symbolic_music.models import AnticipatoryTransformer, Model, load_model
from symbolic_music.score import Array, Score, Track
from symbolic_music.transforms import check_tracks

_DEFAULT = Sampling()


def infill(
    score: Score,
    start: float,
    end: float,
    tracks: Sequence[int] | None = None,
    model: Model | str | Path | None = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Rewrite the notes of `tracks` that begin in [start, end) seconds; all else comes back bit for bit.

    The model sees what came before, and up to five seconds ahead what is given: the other tracks, and what follows the
    region. Our own model hears musical time and writes up to four parts of one note at a time; models of the published
    encoding hear seconds, and write any tracks, drums too. Written notes begin and end within the region and take the
    program and channel of their track; velocities are those of the track around it. A note that began earlier and
    sounds into the region stays; a part of our own model waits for it.

    Args:
        score: the piece.
        start, end: the region in seconds under the score's tempo map.
        tracks: numbers of the tracks to rewrite; None for all that are not drums.
        model: a loaded model, a name or a folder; None for the bundled chorale model.
        sampling: temperature, top-p, top-k, min-p.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.

    Raises:
        EmptyScoreError: when the score has no notes.
        RegionError: when the region lies outside the piece, a track does not exist, or the model cannot
            write these tracks.
    """
    first, last = _region(score, start, end)
    written = pitched_tracks(score) if tracks is None else check_tracks(score, tracks)
    if not written:
        raise RegionError("no tracks to rewrite: name at least one that is not drums")
    return _rewrite(score, first, last, written, _loaded(model), sampling, seed, progress)


def accompany(
    score: Score,
    keep_tracks: Sequence[int],
    model: Model | str | Path | None = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Keep some tracks and write all the others anew, from the first note to the end of the last.

    Where the score has no other pitched tracks, the model's remaining parts are added as new tracks. Drums are
    always kept. Arguments and errors as in `infill`.
    """
    kept = check_tracks(score, keep_tracks)
    if not np.isin(score.notes["track"], kept).any():
        raise RegionError("the kept tracks hold no notes: nothing to accompany")
    loaded = _loaded(model)
    written = [t for t in pitched_tracks(score) if t not in kept]
    if not written:
        used = assign_parts(score, [], loaded).values()
        parts = zip(loaded.view.parts, loaded.view.names, strict=True)
        added = [Track(name, part) for part, name in parts if part not in used]
        if not added:
            raise RegionError(f"all parts of model {loaded.card.name!r} are kept: nothing to write")
        written = list(range(len(score.tracks), len(score.tracks) + len(added)))
        score = replace(score, tracks=score.tracks + tuple(added))
    given = score.notes[np.isin(score.notes["track"], kept)]
    first, last = int(given["onset"].min()), int((given["onset"].astype(np.int64) + given["duration"]).max())
    rest = ~np.isin(score.notes["track"], written)
    emptied = score.replace(notes=score.notes[rest])
    return _rewrite(emptied, first, last, written, loaded, sampling, seed, progress)


def _region(score: Score, start: float, end: float) -> tuple[int, int]:
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to rewrite")
    if not 0 <= start < end:
        raise RegionError(f"cannot rewrite from {start:g} s to {end:g} s: need 0 <= from < to")
    if start >= score.duration or end > score.duration + 0.05:
        raise RegionError(f"the region {start:g} to {end:g} s is outside the piece, which lasts {score.duration:.2f} s")
    first, last = (int(t) for t in np.rint(score.ticks([start, min(end, score.duration)])))
    if last <= first:
        raise RegionError(f"the region {start:g} to {end:g} s is shorter than a tick")
    return first, last


def _rewrite(
    score: Score,
    first: int,
    last: int,
    written: Sequence[int],
    model: Model,
    sampling: Sampling,
    seed: int,
    progress: Progress | None,
) -> Score:
    removed = inside(score.notes, first, last) & np.isin(score.notes["track"], written)
    kept = score.notes[~removed]
    if not isinstance(model.network, AnticipatoryTransformer):
        given = score.replace(notes=kept)
        return with_notes(
            score, kept, write_region(given, first, last, written, model, sampling, seed, None, progress)[1]
        )
    parts = assign_parts(score, written, model)
    # Where the piece begins with silence, so does the model's clock: on the bar line before the first note.
    origin = _origin(score, first)
    moved = kept.copy()
    moved["onset"] -= origin
    context = shown(score, moved, parts, model.view)
    scale = steps_per_tick(score, model.view)
    start, end = (
        round((first - origin) * scale),
        max(round((last - origin) * scale), round((first - origin) * scale) + 1),
    )
    task = Task(
        past=context[context[:, 0] < start],
        controls=context[context[:, 0] >= start],
        start=start,
        end=end,
        instruments=tuple(parts[t] for t in written),
    )
    events = sample_events(model.network, task, sampling, torch.Generator().manual_seed(seed), progress)
    new = written_notes(score, events, parts, model.view, first - origin, last - origin)
    new["onset"] += origin
    return with_notes(score, kept, new)


def _origin(score: Score, first: int) -> int:
    """The last bar line at or before both the first note and the region."""
    begin = min(int(score.notes["onset"][0]), first) if len(score) else first
    bars = score.bars(begin + 1)
    return int(bars[-1]) if len(bars) else 0


def inside(notes: Array, first: int, last: int) -> Array:
    """Mask of the notes whose onset lies in [first, last) ticks."""
    return np.asarray((notes["onset"] >= first) & (notes["onset"] < last))


def with_notes(score: Score, kept: Array, new: Array) -> Score:
    """The score with these notes, ordered by onset and, within one, by track, as a file read back would be."""
    notes = np.concatenate([kept, new])
    return score.replace(notes=notes[np.lexsort((notes["track"], notes["onset"]))])


def _loaded(model: Model | str | Path | None) -> Model:
    return model if isinstance(model, Model) else load_model(model)
