"""Add bars after the end of a piece or before its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel, loaded_model
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Span, ticks_of
from symbolic_music.generation.results import EditSession, Progress, finished
from symbolic_music.generation.sessions.edit import Edit
from symbolic_music.generation.sessions.region_edit import edit_session
from symbolic_music.generation.views.model_view import edits, playing
from symbolic_music.models import Model
from symbolic_music.score import Score
from symbolic_music.transforms import check_tracks, shift

_FREE = Limits()
_MOST_BARS = 256
# The tracks that play in these last or first bars play on.
_NEAR_BARS = 8


def continue_bars(
    score: Score,
    count_bars: int,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Continue a piece by some bars; an incomplete last bar is filled first.

        generation.continue_bars(song, 8)

    Args:
        score: the piece, with notes.
        count_bars: how many bars, 1 to 256, in the last meter and tempo.
        tracks: numbers of the tracks that continue; None for all that the model can write.
        model: a loaded model, a name or a folder; None for the bundled one.
        sampling: temperature, top-p, top-k, min-p; None for `default_sampling(model)`.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.
        limits: what the notes must obey.

    Raises:
        EmptyScoreError: when the score has no notes.
        OptionError: for a number of bars out of range, or a model that cannot write into a piece.
        RegionError: when a track does not exist, or the model cannot write it.
    """
    return finished(continuing_bars(score, count_bars, tracks, model, sampling, seed, 1, limits), progress)


def continuing_bars(
    score: Score,
    count_bars: int,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Like `continue_bars`, but returns an `EditSession` to stream notes from and compare alternatives."""
    loaded, lines = _checked(score, count_bars, model), score.bars()
    chosen = _chosen(score, tracks, loaded, (int(lines[-_NEAR_BARS:][0]), score.end))
    bars = len(lines)
    last = round(float(ticks_of(score, [bars + 1.0 + count_bars], "bars")[0]))
    return edit_session(score, Edit([(score.end, last)], chosen, limits), loaded, sampling, seed, count)


def introduce(
    score: Score,
    count_bars: int,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Write an introduction of some bars in the meter and tempo of the first; the piece moves back by as many.

        generation.introduce(song, 4)

    Arguments and errors as in `continue_bars`. The model is conditioned on the beginning of the piece.
    """
    return finished(introducing(score, count_bars, tracks, model, sampling, seed, 1, limits), progress)


def introducing(
    score: Score,
    count_bars: int,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Like `introduce`, but returns an `EditSession` to stream notes from and compare alternatives."""
    loaded = _checked(score, count_bars, model)
    chosen = _chosen(score, tracks, loaded, (0, int(score.bars(score.end)[: _NEAR_BARS + 1][-1])))
    ticks = count_bars * int(np.diff(score.bars(score.end + 4 * 255 * score.ticks_per_quarter + 1)[:2])[0])
    return edit_session(shift(score, ticks), Edit([(0, ticks)], chosen, limits), loaded, sampling, seed, count)


def _checked(score: Score, count_bars: int, model: AnyModel) -> Model[Any]:
    if not 1 <= count_bars <= _MOST_BARS:
        raise OptionError(f"1 to {_MOST_BARS} bars can be written at once, not {count_bars}")
    if not len(score):
        raise EmptyScoreError("the score has no notes to go on from")
    loaded = loaded_model(model, score)
    if not edits(loaded):
        raise OptionError(f"model {loaded.card.name!r} counts no bars: give it seconds (generate)")
    return loaded


def _chosen(score: Score, tracks: Sequence[int] | None, loaded: Model[Any], near: Span) -> list[int]:
    chosen = playing(score, loaded, [near]) if tracks is None else check_tracks(score, tracks)
    if not chosen:
        raise RegionError(f"no tracks to continue: model {loaded.card.name!r} can write none of them")
    return chosen
