"""Keep a share of the notes."""

from __future__ import annotations

from collections.abc import Sequence

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.planning import Asked, Plan, chosen_tracks, planner
from symbolic_music.generation.regions import Region, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit, Thin
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score


@planner("thin_out")
def _plan(asked: Asked) -> Plan:
    spans = spans_of(asked.score, asked.regions)
    return Plan(asked.score, Edit(spans, chosen_tracks(asked), asked.limits, Thin(asked.share)))


def thin_out(
    score: Score,
    regions: Sequence[Region],
    share: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    allow_empty: bool = False,
) -> Score:
    """Keep about a share of the notes of some tracks, evenly in time; the model chooses which notes stay.

        sm.thin_out(song, [sm.bars(8, 12)], tracks=["drums"], share=0.5)

    Kept notes do not change. Arguments and errors as in `infill`; OptionError too for a share that does not
    lie between 0 and 1, RegionError when the tracks have no notes there.
    """
    session = edit(score, regions, tracks, model, sampling, seed, verb="thin_out", share=share, allow_empty=allow_empty)
    return finished(session, progress)
