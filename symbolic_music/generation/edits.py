"""Edits of a piece: regions, parts or pitches anew, fewer notes, one more track. See `sessions.edit` for what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, Span, spans_of
from symbolic_music.generation.results import Progress, Writing, finished
from symbolic_music.generation.sessions.bar_infill import BarInfilling
from symbolic_music.generation.sessions.edit import Edit, Editing
from symbolic_music.generation.views.model_view import edits, writable
from symbolic_music.generation.views.part_assignment import assign_parts
from symbolic_music.models import Model, load_model
from symbolic_music.score import Score, Track
from symbolic_music.transforms import check_tracks

_DEFAULT = Sampling()
_FREE = Limits()
AnyModel = Model[Any] | str | Path | None


def infill(
    score: Score,
    start: float,
    end: float,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Rewrite the notes of `tracks` that begin in [start, end) seconds; all else comes back bit for bit.

    The model sees what came before, and up to five seconds ahead what is given: the other tracks, and what follows the
    region. Our own model hears musical time and writes up to four parts of one note at a time; models of the published
    encoding hear seconds, and write any tracks, drums too; models of REMI and compound ids write whole bars of all
    tracks (see `bar_infilling`). Written notes begin and end within the region and take the program and channel of
    their track; velocities are those of the track around it. A note that began earlier and sounds into the region
    stays; a part of our own model waits for it.

    Args:
        score: the piece.
        start, end: the region in seconds under the score's tempo map.
        tracks: numbers of the tracks to rewrite; None for all that the model can write.
        model: a loaded model, a name or a folder; None for the bundled chorale model.
        sampling: temperature, top-p, top-k, min-p; by default as `Sampling()`, compound words as in `continuation`.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.
        limits: what the notes must obey.

    Raises:
        EmptyScoreError: when the score has no notes.
        RegionError: when the region lies outside the piece, a track does not exist, or the model cannot
            write these tracks.
        ConstraintError: when the limits contradict each other.
    """
    return finished(infilling(score, [Region(start, end)], tracks, model, sampling, seed, 1, limits), progress)


def infilling(
    score: Score,
    regions: Sequence[Region],
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> Writing:
    """The same as an edit to be run: any regions, in seconds, beats or bars, and several alternatives.

    `stream` hands out notes as they are drawn, `finish` the alternatives. Arguments and errors as in `infill`;
    OptionError too when the model cannot write into a piece, or not within limits.
    """
    loaded = loaded_model(model)
    spans = spans_of(score, regions)
    if not edits(loaded):
        if limits != _FREE:
            raise OptionError(f"model {loaded.card.name!r} cannot keep to limits: it does not speak anticipatory ids")
        return BarInfilling(score, spans, tracks, loaded, sampling, seed, count)
    return Editing(
        score, Edit(spans, _chosen(score, tracks, loaded), limits), loaded, sampling or _DEFAULT, seed, count
    )


def accompany(
    score: Score,
    keep_tracks: Sequence[int],
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Keep some tracks and write all the others anew, from the first note of the piece to the end of its last.

    Where there are no others, they are added: the remaining parts of our own model, or whatever instruments a model of
    the published encoding wants to hear. Our own model keeps drums, which it cannot write. Arguments and errors as in
    `infill`.
    """
    return finished(accompanying(score, keep_tracks, model, sampling, seed, 1, limits), progress)


def accompanying(
    score: Score,
    keep_tracks: Sequence[int],
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> Writing:
    """The same as an edit to be run, with several alternatives; see `infilling`."""
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to accompany")
    kept = check_tracks(score, keep_tracks)
    if not np.isin(score.notes["track"], kept).any():
        raise RegionError("the kept tracks hold no notes: nothing to accompany")
    loaded = loaded_model(model)
    written = [track for track in writable(score, loaded) if track not in kept]
    if not written and loaded.view.parts:
        used = assign_parts(score, [], loaded).values()
        parts = zip(loaded.view.parts, loaded.view.names, strict=True)
        added = tuple(Track(name, part) for part, name in parts if part not in used)
        if not added:
            raise RegionError(f"all parts of model {loaded.card.name!r} are kept: nothing to write")
        written = list(range(len(score.tracks), len(score.tracks) + len(added)))
        score = replace(score, tracks=score.tracks + added)
    return Editing(score, Edit([_whole(score)], written, limits), loaded, sampling, seed, count)


def revoice(
    score: Score,
    regions: Sequence[Region],
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Other pitches for the notes of some tracks; when they begin and end, and how loud they are, stays.

    Arguments and errors as in `infilling`; RegionError too when the tracks have no notes there.
    """
    return finished(revoicing(score, regions, tracks, model, sampling, seed, 1, limits), progress)


def revoicing(
    score: Score,
    regions: Sequence[Region],
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> Writing:
    """The same as an edit to be run, with several alternatives; see `infilling`."""
    loaded = loaded_model(model)
    edit = Edit(spans_of(score, regions), _chosen(score, tracks, loaded), limits, keeps_rhythm=True)
    return Editing(score, edit, loaded, sampling, seed, count)


def add_track(
    score: Score,
    program: int,
    regions: Sequence[Region] = (),
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """One more track, of a program (128 for drums), under all that is there; over the whole piece without regions.

    Our own model gives it the part that nobody else needs, whatever it is played on. Arguments and errors as in
    `infilling`; OptionError for a program that MIDI has not.
    """
    return finished(adding_track(score, program, regions, model, sampling, seed, 1, limits), progress)


def adding_track(
    score: Score,
    program: int,
    regions: Sequence[Region] = (),
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> Writing:
    """The same as an edit to be run, with several alternatives; see `infilling`."""
    if not 0 <= program <= DRUM_INSTRUMENT:
        raise OptionError(f"a program is 0 to 127, or 128 for drums, not {program}")
    loaded = loaded_model(model)
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to add a track to")
    is_drum = program == DRUM_INSTRUMENT
    wider = replace(score, tracks=(*score.tracks, Track("", 0 if is_drum else program, is_drum)))
    spans = spans_of(score, regions) if regions else [_whole(score)]
    return Editing(wider, Edit(spans, [len(score.tracks)], limits), loaded, sampling, seed, count)


def thin_out(
    score: Score,
    regions: Sequence[Region],
    share: float = 0.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Leave about a share of the notes of some tracks, evenly in time; which ones stay, the model draws.

    Those that stay are as they were. Arguments and errors as in `infilling`; OptionError too for a share that does not
    lie between 0 and 1, RegionError when the tracks have no notes there.
    """
    return finished(thinning(score, regions, share, tracks, model, sampling, seed), progress)


def thinning(
    score: Score,
    regions: Sequence[Region],
    share: float = 0.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling = _DEFAULT,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> Writing:
    """The same as an edit to be run, with several alternatives; see `infilling`."""
    loaded = loaded_model(model)
    edit = Edit(spans_of(score, regions), _chosen(score, tracks, loaded), limits, keeps=share)
    return Editing(score, edit, loaded, sampling, seed, count)


def loaded_model(model: AnyModel) -> Model[Any]:
    """A model as it is, or loaded by its name or folder."""
    return model if isinstance(model, Model) else load_model(model)


def _whole(score: Score) -> Span:
    return int(score.notes["onset"][0]), score.end


def _chosen(score: Score, tracks: Sequence[int] | None, model: Model[Any]) -> list[int]:
    chosen = writable(score, model) if tracks is None else check_tracks(score, tracks)
    if not chosen:
        raise RegionError("no tracks to rewrite: name at least one that the model can write")
    return chosen
