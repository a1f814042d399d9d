"""Sessions of edits under their names from before `edit`; see `symbolic_music.deprecation`."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region
from symbolic_music.generation.results import EditSession
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score

_FREE = Limits()


def revoicing(
    score: Score,
    regions: Sequence[Region],
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="revoice")`."""
    return edit(score, regions, tracks, model, sampling, seed, count, limits, verb="revoice")


def accompanying(
    score: Score,
    keep_tracks: Sequence[int | str],
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="accompany")`."""
    return edit(score, (), keep_tracks, model, sampling, seed, count, limits, verb="accompany")


def adding_track(
    score: Score,
    program: int,
    regions: Sequence[Region] = (),
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="add_track")`."""
    return edit(score, regions, None, model, sampling, seed, count, limits, verb="add_track", program=program)


def thinning(
    score: Score,
    regions: Sequence[Region],
    share: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="thin_out")`."""
    return edit(score, regions, tracks, model, sampling, seed, count, limits, verb="thin_out", share=share)


def varying(
    score: Score,
    regions: Sequence[Region],
    near: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="vary")`."""
    return edit(score, regions, tracks, model, sampling, seed, count, limits, verb="vary", near=near)


def making_busier(
    score: Score,
    regions: Sequence[Region],
    factor: float = 1.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="busier")`."""
    return edit(score, regions, tracks, model, sampling, seed, count, limits, verb="busier", factor=factor)


def continuing_bars(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="continue")`."""
    return edit(score, (), tracks, model, sampling, seed, count, limits, verb="continue", count_bars=count_bars)


def introducing(
    score: Score,
    count_bars: int,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Now `edit(..., verb="intro")`."""
    return edit(score, (), tracks, model, sampling, seed, count, limits, verb="intro", count_bars=count_bars)
