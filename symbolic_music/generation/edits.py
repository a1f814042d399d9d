"""Edits of a piece: `edit` opens a session; each verb runs one and returns the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel, loaded_model
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, Span, regions_from, spans_of
from symbolic_music.generation.results import EditSession, Progress, finished
from symbolic_music.generation.roles import Role, Side, beside, role_named
from symbolic_music.generation.sessions.continuing_models import infilling_of
from symbolic_music.generation.sessions.edit import Edit
from symbolic_music.generation.sessions.fill_bars import BarFilling
from symbolic_music.generation.sessions.redrawing import Redrawing
from symbolic_music.generation.sessions.region_edit import edit_session
from symbolic_music.generation.track_selection import select
from symbolic_music.generation.views.model_view import edits, playing, writable
from symbolic_music.generation.views.part_assignment import assign_parts
from symbolic_music.models import Model
from symbolic_music.score import Score, Track

Verb = Literal["infill", "revoice", "thin_out", "accompany", "add_track"]
Tracks = Sequence[int | str] | None
# First and last bar, both included; or one bar.
BarRange = int | tuple[int, int]
_FREE = Limits()


@dataclass(frozen=True)
class _Asked:
    """The request of an edit; see `edit`."""

    score: Score
    regions: Sequence[Region]
    tracks: Tracks
    model: Model[Any]
    limits: Limits
    share: float
    program: int | None
    role: Role | None
    side: Side | None


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
    allow_empty: bool = False,
    controls: Mapping[str, int] | None = None,
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
        verb: "infill", or the name of another function of this module: "revoice", "thin_out", "accompany", "add_track".
        bars: instead of regions, the first and the last bar, counted from 1.
        beats: instead of regions, quarter notes counted from 0, the last excluded.
        share: of the notes that "thin_out" keeps.
        program: of the track that "add_track" adds, 128 for drums; by default that of the role, else 0.
        role: of that track: "bass", "pad", "lead", "drums" or "counter", see `roles`. All models keep to its range,
            region models also to its density and durations.
        side: whether "accompany" writes "below" or "above" the kept tracks. By default, an added track is below, and
            existing tracks keep their register.
        allow_empty: whether "infill" may leave a region without notes that had some; otherwise it is sampled again.
        controls: target attributes of the tracks, for models trained with such: see `fill_bars.BarFilling`.

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
    loaded = loaded_model(model, score, thins=verb == "thin_out")
    asked = _Asked(score, [*regions, *regions_from(bars=bars, beats=beats)], tracks, loaded, limits, share, program,
                   None if role is None else role_named(role), side)  # fmt: skip
    fills = loaded.tokenizer.fills_bars
    if controls and not fills:
        raise OptionError(f"model {loaded.card.name!r} has no controls: MIDI-GPT's models have")

    def begin(seed: int, count: int) -> EditSession:
        if verb == "infill" and (fills or not edits(loaded)):
            chosen = None if tracks is None else select(score, tracks)
            spans = spans_of(score, asked.regions)
            if fills:
                return BarFilling(score, spans, chosen, loaded, sampling, seed, count, controls)
            return infilling_of(loaded)(score, spans, chosen, loaded, sampling, seed, count)
        wider, plan = _PLANS[verb](asked)
        return edit_session(wider, plan, loaded, sampling, seed, count)

    if verb != "infill":
        return begin(seed, count)
    if not edits(loaded) and replace(limits, free=False) != _FREE:
        raise OptionError(f"model {loaded.card.name!r} cannot keep to limits: it has no anticipatory tokenizer")
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
) -> Score:
    """Rewrite the notes of `tracks` that begin in a region; everything else comes back bit for bit.

        sm.infill(song, bars=(8, 12), tracks=["bass", "drums"])

    The model is conditioned on the past, and on the other tracks and the music after the region: region models on all
    of it within their window, models with the anticipatory tokenizer on five seconds of it. Both write any tracks, the
    bundled chorale model up to four monophonic ones; models of REMI and compound tokens write whole bars of all tracks
    (see `sessions.bar_infill`). Written
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

    Raises:
        EmptyScoreError: when the score has no notes.
        NothingWrittenError: when nothing is written in four attempts where the piece has notes.
        RegionError: when the region lies outside the piece, a track does not exist, or the model cannot
            write these tracks.
        ConstraintError: when the limits contradict each other.
    """
    where = regions_from(start, end, bars, beats)
    options: dict[str, Any] = {"allow_empty": allow_empty, "controls": controls}
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
    session = edit(score, (), keep_tracks, model, sampling, seed, 1, limits, verb="accompany", side=side)
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
    return finished(edit(score, regions, tracks, model, sampling, seed, 1, limits, verb="revoice"), progress)


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
    session = edit(score, regions, None, model, sampling, seed, 1, limits, verb="add_track", program=program, role=role)
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


def _plan_infill(asked: _Asked) -> tuple[Score, Edit]:
    return asked.score, Edit(spans_of(asked.score, asked.regions), _chosen(asked), asked.limits)


def _plan_revoice(asked: _Asked) -> tuple[Score, Edit]:
    spans = spans_of(asked.score, asked.regions)
    return asked.score, Edit(spans, _chosen(asked), asked.limits, keeps_rhythm=True)


def _plan_thin_out(asked: _Asked) -> tuple[Score, Edit]:
    spans = spans_of(asked.score, asked.regions)
    return asked.score, Edit(spans, _chosen(asked), asked.limits, keeps=asked.share)


def _plan_accompany(asked: _Asked) -> tuple[Score, Edit]:
    score, model = asked.score, asked.model
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to accompany")
    kept = select(score, asked.tracks or ())
    if not np.isin(score.notes["track"], kept).any():
        raise RegionError("the kept tracks hold no notes: nothing to accompany")
    written = [track for track in writable(score, model) if track not in kept]
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
    return score, Edit([_whole(score)], written, limits)


def _plan_add_track(asked: _Asked) -> tuple[Score, Edit]:
    score, role = asked.score, asked.role
    program = asked.program if asked.program is not None else 0 if role is None else role.program
    if not 0 <= program <= DRUM_INSTRUMENT:
        raise OptionError(f"a program is 0 to 127, or 128 for drums, not {program}")
    if not len(score):
        raise EmptyScoreError("the score has no notes: nothing to add a track to")
    is_drum = program == DRUM_INSTRUMENT
    wider = replace(score, tracks=(*score.tracks, Track("", 0 if is_drum else program, is_drum)))
    spans = spans_of(score, asked.regions) if asked.regions else [_whole(score)]
    limits = asked.limits
    if role is not None and not is_drum and (limits.lowest, limits.highest) == (0, 127):
        limits = replace(limits, lowest=role.lowest, highest=role.highest)
    return wider, Edit(spans, [len(score.tracks)], limits, role=role)


_PLANS: Mapping[str, Callable[[_Asked], tuple[Score, Edit]]] = {
    "infill": _plan_infill,
    "revoice": _plan_revoice,
    "thin_out": _plan_thin_out,
    "accompany": _plan_accompany,
    "add_track": _plan_add_track,
}


def _whole(score: Score) -> Span:
    return int(score.notes["onset"][0]), score.end


def _chosen(asked: _Asked) -> list[int]:
    spans = spans_of(asked.score, asked.regions)
    chosen = playing(asked.score, asked.model, spans) if asked.tracks is None else select(asked.score, asked.tracks)
    if not chosen:
        raise RegionError("no tracks to rewrite: name at least one that the model can write")
    return chosen
