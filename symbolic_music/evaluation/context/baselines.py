"""References for edits: the preceding bars, the best-matching bars of the piece, random bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symbolic_music.evaluation.context.bar_similarity import Pattern, jaccard, patterns
from symbolic_music.evaluation.context.region import Case, EditRegion
from symbolic_music.score import NOTE, Array, Score, joined


def with_notes(score: Score, region: EditRegion, written: Array) -> Score:
    """The score with other notes in a region; those that would sound past it end there."""
    written = written.copy()
    left = region.last - written["onset"].astype(np.int64)
    written["duration"] = np.minimum(written["duration"], left)
    return score.replace(notes=joined([score.notes[~region.mask(score.notes)], written], NOTE))


def original(score: Score, region: EditRegion) -> Score:
    """The piece as it was."""
    return score


def copy_before(score: Score, region: EditRegion) -> Score:
    """The bars just before, pasted; those after, where as many do not come before."""
    case = Case(score, region)
    first, last = case.bars
    count = last - first
    return _pasted(case, first - count if first >= count else last)


def retrieve(score: Score, region: EditRegion) -> Score:
    """The stretch of the piece whose other tracks are most like those of the region, pasted.

    Likeness is the mean over the bars of the Jaccard index of (track, sixteenth, pitch) of all other tracks, and, at a
    tenth of its weight, that of the written tracks' bars next to the stretch. Where the written tracks are silent in
    a stretch it is passed over; where there is none left, the bars before are copied.
    """
    case = Case(score, region)
    first, last = case.bars
    count = last - first
    mine = np.isin(score.notes["track"], region.tracks)
    others, own = _by_track(case, score.notes[~mine]), _by_track(case, case.own)
    lengths = np.diff(case.lines)
    best, found = -1.0, None
    for start in range(len(others) - count + 1):
        apart = start + count <= first or start >= last
        if not apart or not any(own[start : start + count]):
            continue
        if not np.array_equal(lengths[start : start + count], lengths[first:last]):
            continue
        fit = float(np.mean([jaccard(others[start + i], others[first + i]) for i in range(count)]))
        edges = [(start - 1, first - 1), (start + count, last)]
        beside = [jaccard(own[a], own[b]) for a, b in edges if 0 <= a < len(own) and 0 <= b < len(own)]
        fit += 0.1 * float(np.mean(beside)) if beside else 0.0
        if fit > best:
            best, found = fit, start
    return copy_before(score, region) if found is None else _pasted(case, found)


class RandomBars:
    """Bars of another piece, of a track of the same kind (drums, or pitched), drawn at random and pasted.

    Args:
        scores: pieces to draw from, other than the one that is written in.
        seed: the same seed gives the same bars for the same region.
    """

    def __init__(self, scores: Sequence[Score], seed: int = 0) -> None:
        self._scores, self._seed = scores, seed

    def __call__(self, score: Score, region: EditRegion) -> Score:
        """The piece with random bars in the region; the region is emptied where no other piece has any."""
        rng = np.random.default_rng((self._seed, region.first, region.last, *region.tracks))
        target = Case(score, region)
        first, last = target.bars
        parts = []
        for track in region.tracks:
            drums = score.tracks[track].is_drum
            for number in rng.permutation(len(self._scores)).tolist():
                source = self._scores[number]
                alike = [t for t in np.unique(source.notes["track"]).tolist() if source.tracks[t].is_drum == drums]
                if source is score or not alike:
                    continue
                chosen = int(rng.choice(alike))
                notes = source.notes[source.notes["track"] == chosen]
                lines = Case(source, EditRegion(0, 1, (chosen,))).lines
                # Begin with a bar in which the track plays.
                begin = int(np.searchsorted(lines, int(rng.choice(notes["onset"])), side="right")) - 1
                end = min(begin + last - first, len(lines) - 1)
                parts.append(_laid(notes, (int(lines[begin]), int(lines[end])), source, target, track))
                break
        return with_notes(score, region, joined(parts, NOTE))


def _laid(notes: Array, span: tuple[int, int], source: Score, target: Case, track: int) -> Array:
    """Notes of a stretch of one piece at the region of another, beat for beat, as the track's."""
    region, tracks = target.region, target.score.tracks
    scale = target.score.ticks_per_quarter / source.ticks_per_quarter
    out = notes[(notes["onset"] >= span[0]) & (notes["onset"] < span[1])].copy()
    out["onset"] = np.floor((out["onset"].astype(np.int64) - span[0]) * scale) + region.first
    out["duration"] = np.maximum(1, np.rint(out["duration"] * scale))
    own = target.own[target.own["track"] == track]
    out["track"] = track
    out["program"] = tracks[track].program
    out["channel"] = own["channel"][0] if len(own) else (9 if tracks[track].is_drum else 0)
    return out[out["onset"] < region.last]


def _pasted(case: Case, start: int) -> Score:
    """The written tracks' notes of the bars from `start` on in the place of the region's."""
    region = case.region
    last = len(case.lines) - 1
    shift = int(case.lines[case.bars[0]] - case.lines[min(max(start, 0), last)])
    source = EditRegion(max(0, region.first - shift), max(1, region.last - shift), region.tracks)
    notes = source.of(case.own).copy()
    notes["onset"] += shift
    return with_notes(case.score, region, notes)


def _by_track(case: Case, notes: Array) -> list[Pattern]:
    """Each bar as the set of its (track, sixteenth, pitch)."""
    out = [set[int]() for _ in range(len(case.lines) - 1)]
    for track in np.unique(notes["track"]).tolist():
        for bar, one in zip(out, patterns(notes[notes["track"] == track], case), strict=True):
            bar.update((track << 24) + code for code in one)
    return [frozenset(bar) for bar in out]
