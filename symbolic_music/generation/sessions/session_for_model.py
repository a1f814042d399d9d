"""The session that a model needs for an edit."""

from __future__ import annotations

from typing import Any

from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.results import EditSession
from symbolic_music.generation.sampling_defaults import default_sampling
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.sessions.best_of import BestOf
from symbolic_music.generation.sessions.event_edit import Editing
from symbolic_music.generation.sessions.region_edit import RegionEditing
from symbolic_music.models import Model
from symbolic_music.score import Score


def edit_session(
    score: Score,
    edit: Edit,
    model: Model[Any],
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    best_of: int = 1,
) -> EditSession:
    """An edit to be run by whatever the model needs; arguments and errors as `base.PlannedSession`'s.

    Without `sampling` that of `default_sampling`. Of `best_of` candidates each alternative is the one that fits best.
    """
    by_default, to_others = sampling is None, sampling or default_sampling(model)
    sampling = sampling or default_sampling(model, from_nothing=not len(score))
    session: EditSession
    if model.reads == "regions":
        session = RegionEditing(score, edit, model, sampling, seed, count * best_of, best_of, to_others, by_default)
    else:
        session = Editing(score, edit, model, sampling, seed, count * best_of)
    return session if best_of == 1 else BestOf(session, best_of)
