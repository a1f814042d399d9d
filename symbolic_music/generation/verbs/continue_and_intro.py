"""Add bars after the end of a piece or before its beginning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.generation.continuation import released
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, going_on, planner
from symbolic_music.generation.regions import ticks_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.generation.views.model_view import edits
from symbolic_music.score import Score
from symbolic_music.transforms import shift

_MOST_BARS = 256
# The tracks that play in these last or first bars play on.
_NEAR_BARS = 8


@planner("continue")
def _plan_continuation(asked: Asked) -> Plan:
    lines = _bars_of(asked)
    score = released(asked.score)
    chosen = going_on(asked, (int(lines[-_NEAR_BARS:][0]), score.end))
    last = round(float(ticks_of(score, [len(lines) + 1.0 + asked.count_bars], "bars")[0]))
    return Plan(score, Edit([(score.end, last)], chosen, asked.limits))


@planner("intro")
def _plan_introduction(asked: Asked) -> Plan:
    score = asked.score
    _bars_of(asked)
    chosen = going_on(asked, (0, int(score.bars(score.end)[: _NEAR_BARS + 1][-1])))
    ticks = asked.count_bars * int(np.diff(score.bars(score.end + 4 * 255 * score.ticks_per_quarter + 1)[:2])[0])
    return Plan(shift(score, ticks), Edit([(0, ticks)], chosen, asked.limits))


def continue_bars(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    allow_empty: bool = False,
) -> Score:
    """Continue a piece by some bars; an incomplete last bar is filled first, a pressed pedal released.

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
        score, (), tracks, model, sampling, seed, 1, limits,
        verb="continue", count_bars=count_bars, best_of=None, allow_empty=allow_empty,
    )  # fmt: skip
    return finished(session, progress)


def introduce(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    allow_empty: bool = False,
) -> Score:
    """Write an introduction of some bars in the meter and tempo of the first; the piece moves back by as many.

        sm.generation.introduce(song, 2)

    Arguments and errors as in `continue_bars`. The model is conditioned on the beginning of the piece.
    """
    session = edit(
        score, (), tracks, model, sampling, seed, 1, limits,
        verb="intro", count_bars=count_bars, best_of=None, allow_empty=allow_empty,
    )  # fmt: skip
    return finished(session, progress)


def _bars_of(asked: Asked) -> Sequence[int]:
    """Bar lines of a piece that bars are added to, when they can be."""
    if not 1 <= asked.count_bars <= _MOST_BARS:
        raise OptionError(f"1 to {_MOST_BARS} bars can be written at once, not {asked.count_bars}")
    if not len(asked.score):
        raise EmptyScoreError("the score has no notes to go on from")
    if not edits(asked.model):
        raise OptionError(f"model {asked.model.card.name!r} counts no bars: give it seconds (generate)")
    lines: Sequence[int] = asked.score.bars().tolist()
    return lines
