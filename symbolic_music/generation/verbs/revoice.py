"""New pitches for the notes that are there."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, chosen_tracks, planner
from symbolic_music.generation.regions import Region, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit, Repitch
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score


@planner("revoice")
def _plan(asked: Asked) -> Plan:
    spans = spans_of(asked.score, asked.regions)
    return Plan(asked.score, Edit(spans, chosen_tracks(asked), asked.limits, Repitch()))


def revoice(
    score: Score,
    regions: Sequence[Region],
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    allow_empty: bool = False,
) -> Score:
    """Give the notes of some tracks new pitches; onsets, durations and velocities stay.

        sm.revoice(song, [sm.bars(8, 12)], tracks=[1], limits=sm.Limits(scale="D minor"))

    Arguments and errors as in `infill`; RegionError too when the tracks have no notes there.
    """
    session = edit(
        score, regions, tracks, model, sampling, seed, 1, limits, verb="revoice", best_of=None, allow_empty=allow_empty
    )
    return finished(session, progress)
