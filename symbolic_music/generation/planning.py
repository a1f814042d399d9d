"""What an edit writes, resolved once from its request: a score, ranges of ticks, tracks, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, Span, spans_of
from symbolic_music.generation.roles import Role, Side
from symbolic_music.generation.sessions.base import Edit
from symbolic_music.generation.track_selection import Tracks, select
from symbolic_music.generation.views.model_view import edits, playing
from symbolic_music.models import Model
from symbolic_music.score import Score

Verb = Literal["infill", "fill", "revoice", "thin_out", "accompany", "add_track", "vary", "busier", "continue", "intro"]


@dataclass(frozen=True)
class Asked:
    """The request of an edit; see `edits.edit`."""

    score: Score
    regions: Sequence[Region]
    tracks: Tracks
    model: Model[Any]
    limits: Limits
    share: float
    program: int | None
    role: Role | None
    side: Side | None
    instruments: Sequence[int | str]
    near: float
    factor: float
    count_bars: int
    # By which "vary" chooses beats.
    seed: int | tuple[int, int]


class Plan(NamedTuple):
    """A score, wider or longer than the one that was given where the edit needs it, and what is written in it."""

    score: Score
    edit: Edit


Planner = Callable[[Asked], Plan]
_PLANNERS: dict[str, Planner] = {}


def planner(verb: Verb) -> Callable[[Planner], Planner]:
    """Register what resolves the requests of a verb."""

    def register(resolve: Planner) -> Planner:
        _PLANNERS[verb] = resolve
        return resolve

    return register


def planned(verb: Verb, asked: Asked) -> Plan:
    """The plan of a request."""
    return _PLANNERS[verb](asked)


def require_limits(model: Model[Any]) -> None:
    """OptionError when a model cannot keep to limits that are asked for or implied."""
    if not edits(model):
        raise OptionError(f"model {model.card.name!r} cannot keep to limits: it has no anticipatory tokenizer")


def chosen_tracks(asked: Asked) -> list[int]:
    """The tracks to rewrite: those that are named, or that play in the regions."""
    spans = spans_of(asked.score, asked.regions)
    chosen = playing(asked.score, asked.model, spans) if asked.tracks is None else select(asked.score, asked.tracks)
    if not chosen:
        raise RegionError("no tracks to rewrite: name at least one that the model can write")
    return chosen


def going_on(asked: Asked, near: Span) -> list[int]:
    """The tracks to continue: those that are named, or that play in a range."""
    chosen = playing(asked.score, asked.model, [near]) if asked.tracks is None else select(asked.score, asked.tracks)
    if not chosen:
        raise RegionError(f"no tracks to continue: model {asked.model.card.name!r} can write none of them")
    return chosen


def whole(score: Score) -> Span:
    """From the first onset to the end."""
    return int(score.notes["onset"][0]), score.end
