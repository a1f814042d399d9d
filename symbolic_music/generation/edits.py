"""`edit` opens a session of any verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from symbolic_music.errors import OptionError, check_seed
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel, adding_drums, loaded_model
from symbolic_music.generation.left_to_right.infill_for_model import infilling_of
from symbolic_music.generation.left_to_right.midigpt_infill import BarFilling
from symbolic_music.generation.limits import FREE, Limits
from symbolic_music.generation.planning import Asked, Plan, Verb, planned, require_limits
from symbolic_music.generation.regions import Region, Span, regions_from, spans_of
from symbolic_music.generation.results import EditSession, Written
from symbolic_music.generation.roles import Side, role_named
from symbolic_music.generation.sampling_defaults import default_best_of
from symbolic_music.generation.sessions.retry_when_empty import Redrawing, deleting, silent
from symbolic_music.generation.sessions.sequential_edits import OneAfterAnother
from symbolic_music.generation.sessions.session_for_model import edit_session
from symbolic_music.generation.track_selection import Tracks, select
from symbolic_music.generation.views.model_view import edits
from symbolic_music.models import Model
from symbolic_music.score import Score

# First and last bar, both included; or one bar.
BarRange = int | tuple[int, int]
# Sampled again where one of their regions had notes and would have none; the others where they write no note at all.
_IN_EACH_REGION = ("infill", "busier")
# Write into tracks that are there.
_FOLLOWING = ("infill", "fill", "vary", "busier", "continue")


def edit(
    score: Score,
    regions: Sequence[Region] = (),
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = FREE,
    *,
    verb: Verb = "infill",
    bars: BarRange | None = None,
    beats: tuple[float, float] | None = None,
    share: float = 0.5,
    program: int | None = None,
    role: str | None = None,
    side: Side | None = None,
    instruments: Sequence[int | str] = (),
    near: float = 0.5,
    factor: float = 1.5,
    count_bars: int = 8,
    allow_empty: bool = False,
    controls: Mapping[str, int] | None = None,
    best_of: int | None = 1,
    like: Region | None = None,
) -> EditSession:
    """Open an edit: `stream` yields notes as they are drawn, `finish` gives all alternatives, `results` those so far.

        session = sm.edit(song, bars=(8, 12), tracks=["bass"], count=3)
        best = sm.ranked(session.finish())[0].score

    Args:
        score: the piece.
        regions: where to write, in seconds, beats or bars.
        tracks: numbers, names or families of the tracks, as in `infill`; for "accompany" the tracks to keep.
        model: a loaded model, a name or a folder; None for the bundled one that suits the piece.
        sampling: temperature, top-p, top-k, min-p; None for `default_sampling`.
        seed: the same seed gives the same notes.
        count: alternatives.
        limits: what the notes must obey.
        verb: "infill", "revoice", "thin_out", "accompany" or "add_track", "vary", "busier", "continue" or "intro", as
            the functions of `verbs`; "fill" writes only into bars of the regions in which none of the tracks sounds.
        bars: instead of regions, the first and the last bar, counted from 1.
        beats: instead of regions, quarter notes counted from 0, the last excluded.
        share: of the notes that "thin_out" keeps.
        program: of the track that "add_track" adds, 128 for drums; by default that of the role, else 0.
        role: of that track: "bass", "pad", "lead", "drums" or "counter", see `roles`. All models keep to its range,
            region models also to its density and durations.
        side: whether "accompany" writes "below" or "above" the kept tracks. By default, an added track is below, and
            existing tracks keep their register.
        instruments: that "accompany" adds, each in a track of its own, as in `new_piece`.
        near: share of the beats that "vary" keeps; each alternative rewrites other beats.
        factor: of the notes in a bar, for "busier".
        count_bars: that "continue" and "intro" add.
        allow_empty: whether a result may have no new notes, and "infill" and "busier" may leave a region without notes
            that had some; otherwise it is sampled again, three times.
        controls: target attributes of the tracks, for models trained with such: see `midigpt_infill.BarFilling`.
        best_of: candidates for each alternative, of which the one that fits its surroundings best is kept (see
            `ranking.fit_of`); `stream` then yields the notes of all candidates. None for `default_best_of(model)`,
            which the functions `infill`, `vary` and so on take. For models that write into tracks.
        like: bars whose style is followed, by region models: the habits of the tracks are those that they have there,
            and a long piece is cut so that the model is conditioned on them. For verbs that write into existing tracks.

    Raises:
        EmptyScoreError: when the score has no notes.
        RegionError: when a region lies outside the piece, a track does not exist or has no notes where they are needed,
            or the model cannot write these tracks.
        OptionError: when the model cannot write into a piece, or not within limits; for a share or a program that
            does not exist, or a seed below 0.
        ConstraintError: when the limits contradict each other.
        NothingWrittenError: by `stream` and `finish` of the session, when nothing is written in four attempts.
    """
    if verb not in get_args(Verb):
        raise OptionError(f"no edit {verb!r}: choose from {', '.join(get_args(Verb))}")
    if count < 1:
        raise OptionError(f"at least one alternative is needed, not {count}")
    if best_of is not None and best_of < 1:
        raise OptionError(f"at least one candidate is needed, not {best_of}")
    check_seed(seed)
    drums = adding_drums(verb, program, role, instruments)
    loaded = loaded_model(model, score, thins=verb == "thin_out", adds_drums=drums)
    each = default_best_of(loaded) if best_of is None else best_of
    where, part = [*regions, *regions_from(bars=bars, beats=beats)], None if role is None else role_named(role)
    asked = Asked(
        score, where, tracks, loaded, limits, share, program, part, side, instruments, near, factor, count_bars, seed
    )  # fmt: skip
    fills = loaded.tokenizer.fills_bars
    if each > 1 and (fills or not edits(loaded)):
        raise OptionError(f"model {loaded.card.name!r} draws one candidate for each result")
    if controls and not fills:
        raise OptionError(f"model {loaded.card.name!r} has no controls: MIDI-GPT's models have")
    reference = None if like is None else _reference(asked, verb, like)
    if verb == "vary":
        each_seed = [replace(asked, seed=(seed, n) if n else seed) for n in range(count)]
        chosen = [_liking(planned(verb, one), reference) for one in each_seed]
        return OneAfterAnother(
            [
                _redrawn(partial(_written, plan, loaded, sampling, each), seed + n, 1, silent, allow_empty)
                for n, plan in enumerate(chosen)
            ]
        )
    if verb == "infill" and (fills or not edits(loaded)):
        begin = _from_left_to_right(asked, sampling, controls)
    else:
        begin = partial(_written, _liking(planned(verb, asked), reference), loaded, sampling, each)
    return _redrawn(begin, seed, count, deleting if verb in _IN_EACH_REGION else silent, allow_empty)


def _written(
    plan: Plan, model: Model[Any], sampling: Sampling | None, best_of: int, seed: int, count: int
) -> EditSession:
    return edit_session(*plan, model, sampling, seed, count, best_of)


def _redrawn(
    begin: Callable[[int, int], EditSession], seed: int, count: int, empty: Callable[[Written], bool], allow_empty: bool
) -> EditSession:
    return begin(seed, count) if allow_empty else Redrawing(begin, seed, count, empty)


def _reference(asked: Asked, verb: Verb, like: Region) -> Span:
    if verb not in _FOLLOWING:
        raise OptionError(f"{verb} follows no other bars: {', '.join(_FOLLOWING)} do")
    if asked.model.reads != "regions":
        raise OptionError(f"model {asked.model.card.name!r} cannot follow other bars: region models can")
    return like.span(asked.score)


def _liking(plan: Plan, reference: Span | None) -> Plan:
    return plan._replace(edit=replace(plan.edit, like=reference))


def _from_left_to_right(
    asked: Asked, sampling: Sampling | None, controls: Mapping[str, int] | None
) -> Callable[[int, int], EditSession]:
    """An infill by a model that cannot write into a piece."""
    score, loaded = asked.score, asked.model
    if replace(asked.limits, free=False) != FREE:
        require_limits(loaded)
    chosen, spans = None if asked.tracks is None else select(score, asked.tracks), spans_of(score, asked.regions)

    def begin(seed: int, count: int) -> EditSession:
        if loaded.tokenizer.fills_bars:
            return BarFilling(score, spans, chosen, loaded, sampling, seed, count, controls)
        return infilling_of(loaded)(score, spans, chosen, loaded, sampling, seed, count)

    return begin
