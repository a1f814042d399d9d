"""Passages with more notes, or fewer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, chosen_tracks, planner, require_limits
from symbolic_music.generation.regions import Region, Span, inside, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks
from symbolic_music.score import Score

# Of the notes that a bar is asked to have, how far from their mean a bar may be.
_FEWEST, _MOST = 0.75, 1.4


@planner("busier")
def _plan(asked: Asked) -> Plan:
    require_limits(asked.model)
    score, factor = asked.score, asked.factor
    if not 0.1 <= factor <= 10:
        raise OptionError(f"busier by a factor of 0.1 to 10, not {factor:g}")
    spans, chosen = spans_of(score, asked.regions), chosen_tracks(asked)
    wanted = _notes_per_bar(score, spans, chosen) * factor
    if not wanted:
        raise RegionError("these tracks have no notes in the region: there is nothing to make busier")
    # The end of a bar that the region only begins has less room than a whole one.
    whole = all(np.isin(span, [*score.bars(span[1] + 1), score.end]).all() for span in spans)
    least = math.ceil(wanted * _FEWEST) if whole else 0
    limits = replace(asked.limits, notes_per_bar=(least, max(1, least, round(wanted * _MOST))))
    return Plan(score, Edit(spans, chosen, limits))


def make_busier(
    score: Score,
    regions: Sequence[Region],
    factor: float = 1.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    *,
    allow_empty: bool = False,
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
    session = edit(
        score, regions, tracks, model, sampling, seed, 1, limits,
        verb="busier", factor=factor, best_of=None, allow_empty=allow_empty,
    )  # fmt: skip
    return finished(session, progress)


def _notes_per_bar(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> float:
    """Mean number of onsets of these tracks in a bar of these ranges."""
    own = score.notes[np.isin(score.notes["track"], tracks)]
    notes = sum(int(inside(own, *span).sum()) for span in spans)
    lines = np.append(score.bars(score.end + 1), score.end + 4 * 255 * score.ticks_per_quarter)
    bars = sum(float(np.diff(np.interp(span, lines[:-1], np.arange(len(lines) - 1)))[0]) for span in spans)
    return notes / max(bars, 0.25)
