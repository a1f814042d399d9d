"""Add bars after the end of a piece or before its beginning."""

from __future__ import annotations

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score

_FREE = Limits()


def continue_bars(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Continue a piece by some bars; an incomplete last bar is filled first.

        sm.generation.continue_bars(song, 2)

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
    session = edit(
        score, (), tracks, model, sampling, seed, 1, limits, verb="continue", count_bars=count_bars, best_of=None
    )
    return finished(session, progress)


def introduce(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Write an introduction of some bars in the meter and tempo of the first; the piece moves back by as many.

        sm.generation.introduce(song, 2)

    Arguments and errors as in `continue_bars`. The model is conditioned on the beginning of the piece.
    """
    session = edit(
        score, (), tracks, model, sampling, seed, 1, limits, verb="intro", count_bars=count_bars, best_of=None
    )
    return finished(session, progress)
