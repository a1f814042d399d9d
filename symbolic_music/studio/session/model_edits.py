"""Requests for a model, as data: each is one edit of the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from symbolic_music import generation
from symbolic_music.errors import OptionError
from symbolic_music.generation import EditSession, Limits, Region
from symbolic_music.models import Model
from symbolic_music.score import Score

Verb = Literal[
    "rewrite",
    "fill",
    "vary",
    "busier",
    "sparser",
    "revoice",
    "harmonise",
    "accompany",
    "add-track",
    "continue",
    "intro",
]
MOST_ALTERNATIVES = 8
# Verbs that move what is given in time: their alternatives are kept whole.
MOVING = ("intro",)


class WishedLimits(BaseModel):
    """Limits on new notes; see `generation.Limits`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    lowest: Annotated[int, Field(ge=0, le=127)] = 0
    highest: Annotated[int, Field(ge=0, le=127)] = 127
    scale: str | None = None
    chords: list[tuple[float, str]] = []
    polyphony: Annotated[int, Field(ge=1, le=64)] | None = None
    notes_per_bar: tuple[int, int] | None = None
    notes_at_once: tuple[int, int] | None = None
    no_repeats: bool = False
    grid: Annotated[float, Field(ge=1 / 24, le=64)] | None = None

    def limits(self) -> Limits:
        """The limits as `generation.Limits`."""
        return Limits(
            lowest=self.lowest,
            highest=self.highest,
            scale=self.scale,
            chords=tuple(self.chords),
            polyphony=self.polyphony,
            notes_per_bar=self.notes_per_bar,
            notes_at_once=self.notes_at_once,
            no_repeats=self.no_repeats,
            grid=self.grid,
        )


class EditRequest(BaseModel):
    """The request of an edit by a model.

    Args:
        verb: what is to be done.
        state: the state of the piece that it is said of.
        spans: stretches in ticks, [first, last).
        tracks: that are written; of `accompany` those that are written while the others stay.
        alternatives: how many.
        near: of `vary`, the share that stays.
        factor: of `busier`, times the notes that are there; of `sparser`, the share that stays.
        bars: of `continue` and `intro`.
        instrument: of `add-track`, 128 for drums.
        limits: what the notes must obey.
        model: None for the studio's own choice.
        temperature, top_p: how bold; None for the model's own, see `generation.default_sampling`.
        seed: None for another every time.
        like: ticks of the bars whose style is followed, [first, last).
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    verb: Verb
    state: int
    spans: Annotated[list[tuple[int, int]], Field(max_length=256)] = []
    tracks: Annotated[list[int], Field(max_length=1024)] = []
    alternatives: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] = 4
    near: Annotated[float, Field(ge=0, lt=1)] = 0.5
    factor: Annotated[float, Field(gt=0, le=10)] = 1.5
    bars: Annotated[int, Field(ge=1, le=64)] = 4
    instrument: Annotated[int, Field(ge=0, le=128)] = 33
    limits: WishedLimits = WishedLimits()
    model: Annotated[str, Field(max_length=200)] | None = None
    temperature: Annotated[float, Field(ge=0, le=4)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=1 << 53)] | None = None
    like: tuple[int, int] | None = None


def writing_of(wish: EditRequest, score: Score, model: Model[Any], seed: int) -> EditSession:
    """The edit that a request stands for, to be run.

    Raises:
        SymbolicMusicError: as the library's verbs do for what is impossible.
    """
    regions, tracks = [] if wish.verb in _WHOLE else regions_of(wish, score), wish.tracks or None
    if wish.verb == "accompany":
        tracks = [track for track in range(len(score.tracks)) if track not in wish.tracks]
    elif wish.verb == "add-track":
        tracks = None
    elif wish.verb == "harmonise" and not wish.limits.chords:
        raise OptionError("there are no chords to harmonise with: write some into the chord lane")
    sampling = generation.default_sampling(model, from_nothing=not len(score))
    if wish.temperature is not None:
        sampling = replace(sampling, temperature=wish.temperature)
    if wish.top_p is not None:
        sampling = replace(sampling, top_p=wish.top_p)
    limits, options = wish.limits.limits(), _OPTIONS[wish.verb](wish)
    if wish.like is not None:
        first, last = (tick / score.ticks_per_quarter for tick in wish.like)
        options["like"] = Region(first, last, "beats")
    return generation.edit(score, regions, tracks, model, sampling, seed, wish.alternatives, limits, **options)


def regions_of(wish: EditRequest, score: Score) -> list[Region]:
    """The stretches as regions in beats, none of them past the end of the piece."""
    quarter = score.ticks_per_quarter
    inside = [(first, min(last, score.end)) for first, last in wish.spans if first < min(last, score.end)]
    if wish.spans and not inside:
        raise OptionError("the selection begins after the last note: continue the piece instead")
    return [Region(first / quarter, last / quarter, "beats") for first, last in inside]


# Verbs that have no region.
_WHOLE = ("accompany", "continue", "intro")
_OPTIONS: dict[str, Callable[[EditRequest], dict[str, Any]]] = {
    "rewrite": lambda _: {},
    "fill": lambda _: {"verb": "fill"},
    "harmonise": lambda _: {},
    "vary": lambda wish: {"verb": "vary", "near": wish.near},
    "busier": lambda wish: {"verb": "busier", "factor": wish.factor},
    "sparser": lambda wish: {"verb": "thin_out", "share": min(wish.factor, 0.99)},
    "revoice": lambda _: {"verb": "revoice"},
    "accompany": lambda _: {"verb": "accompany"},
    "add-track": lambda wish: {"verb": "add_track", "program": wish.instrument},
    "continue": lambda wish: {"verb": "continue", "count_bars": wish.bars},
    "intro": lambda wish: {"verb": "intro", "count_bars": wish.bars},
}
