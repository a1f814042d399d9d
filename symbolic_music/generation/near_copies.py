"""Alternatives that hardly differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from symbolic_music.generation.results import Written
from symbolic_music.score import Array, Score

# From this share of twins on, one is a near-copy of the other.
NEAR_COPY = 0.9
# As in the community's measure of transcriptions: Raffel et al. 2014, mir_eval.
_WITHIN = 0.05


def flagged(found: Sequence[Written]) -> list[Written]:
    """The results, with near-copies of earlier ones marked."""
    out: list[Written] = []
    for one in found:
        twins = (o.number for o in out if o.copy_of is None and _alike(one, o))
        out.append(replace(one, copy_of=next(twins, None)))
    return out


def _alike(one: Written, other: Written) -> bool:
    return share_of_twins(one.score, one.notes, other.notes) >= NEAR_COPY


def share_of_twins(score: Score, one: Array, other: Array) -> float:
    """Twice the notes that the two share, over those that they have: 1 for the same, 0 for nothing in common.

    Notes are twins when they have track and pitch in common and begin within 50 ms of each other; each has one twin.
    Two empty tables are the same.

    Args:
        score: under whose tempo map both lie.
        one, other: note tables.
    """
    if not len(one) and not len(other):
        return 1.0
    mine, theirs = _by_pitch(score, one), _by_pitch(score, other)
    return 2 * sum(_twins(mine[key], theirs.get(key, [])) for key in mine) / (len(one) + len(other))


def _by_pitch(score: Score, notes: Array) -> dict[tuple[int, int], list[float]]:
    onsets: dict[tuple[int, int], list[float]] = defaultdict(list)
    seconds = score.seconds(notes["onset"]).tolist()
    for track, pitch, onset in zip(notes["track"].tolist(), notes["pitch"].tolist(), seconds, strict=True):
        onsets[track, pitch].append(onset)
    return {key: sorted(times) for key, times in onsets.items()}


def _twins(one: list[float], other: list[float]) -> int:
    """Pairs of sorted onsets, each of one, within reach."""
    i = j = count = 0
    while i < len(one) and j < len(other):
        if abs(one[i] - other[j]) <= _WITHIN:
            i, j, count = i + 1, j + 1, count + 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return count
