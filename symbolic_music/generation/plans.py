"""What each verb of an edit writes, resolved once from the request: a score, ranges of ticks, tracks, limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, Span, inside, spans_of, ticks_of
from symbolic_music.generation.roles import Role, Side, beside
from symbolic_music.generation.sessions.edit import Edit, Repitch, Thin, Write
from symbolic_music.generation.track_selection import Tracks, select
from symbolic_music.generation.views.model_view import edits, playing, writable
from symbolic_music.generation.views.part_assignment import assign_parts
from symbolic_music.models import Model
from symbolic_music.score import Score, Track
from symbolic_music.transforms import shift

_MOST_BARS = 256
# The tracks that play in these last or first bars play on.
_NEAR_BARS = 8
# Of the notes that a bar is asked to have, how far from their mean a bar may be.
_FEWEST, _MOST = 0.75, 1.4


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
    near: float
    factor: float
    count_bars: int
    # By which "vary" chooses beats.
    seed: int | tuple[int, int]


class Plan(NamedTuple):
    """A score, wider or longer than the one that was given where the edit needs it, and what is written in it."""

    score: Score
    edit: Edit


def _infill(asked: Asked) -> Plan:
    return Plan(asked.score, Edit(spans_of(asked.score, asked.regions), _chosen(asked), asked.limits))


def _fill(asked: Asked) -> Plan:
    spans, score = spans_of(asked.score, asked.regions), asked.score
    chosen = _going_on(asked, _whole(score))
    silent = _silent_bars(score, spans, chosen)
    if not silent:
        raise RegionError("these tracks play in every bar of the region: there is none to fill")
    return Plan(score, Edit(silent, chosen, asked.limits))


def _revoice(asked: Asked) -> Plan:
    spans = spans_of(asked.score, asked.regions)
    return Plan(asked.score, Edit(spans, _chosen(asked), asked.limits, Repitch()))


def _thin_out(asked: Asked) -> Plan:
    spans = spans_of(asked.score, asked.regions)
    return Plan(asked.score, Edit(spans, _chosen(asked), asked.limits, Thin(asked.share)))


def _accompany(asked: Asked) -> Plan:
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
    return Plan(score, Edit([_whole(score)], written, limits))


def _add_track(asked: Asked) -> Plan:
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
    return Plan(wider, Edit(spans, [len(score.tracks)], limits, Write(role)))


def _vary(asked: Asked) -> Plan:
    if not 0 <= asked.near < 1:
        raise OptionError(f"how near a variation stays is 0 up to and without 1, not {asked.near:g}")
    if not edits(asked.model):
        raise OptionError(f"model {asked.model.card.name!r} cannot write into a piece")
    spans, chosen = spans_of(asked.score, asked.regions), _chosen(asked)
    beats = _some_beats(asked.score, spans, asked.near, np.random.default_rng(asked.seed))
    return Plan(asked.score, Edit(beats, chosen, asked.limits))


def busier(asked: Asked) -> Asked:
    """The request to rewrite regions with `factor` times the notes in a bar."""
    score, factor = asked.score, asked.factor
    if not 0.1 <= factor <= 10:
        raise OptionError(f"busier by a factor of 0.1 to 10, not {factor:g}")
    spans, chosen = spans_of(score, asked.regions), _chosen(asked)
    wanted = notes_per_bar(score, spans, chosen) * factor
    if not wanted:
        raise RegionError("these tracks have no notes in the region: there is nothing to make busier")
    # The end of a bar that the region only begins has less room than a whole one.
    whole = all(np.isin(span, [*score.bars(span[1] + 1), score.end]).all() for span in spans)
    least = math.ceil(wanted * _FEWEST) if whole else 0
    limits = replace(asked.limits, notes_per_bar=(least, max(1, least, round(wanted * _MOST))))
    return replace(asked, tracks=chosen, limits=limits)


def _continue(asked: Asked) -> Plan:
    score, lines = asked.score, _bars_of(asked)
    chosen = _going_on(asked, (int(lines[-_NEAR_BARS:][0]), score.end))
    last = round(float(ticks_of(score, [len(lines) + 1.0 + asked.count_bars], "bars")[0]))
    return Plan(score, Edit([(score.end, last)], chosen, asked.limits))


def _intro(asked: Asked) -> Plan:
    score = asked.score
    _bars_of(asked)
    chosen = _going_on(asked, (0, int(score.bars(score.end)[: _NEAR_BARS + 1][-1])))
    ticks = asked.count_bars * int(np.diff(score.bars(score.end + 4 * 255 * score.ticks_per_quarter + 1)[:2])[0])
    return Plan(shift(score, ticks), Edit([(0, ticks)], chosen, asked.limits))


PLANS: Mapping[str, Callable[[Asked], Plan]] = {
    "infill": _infill,
    "fill": _fill,
    "revoice": _revoice,
    "thin_out": _thin_out,
    "accompany": _accompany,
    "add_track": _add_track,
    "vary": _vary,
    "continue": _continue,
    "intro": _intro,
}


def _bars_of(asked: Asked) -> Sequence[int]:
    """Bar lines of a piece that bars are added to, when they can be."""
    if not 1 <= asked.count_bars <= _MOST_BARS:
        raise OptionError(f"1 to {_MOST_BARS} bars can be written at once, not {asked.count_bars}")
    if not len(asked.score):
        raise EmptyScoreError("the score has no notes to go on from")
    if not edits(asked.model):
        raise OptionError(f"model {asked.model.card.name!r} counts no bars: give it seconds (generate)")
    lines: Sequence[int] = asked.score.bars().tolist()
    return lines


def _going_on(asked: Asked, near: Span) -> list[int]:
    chosen = playing(asked.score, asked.model, [near]) if asked.tracks is None else select(asked.score, asked.tracks)
    if not chosen:
        raise RegionError(f"no tracks to continue: model {asked.model.card.name!r} can write none of them")
    return chosen


def _whole(score: Score) -> Span:
    return int(score.notes["onset"][0]), score.end


def _chosen(asked: Asked) -> list[int]:
    spans = spans_of(asked.score, asked.regions)
    chosen = playing(asked.score, asked.model, spans) if asked.tracks is None else select(asked.score, asked.tracks)
    if not chosen:
        raise RegionError("no tracks to rewrite: name at least one that the model can write")
    return chosen


def notes_per_bar(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> float:
    """Mean number of onsets of these tracks in a bar of these ranges."""
    own = score.notes[np.isin(score.notes["track"], tracks)]
    notes = sum(int(inside(own, *span).sum()) for span in spans)
    lines = np.append(score.bars(score.end + 1), score.end + 4 * 255 * score.ticks_per_quarter)
    bars = sum(float(np.diff(np.interp(span, lines[:-1], np.arange(len(lines) - 1)))[0]) for span in spans)
    return notes / max(bars, 0.25)


def _silent_bars(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> list[Span]:
    """The bars of some ranges in which no note of these tracks sounds, those that touch as one."""
    own = score.notes[np.isin(score.notes["track"], tracks)]
    ends = own["onset"].astype(np.int64) + own["duration"]
    found: list[Span] = []
    for first, last in spans:
        lines = score.bars(last)
        for start, end in pairwise([first, *lines[(lines > first) & (lines < last)].tolist(), last]):
            if not ((own["onset"] < end) & (ends > start)).any():
                before = found.pop() if found and found[-1][1] == start else (start, start)
                found.append((before[0], end))
    return found


def _some_beats(score: Score, spans: Sequence[Span], near: float, random: np.random.Generator) -> list[Span]:
    """Stretches of whole beats, those that touch as one, of about 1 - near of the given ones."""
    beats: list[Span] = []
    for first, last in spans:
        edges = [*range(first, last, score.ticks_per_quarter), last]
        beats += pairwise(edges)
    count = max(1, round((1 - near) * len(beats)))
    joined: list[Span] = []
    for place in sorted(random.permutation(len(beats))[:count].tolist()):
        first, last = beats[place]
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
