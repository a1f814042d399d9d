"""Variations of a passage, and passages with more notes."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score

_FREE = Limits()


def vary(
    score: Score,
    regions: Sequence[Region],
    near: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
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
    return finished(
        edit(score, regions, tracks, model, sampling, seed, 1, limits, verb="vary", near=near, best_of=None), progress
    )


def make_busier(
    score: Score,
    regions: Sequence[Region],
    factor: float = 1.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Rewrite regions with more notes in a bar; with fewer for a `factor` below 1.

        sm.generation.make_busier(song, [sm.bars(8, 9)], factor=1.5, tracks=["drums"])

    Args:
        score: the piece.
        regions: where.
        factor: 0.1 to 10, a multiple of the mean number of onsets in a bar. Every whole bar gets 0.75 to 1.4 times the
            resulting number.
        tracks, model, sampling, seed, progress, limits: as in `infill`; limits on notes in a bar are replaced.

    Raises:
        OptionError: for a factor out of range.
        RegionError: when the tracks have no notes there.
        EmptyScoreError, ConstraintError: as `infill`.
    """
    session = edit(score, regions, tracks, model, sampling, seed, 1, limits, verb="busier", factor=factor, best_of=None)
    return finished(session, progress)
