"""Choose regions of a piece for evaluation."""

from __future__ import annotations

import numpy as np

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError, EvaluationError
from symbolic_music.evaluation.context.bar_similarity import on_grid
from symbolic_music.evaluation.context.region import Case, EditRegion
from symbolic_music.score import Score

# Notes of the track in its region, and in the bars before; and notes that accompany it.
_FEWEST, _FEWEST_BEFORE, _FEWEST_BESIDE = 8, 4, 8
# Every third region is of drums, where a piece has any.
_DRUMS_EVERY = 3


def choose_region(
    score: Score, drums: bool, rng: np.random.Generator, bars: int = 4, most: int = 300
) -> EditRegion | None:
    """Some bars of one track, drawn at random: pitched or drums; None where the piece has none.

    The track has eight notes there or more and four in as many bars before; as many bars come before and after; a
    pitched one is accompanied by another pitched track.

    Args:
        score: the piece.
        drums: whether of a track of drums.
        rng: draws the place and the track.
        bars: of the region.
        most: notes of the track in the region.
    """
    lines = Case(score, EditRegion(0, 1, (0,))).lines
    notes, onset = score.notes, score.notes["onset"]
    pitched = ~np.array([track.is_drum for track in score.tracks])[notes["track"]]
    for start in rng.permutation(np.arange(bars, max(bars, len(lines) - 1 - 2 * bars))).tolist():
        first, last, before = int(lines[start]), int(lines[start + bars]), int(lines[start - bars])
        inside, earlier = (onset >= first) & (onset < last), (onset >= before) & (onset < first)
        for track in rng.permutation(np.unique(notes["track"][inside & (pitched != drums)])).tolist():
            mine = notes["track"] == track
            accompanied = (inside & pitched & ~mine).sum() >= _FEWEST_BESIDE
            fits = _FEWEST <= (inside & mine).sum() <= most and (earlier & mine).sum() >= _FEWEST_BEFORE
            if fits and (drums or accompanied):
                return EditRegion(first, last, (track,))
    return None


def next_region(
    score: Score, number: int, rng: np.random.Generator, bars: int, most: int = 300, either: bool = True
) -> EditRegion | None:
    """The region that comes next in a set: every third is of drums. None where a piece is not in time or has none.

    Args:
        score, rng, bars, most: as in `choose_region`.
        number: of the region in its set, from 0.
        either: whether the other kind will do where a piece has none of this one.
    """
    if not in_time(score):
        return None
    drums = number % _DRUMS_EVERY == _DRUMS_EVERY - 1
    region = choose_region(score, drums, rng, bars, most)
    return choose_region(score, not drums, rng, bars, most) if region is None and either else region


def in_time(score: Score) -> bool:
    """Whether bars and beats of a piece are those of its music: four fifths of its notes are on their grid."""
    tracks = tuple(np.unique(score.notes["track"]).tolist())
    return bool(tracks) and on_grid(Case(score, EditRegion(0, max(1, score.end), tracks)), score.notes) >= 0.8


def choose_cases(store: NoteStore, split: str, count: int, bars: int = 4, seed: int = 0) -> list[Case]:
    """Regions of the pieces of a split, drawn at random, a piece at a time until there are enough.

    Args:
        store: of notes.
        split: its name.
        count: regions at most; there are fewer where not all pieces have a region, or another one.
        bars: of a region.
        seed: the same seed gives the same regions.

    Raises:
        CorpusError: when the store has no such split.
        EvaluationError: when no piece has a region, or for less than one of them.
    """
    if split not in store.splits:
        raise CorpusError(f"{store.path} has no split {split!r}; it has {', '.join(store.splits) or 'none'}")
    if count < 1:
        raise EvaluationError(f"at least one region is edited, not {count}")
    rng, found, seen = np.random.default_rng(seed), list[Case](), set[tuple[int, EditRegion]]()
    for _ in range(_DRUMS_EVERY):
        for index in rng.permutation(store.splits[split]).tolist():
            if len(found) == count:
                return found
            score = store.music(index)
            region = next_region(score, len(found), rng, bars)
            if region is not None and (index, region) not in seen:
                seen.add((index, region))
                found.append(Case(score, region, store.piece(index).source))
    if not found:
        raise EvaluationError(
            f"no piece of {split!r} of {store.path} has {bars} bars of a track to write anew: a region has eight notes "
            "of its track, as many bars before and after, and notes on a grid of sixteenths or triplets"
        )
    return found
