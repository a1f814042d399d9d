"""Add a track of a program or a role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, planner, whole
from symbolic_music.generation.regions import Region, spans_of
from symbolic_music.generation.results import Progress, finished
from symbolic_music.generation.sessions.base import Edit, Write
from symbolic_music.score import Score, Track


@planner("add_track")
def _plan(asked: Asked) -> Plan:
    score, role = asked.score, asked.role
    program = asked.program if asked.program is not None else 0 if role is None else role.program
    if not 0 <= program <= DRUM_INSTRUMENT:
        raise OptionError(f"a program is 0 to 127, or 128 for drums, not {program}")
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to add a track to")
    is_drum = program == DRUM_INSTRUMENT
    wider = replace(score, tracks=(*score.tracks, Track("", 0 if is_drum else program, is_drum)))
    spans = spans_of(score, asked.regions) if asked.regions else [whole(score)]
    limits = asked.limits
    if role is not None and not is_drum and (limits.lowest, limits.highest) == (0, 127):
        limits = replace(limits, lowest=role.lowest, highest=role.highest)
    return Plan(wider, Edit(spans, [len(score.tracks)], limits, Write(role)))


def add_track(
    score: Score,
    program: int | None = None,
    regions: Sequence[Region] = (),
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = FREE,
    role: str | None = None,
    *,
    allow_empty: bool = False,
) -> Score:
    """Add a track of a program (128 for drums) or a role, in regions or, without regions, over the whole piece.

    A model of parts assigns it the free part, for any program. Arguments and errors as in
    `infill`; OptionError for a program that MIDI does not have, or an unknown role. Roles: see `edit`.

        sm.add_track(song, role="bass", regions=[sm.bars(9, 16)])
    """
    asked: dict[str, Any] = {
        "verb": "add_track", "program": program, "role": role, "best_of": None, "allow_empty": allow_empty,
    }  # fmt: skip
    return finished(edit(score, regions, None, model, sampling, seed, 1, limits, **asked), progress)
