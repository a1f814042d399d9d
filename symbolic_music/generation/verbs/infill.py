"""Rewrite regions of some tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import BarRange, edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, chosen_tracks, planner
from symbolic_music.generation.regions import Region, regions_from, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score


@planner("infill")
def _plan(asked: Asked) -> Plan:
    return Plan(asked.score, Edit(spans_of(asked.score, asked.regions), chosen_tracks(asked), asked.limits))


def infill(
    score: Score,
    start: float | None = None,
    end: float | None = None,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    bars: BarRange | None = None,
    beats: tuple[float, float] | None = None,
    allow_empty: bool = False,
    controls: Mapping[str, int] | None = None,
    best_of: int | None = None,
    like: Region | None = None,
) -> Score:
    """Rewrite the notes of `tracks` that begin in a region; everything else comes back bit for bit.

        sm.infill(song, bars=(8, 12), tracks=["bass", "drums"])

    The model is conditioned on the past, and on the other tracks and the music after the region: region models on all
    of it within their window, models with the anticipatory tokenizer on five seconds of it. Both write any tracks, the
    bundled chorale model up to four monophonic ones; models of REMI and compound tokens write whole bars of all tracks
    (see `left_to_right.bar_infill`). Written
    notes begin and end within the region and take the program and channel of their track; velocities are those of the
    track around it. A note that began earlier and sounds into the region stays.

    Args:
        score: the piece.
        start, end: the region in seconds under the score's tempo map, the end excluded.
        tracks: the tracks to rewrite, each by its number, its name, or what plays it ("bass", "drums", "violin");
            None for all that the model can write.
        model: a loaded model, a name or a folder; None for the bundled one that suits the piece.
        sampling: temperature, top-p, top-k, min-p; None for `default_sampling(model)`; compound words as in
            `continuation`.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.
        limits: what the notes must obey.
        bars: instead of seconds, the first and the last bar, counted from 1.
        beats: instead of seconds, quarter notes counted from 0, the end excluded.
        allow_empty: whether a region that had notes may be left empty; otherwise it is sampled again, with other seeds.
        controls: target attributes of the tracks, for models trained with such: see `midigpt_infill.BarFilling`.
        best_of: candidates, of which the one that fits best is kept; None for `default_best_of(model)`.
        like: bars whose style is followed, by region models; see `edit`.

    Raises:
        EmptyScoreError: when the score has no notes.
        NothingWrittenError: when nothing is written in four attempts where the piece has notes.
        RegionError: when the region lies outside the piece, a track does not exist, or the model cannot
            write these tracks.
        ConstraintError: when the limits contradict each other.
    """
    where = regions_from(start, end, bars, beats)
    options: dict[str, Any] = {"allow_empty": allow_empty, "controls": controls, "best_of": best_of, "like": like}
    session = edit(score, where, tracks, model, sampling, seed, 1, limits, **options)
    return finished(session, progress)
