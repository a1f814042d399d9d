"""Edits of a piece: `edit` opens a session; each verb runs one and returns the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from symbolic_music.errors import OptionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel, loaded_model
from symbolic_music.generation.left_to_right.infill_choice import infilling_of
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.plans import PLANS, Asked, busier
from symbolic_music.generation.regions import Region, regions_from, spans_of
from symbolic_music.generation.results import EditSession, Progress, finished
from symbolic_music.generation.roles import Side, role_named
from symbolic_music.generation.sessions.edit_session import default_best_of, edit_session
from symbolic_music.generation.sessions.fill_bars import BarFilling
from symbolic_music.generation.sessions.one_after_another import OneAfterAnother
from symbolic_music.generation.sessions.redrawing import Redrawing
from symbolic_music.generation.track_selection import Tracks, select
from symbolic_music.generation.views.model_view import edits
from symbolic_music.score import Score

Verb = Literal["infill", "fill", "revoice", "thin_out", "accompany", "add_track", "vary", "busier", "continue", "intro"]
# First and last bar, both included; or one bar.
BarRange = int | tuple[int, int]
_FREE = Limits()


def edit(
    score: Score,
    regions: Sequence[Region] = (),
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
    *,
    verb: Verb = "infill",
    bars: BarRange | None = None,
    beats: tuple[float, float] | None = None,
    share: float = 0.5,
    program: int | None = None,
    role: str | None = None,
    side: Side | None = None,
    near: float = 0.5,
    factor: float = 1.5,
    count_bars: int = 8,
    allow_empty: bool = False,
    controls: Mapping[str, int] | None = None,
    best_of: int | None = 1,
) -> EditSession:
    """Open an edit: `stream` yields notes as they are drawn, `finish` gives all alternatives, `results` those so far.

        session = sm.edit(song, bars=(8, 12), tracks=["bass"], count=3)
        best = sm.ranked(session.finish())[0].score

    Args:
        score: the piece.
        regions: where to write, in seconds, beats or bars.
        tracks: numbers, names or families of the tracks, as in `infill`; for "accompany" the tracks to keep.
        model: a loaded model, a name or a folder; None for the bundled one that suits the piece.
        sampling: temperature, top-p, top-k, min-p; None for `default_sampling(model)`.
        seed: the same seed gives the same notes.
        count: alternatives.
        limits: what the notes must obey.
        verb: "infill", "revoice", "thin_out", "accompany" or "add_track", as the functions of this module; "vary" and
            "busier" as those of `variation`, "continue" and "intro" as those of `lengthening`; "fill" writes only into
            bars of the regions in which none of the tracks sounds.
        bars: instead of regions, the first and the last bar, counted from 1.
        beats: instead of regions, quarter notes counted from 0, the last excluded.
        share: of the notes that "thin_out" keeps.
        program: of the track that "add_track" adds, 128 for drums; by default that of the role, else 0.
        role: of that track: "bass", "pad", "lead", "drums" or "counter", see `roles`. All models keep to its range,
            region models also to its density and durations.
        side: whether "accompany" writes "below" or "above" the kept tracks. By default, an added track is below, and
            existing tracks keep their register.
        near: share of the beats that "vary" keeps; each alternative rewrites other beats.
        factor: of the notes in a bar, for "busier".
        count_bars: that "continue" and "intro" add.
        allow_empty: whether "infill" may leave a region without notes that had some; otherwise it is sampled again.
        controls: target attributes of the tracks, for models trained with such: see `fill_bars.BarFilling`.
        best_of: candidates for each alternative, of which the one that fits its surroundings best is kept (see
            `results.fit_of`); `stream` then yields the notes of all candidates. None for `default_best_of(model)`,
            which the functions `infill`, `vary` and so on take. For models that write into tracks.

    Raises:
        EmptyScoreError: when the score has no notes.
        RegionError: when a region lies outside the piece, a track does not exist or has no notes where they are needed,
            or the model cannot write these tracks.
        OptionError: when the model cannot write into a piece, or not within limits; for a share or a program that
            does not exist.
        ConstraintError: when the limits contradict each other.
    """
    if verb not in get_args(Verb):
        raise OptionError(f"no edit {verb!r}: choose from {', '.join(get_args(Verb))}")
    if count < 1:
        raise OptionError(f"at least one alternative is needed, not {count}")
    if best_of is not None and best_of < 1:
        raise OptionError(f"at least one candidate is needed, not {best_of}")
    loaded = loaded_model(model, score, thins=verb == "thin_out")
    each = default_best_of(loaded) if best_of is None else best_of
    where, part = [*regions, *regions_from(bars=bars, beats=beats)], None if role is None else role_named(role)
    asked = Asked(score, where, tracks, loaded, limits, share, program, part, side, near, factor, count_bars, seed)
    fills = loaded.tokenizer.fills_bars
    if each > 1 and (fills or not edits(loaded)):
        raise OptionError(f"model {loaded.card.name!r} draws one candidate for each result")
    if controls and not fills:
        raise OptionError(f"model {loaded.card.name!r} has no controls: MIDI-GPT's models have")
    if verb == "busier":
        return _infill(busier(asked), sampling, seed, count, each, allow_empty, controls)
    if verb == "infill":
        return _infill(asked, sampling, seed, count, each, allow_empty, controls)
    if verb == "vary":
        chosen = [PLANS[verb](replace(asked, seed=(seed, n) if n else seed)) for n in range(count)]
        varied = [edit_session(*plan, loaded, sampling, seed + n, 1, each) for n, plan in enumerate(chosen)]
        return OneAfterAnother(varied)
    return edit_session(*PLANS[verb](asked), loaded, sampling, seed, count, each)


def _infill(
    asked: Asked,
    sampling: Sampling | None,
    seed: int,
    count: int,
    best_of: int,
    allow_empty: bool,
    controls: Mapping[str, int] | None,
) -> EditSession:
    """New notes for regions, by whatever the model needs, drawn again where they would only delete."""
    score, loaded, fills = asked.score, asked.model, asked.model.tokenizer.fills_bars
    if not edits(loaded) and replace(asked.limits, free=False) != _FREE:
        raise OptionError(f"model {loaded.card.name!r} cannot keep to limits: it has no anticipatory tokenizer")
    if fills or not edits(loaded):
        chosen, spans = None if asked.tracks is None else select(score, asked.tracks), spans_of(score, asked.regions)

        def begin(seed: int, count: int) -> EditSession:
            if fills:
                return BarFilling(score, spans, chosen, loaded, sampling, seed, count, controls)
            return infilling_of(loaded)(score, spans, chosen, loaded, sampling, seed, count)
    else:
        plan = PLANS["infill"](asked)

        def begin(seed: int, count: int) -> EditSession:
            return edit_session(*plan, loaded, sampling, seed, count, best_of)

    return begin(seed, count) if allow_empty else Redrawing(begin, seed, count)


def infill(
    score: Score,
    start: float | None = None,
    end: float | None = None,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
    *,
    bars: BarRange | None = None,
    beats: tuple[float, float] | None = None,
    allow_empty: bool = False,
    controls: Mapping[str, int] | None = None,
    best_of: int | None = None,
) -> Score:
    """Rewrite the notes of `tracks` that begin in a region; everything else comes back bit for bit.

        sm.infill(song, bars=(8, 12), tracks=["bass", "drums"])

    The model is conditioned on the past, and on the other tracks and the music after the region: region models on all
    of it within their window, models with the anticipatory tokenizer on five seconds of it. Both write any tracks, the
    bundled chorale model up to four monophonic ones; models of REMI and compound tokens write whole bars of all tracks
    (see `left_to_right.bar_infill`). Written
    notes begin and end within the region and take the program and channel of their track; velocities are those of the
    track around it. A note that began earlier and sounds into the region stays.

    Args:
        score: the piece.
        start, end: the region in seconds under the score's tempo map, the end excluded.
        tracks: the tracks to rewrite, each by its number, its name, or what plays it ("bass", "drums", "violin");
            None for all that the model can write.
        model: a loaded model, a name or a folder; None for the bundled one that suits the piece.
        sampling: temperature, top-p, top-k, min-p; None for `default_sampling(model)`; compound words as in
            `continuation`.
        seed: the same seed gives the same notes.
        progress: called with the share that is done.
        limits: what the notes must obey.
        bars: instead of seconds, the first and the last bar, counted from 1.
        beats: instead of seconds, quarter notes counted from 0, the end excluded.
        allow_empty: whether a region that had notes may be left empty; otherwise it is sampled again, with other seeds.
        controls: target attributes of the tracks, for models trained with such: see `fill_bars.BarFilling`.
        best_of: candidates, of which the one that fits best is kept; None for `default_best_of(model)`.

    Raises:
        EmptyScoreError: when the score has no notes.
        NothingWrittenError: when nothing is written in four attempts where the piece has notes.
        RegionError: when the region lies outside the piece, a track does not exist, or the model cannot
            write these tracks.
        ConstraintError: when the limits contradict each other.
    """
    where = regions_from(start, end, bars, beats)
    options: dict[str, Any] = {"allow_empty": allow_empty, "controls": controls, "best_of": best_of}
    session = edit(score, where, tracks, model, sampling, seed, 1, limits, **options)
    return finished(session, progress)


def accompany(
    score: Score,
    keep_tracks: Sequence[int | str],
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
    side: Side | None = None,
) -> Score:
    """Keep some tracks and rewrite all others, from the first note of the piece to the end of the last.

        sm.accompany(melody, [0], seed=1)

    If there are no others, they are added: the remaining parts of a model of parts, a piano by a region model, or any
    instruments of another model. A model of parts keeps drums, which it cannot write. `side` puts the new notes
    "below" or "above" the kept ones; an added piano is below. Other arguments and errors as in
    `infill`.
    """
    session = edit(score, (), keep_tracks, model, sampling, seed, 1, limits, verb="accompany", side=side, best_of=None)
    return finished(session, progress)


def revoice(
    score: Score,
    regions: Sequence[Region],
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Give the notes of some tracks new pitches; onsets, durations and velocities stay.

        sm.revoice(song, [sm.bars(8, 12)], tracks=[1], limits=sm.Limits(scale="D minor"))

    Arguments and errors as in `infill`; RegionError too when the tracks have no notes there.
    """
    return finished(
        edit(score, regions, tracks, model, sampling, seed, 1, limits, verb="revoice", best_of=None), progress
    )


def add_track(
    score: Score,
    program: int | None = None,
    regions: Sequence[Region] = (),
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
    role: str | None = None,
) -> Score:
    """Add a track of a program (128 for drums) or a role, in regions or, without regions, over the whole piece.

    A model of parts assigns it the free part, for any program. Arguments and errors as in
    `infill`; OptionError for a program that MIDI does not have, or an unknown role. Roles: see `edit`.

        sm.add_track(song, role="bass", regions=[sm.bars(9, 16)])
    """
    session = edit(
        score,
        regions,
        None,
        model,
        sampling,
        seed,
        1,
        limits,
        verb="add_track",
        program=program,
        role=role,
        best_of=None,
    )
    return finished(session, progress)


def thin_out(
    score: Score,
    regions: Sequence[Region],
    share: float = 0.5,
    tracks: Tracks = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Keep about a share of the notes of some tracks, evenly in time; the model chooses which notes stay.

        sm.thin_out(song, [sm.bars(8, 12)], tracks=["drums"], share=0.5)

    Kept notes do not change. Arguments and errors as in `infill`; OptionError too for a share that does not
    lie between 0 and 1, RegionError when the tracks have no notes there.
    """
    return finished(edit(score, regions, tracks, model, sampling, seed, verb="thin_out", share=share), progress)
