"""The order of alternatives: by likelihood, or by fit to their piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symbolic_music.evaluation.context import fit
from symbolic_music.generation.results import Written


def ranked(found: Sequence[Written]) -> list[Written]:
    """The likeliest first; those without notes last.

    Examples:
        >>> best = sm.ranked(sm.edit(song, bars=(8, 9), tracks=["bass"], count=2).finish())[0]
    """
    return sorted(found, key=lambda one: -one.log_likelihood if len(one.notes) else np.inf)


def ranked_by_fit(found: Sequence[Written]) -> list[Written]:
    """Results sorted by their fit to the context, by `fit_of`, best first; equal ones by likelihood.

    Examples:
        >>> best = sm.ranked_by_fit(sm.edit(song, bars=(8, 9), tracks=["bass"], count=2).finish())[0]
    """
    return sorted(ranked(found), key=lambda one: fit_of(one)[0] or 0.0, reverse=True)


def fit_of(one: Written) -> tuple[float | None, dict[str, float]]:
    """How well what was written fits its piece, 0 to 1, and the shares that this is the mean of.

    None where nothing was written. Likeness is to the bars that the edit was to follow, else to those around; see
    `evaluation.context.fit`.
    """
    if not len(one.notes):
        return None, {}
    onset = one.notes["onset"]
    tracks = tuple(np.unique(one.notes["track"]).tolist())
    return fit(one.score, int(onset.min()), int(onset.max()) + 1, tracks, one.like)
