"""Keep some tracks and rewrite all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symbolic_music.errors import EmptyScoreError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.piece_request import tracks_of
from symbolic_music.generation.planning import Asked, Plan, planner, whole
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.roles import Side, beside
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import select
from symbolic_music.generation.views.model_view import writable
from symbolic_music.generation.views.part_assignment import assign_parts
from symbolic_music.score import Score, Track


@planner("accompany")
def _plan(asked: Asked) -> Plan:
    score, model = asked.score, asked.model
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to accompany")
    kept = select(score, asked.tracks or ())
    if not np.isin(score.notes["track"], kept).any():
        raise RegionError("the kept tracks hold no notes: nothing to accompany")
    written = [track for track in writable(score, model) if track not in kept]
    if asked.instruments:
        added = tracks_of(asked.instruments)
        written += range(len(score.tracks), len(score.tracks) + len(added))
        score = replace(score, tracks=score.tracks + added)
    if not written and model.view.parts:
        used = assign_parts(score, [], model).values()
        parts = zip(model.view.parts, model.view.names, strict=True)
        added = tuple(Track(name, part) for part, name in parts if part not in used)
        if not added:
            raise RegionError(f"all parts of model {model.card.name!r} are kept: nothing to write")
        written = list(range(len(score.tracks), len(score.tracks) + len(added)))
        score = replace(score, tracks=score.tracks + added)
    side, limits = asked.side, asked.limits
    if not written and model.tokenizer.name == "region":
        written, side = [len(score.tracks)], side or "below"
        score = replace(score, tracks=(*score.tracks, Track("Accompaniment", 0)))
    melody = score.notes[np.isin(score.notes["track"], kept) & (score.instruments < DRUM_INSTRUMENT)]
    if side is not None and len(melody) and (limits.lowest, limits.highest) == (0, 127):
        lowest, highest = beside(melody, side)
        limits = replace(limits, lowest=lowest, highest=highest)
    return Plan(score, Edit([whole(score)], written, limits))


def accompany(
    score: Score,
    keep_tracks: Sequence[int | str],
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    side: Side | None = None,
    *,
    instruments: Sequence[int | str] = (),
    allow_empty: bool = False,
) -> Score:
    """Keep some tracks and rewrite all others, from the first note of the piece to the end of the last.

        sm.accompany(melody, [0], seed=1, instruments=["piano", "bass", "drums"])

    `instruments` are added, each in a track of its own. Without them, and without other tracks, these are added: the
    remaining parts of a model of parts, a piano by a region model, or any instruments of another model. A model of
    parts keeps drums, which it cannot write. `side` puts the new notes "below" or "above" the kept ones; an added
    piano is below. Other arguments and errors as in `infill`; OptionError for an instrument that does not exist.
    """
    session = edit(
        score, (), keep_tracks, model, sampling, seed, 1, limits,
        verb="accompany", side=side, instruments=instruments, best_of=None, allow_empty=allow_empty,
    )  # fmt: skip
    return finished(session, progress)
