"""Variations of a passage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, chosen_tracks, planner
from symbolic_music.generation.regions import Region, Span, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.generation.views.model_view import edits
from symbolic_music.score import Score


@planner("vary")
def _plan(asked: Asked) -> Plan:
    if not 0 <= asked.near < 1:
        raise OptionError(f"how near a variation stays is 0 up to and without 1, not {asked.near:g}")
    if not edits(asked.model):
        raise OptionError(f"model {asked.model.card.name!r} cannot write into a piece")
    spans, chosen = spans_of(asked.score, asked.regions), chosen_tracks(asked)
    beats = _some_beats(asked.score, spans, asked.near, np.random.default_rng(asked.seed))
    return Plan(asked.score, Edit(beats, chosen, asked.limits))


def vary(
    score: Score,
    regions: Sequence[Region],
    near: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    allow_empty: bool = False,
) -> Score:
    """Rewrite some beats of regions; the others stay.

        sm.generation.vary(song, [sm.bars(8, 9)], near=0.7, tracks=[1])

    Args:
        score: the piece.
        regions: where.
        near: share of the beats that stay, from 0 (all are rewritten) to under 1; the seed chooses which. At least one
            beat is rewritten.
        tracks, model, sampling, seed, progress, limits: as in `infill`.

    Raises:
        OptionError: for a share out of range, or a model that cannot write into a piece.
        EmptyScoreError, RegionError, ConstraintError: as `infill`.
    """
    session = edit(
        score, regions, tracks, model, sampling, seed, 1, limits,
        verb="vary", near=near, best_of=None, allow_empty=allow_empty,
    )  # fmt: skip
    return finished(session, progress)


def _some_beats(score: Score, spans: Sequence[Span], near: float, random: np.random.Generator) -> list[Span]:
    """Stretches of whole beats, those that touch as one, of about 1 - near of the given ones."""
    beats: list[Span] = []
    for first, last in spans:
        edges = [*range(first, last, score.ticks_per_quarter), last]
        beats += pairwise(edges)
    count = max(1, round((1 - near) * len(beats)))
    joined: list[Span] = []
    for place in sorted(random.permutation(len(beats))[:count].tolist()):
        first, last = beats[place]
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
