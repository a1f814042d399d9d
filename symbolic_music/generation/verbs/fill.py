"""Write into the bars in which some tracks are silent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from symbolic_music.errors import RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, going_on, planner, whole
from symbolic_music.generation.regions import Region, Span, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score


@planner("fill")
def _plan(asked: Asked) -> Plan:
    spans, score = spans_of(asked.score, asked.regions), asked.score
    chosen = going_on(asked, whole(score))
    silent = _silent_bars(score, spans, chosen)
    if not silent:
        raise RegionError("these tracks play in every bar of the region: there is none to fill")
    return Plan(score, Edit(silent, chosen, asked.limits))


def fill(
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
    """Write into the bars of regions in which none of some tracks sounds; no note is replaced.

        late = song.replace(notes=song.notes[(song.notes["track"] != 2) | (song.notes["onset"] >= song.bars()[2])])
        sm.generation.fill(late, [sm.bars(1, 4)], tracks=[2])

    Arguments and errors as in `infill`; RegionError too when the tracks play in every bar.
    """
    session = edit(
        score, regions, tracks, model, sampling, seed, 1, limits, verb="fill", best_of=None, allow_empty=allow_empty
    )
    return finished(session, progress)


def _silent_bars(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> list[Span]:
    """The bars of some ranges in which no note of these tracks sounds, those that touch as one."""
    own = score.notes[np.isin(score.notes["track"], tracks)]
    ends = own["onset"].astype(np.int64) + own["duration"]
    found: list[Span] = []
    for first, last in spans:
        lines = score.bars(last)
        for start, end in pairwise([first, *lines[(lines > first) & (lines < last)].tolist(), last]):
            if not ((own["onset"] < end) & (ends > start)).any():
                before = found.pop() if found and found[-1][1] == start else (start, start)
                found.append((before[0], end))
    return found
