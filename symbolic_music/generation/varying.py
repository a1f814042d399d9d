"""Vary a passage, or write it with more notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from typing_extensions import override

from symbolic_music.errors import OptionError, RegionError
from symbolic_music.generation.decoding.sampling import Sampling
from symbolic_music.generation.default_model import AnyModel, loaded_model
from symbolic_music.generation.edits import edit
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.regions import Region, Span, inside, spans_of
from symbolic_music.generation.results import EditSession, Progress, Written, WrittenNote, finished, flagged
from symbolic_music.generation.sessions.edit import Edit
from symbolic_music.generation.sessions.region_edit import edit_session
from symbolic_music.generation.views.model_view import edits, playing
from symbolic_music.score import Score
from symbolic_music.transforms import check_tracks

_FREE = Limits()
# Of the notes that a bar is asked to have, how far from their mean a bar may be.
_FEWEST, _MOST = 0.75, 1.4


def vary(
    score: Score,
    regions: Sequence[Region],
    near: float = 0.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Rewrite some beats of regions; the others stay.

        generation.vary(song, [sm.bars(8, 12)], near=0.7, tracks=[1])

    Args:
        score: the piece.
        regions: where.
        near: share of the beats that stay, from 0 (all are rewritten) to under 1; the seed chooses which. At least one
            beat is rewritten.
        tracks, model, sampling, seed, progress, limits: as in `infill`.

    Raises:
        OptionError: for a share out of range, or a model that cannot write into a piece.
        EmptyScoreError, RegionError, ConstraintError: as `infill`.
    """
    return finished(varying(score, regions, near, tracks, model, sampling, seed, 1, limits), progress)


def varying(
    score: Score,
    regions: Sequence[Region],
    near: float = 0.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Like `vary`, but returns an `EditSession`; each alternative rewrites other beats."""
    if not 0 <= near < 1:
        raise OptionError(f"how near a variation stays is 0 up to and without 1, not {near:g}")
    if count < 1:
        raise OptionError(f"at least one alternative is needed, not {count}")
    loaded = loaded_model(model, score)
    if not edits(loaded):
        raise OptionError(f"model {loaded.card.name!r} cannot write into a piece")
    spans = spans_of(score, regions)
    chosen = playing(score, loaded, spans) if tracks is None else check_tracks(score, tracks)
    if not chosen:
        raise RegionError("no tracks to vary: name at least one that the model can write")
    made = []
    for number in range(count):
        drawn = np.random.default_rng((seed, number)) if number else np.random.default_rng(seed)
        beats = _some_beats(score, spans, near, drawn)
        made.append(edit_session(score, Edit(beats, chosen, limits), loaded, sampling, seed + number))
    return OneAfterAnother(made)


class OneAfterAnother(EditSession):
    """Edits of one piece, each with one alternative, as the alternatives of one `EditSession`."""

    def __init__(self, writings: Sequence[EditSession]) -> None:
        self._writings = list(writings)

    @override
    @property
    def done(self) -> float:
        return sum(writing.done for writing in self._writings) / len(self._writings)

    @override
    def stream(self) -> Iterator[WrittenNote]:
        for number, writing in enumerate(self._writings):
            for note in writing.stream():
                yield replace(note, alternative=number)

    @override
    def results(self) -> list[Written]:
        found = [(number, one) for number, writing in enumerate(self._writings) for one in writing.results()]
        return flagged([replace(one, number=number) for number, one in found])

    @override
    def finish(self) -> list[Written]:
        for _ in self.stream():
            pass
        return self.results()


def make_busier(
    score: Score,
    regions: Sequence[Region],
    factor: float = 1.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limits: Limits = _FREE,
) -> Score:
    """Rewrite regions with more notes in a bar; with fewer for a `factor` below 1.

        generation.make_busier(song, [sm.bars(8, 12)], factor=1.5, tracks=["drums"])

    Args:
        score: the piece.
        regions: where.
        factor: 0.1 to 10, a multiple of the mean number of onsets in a bar. Every whole bar gets 0.75 to 1.4 times the
            resulting number.
        tracks, model, sampling, seed, progress, limits: as in `infill`; limits on notes in a bar are replaced.

    Raises:
        OptionError: for a factor out of range.
        RegionError: when the tracks have no notes there.
        EmptyScoreError, ConstraintError: as `infill`.
    """
    return finished(making_busier(score, regions, factor, tracks, model, sampling, seed, 1, limits), progress)


def making_busier(
    score: Score,
    regions: Sequence[Region],
    factor: float = 1.5,
    tracks: Sequence[int] | None = None,
    model: AnyModel = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    limits: Limits = _FREE,
) -> EditSession:
    """Like `make_busier`, but returns an `EditSession` to stream notes from and compare alternatives."""
    if not 0.1 <= factor <= 10:
        raise OptionError(f"busier by a factor of 0.1 to 10, not {factor:g}")
    loaded = loaded_model(model, score)
    spans = spans_of(score, regions)
    chosen = playing(score, loaded, spans) if tracks is None else check_tracks(score, tracks)
    wanted = notes_per_bar(score, spans, chosen) * factor
    if not wanted:
        raise RegionError("these tracks have no notes in the region: there is nothing to make busier")
    # The end of a bar that the region only begins has less room than a whole one.
    whole = all(np.isin(span, [*score.bars(span[1] + 1), score.end]).all() for span in spans)
    least = math.ceil(wanted * _FEWEST) if whole else 0
    busy = replace(limits, notes_per_bar=(least, max(1, least, round(wanted * _MOST))))
    return edit(score, regions, chosen, loaded, sampling, seed, count, busy)


def notes_per_bar(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> float:
    """Mean number of onsets of these tracks in a bar of these ranges."""
    own = score.notes[np.isin(score.notes["track"], tracks)]
    notes = sum(int(inside(own, *span).sum()) for span in spans)
    lines = np.append(score.bars(score.end + 1), score.end + 4 * 255 * score.ticks_per_quarter)
    bars = sum(float(np.diff(np.interp(span, lines[:-1], np.arange(len(lines) - 1)))[0]) for span in spans)
    return notes / max(bars, 0.25)


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
