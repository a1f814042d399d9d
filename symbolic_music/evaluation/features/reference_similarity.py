"""How like a reference a piece is, note by note and bar by bar: for arrangements, infills and reconstructions of it.

Sources: note, instrument and melody F1, instruments in common and the order of voices from Ou et al. (2025,
arXiv:2408.15176, appendix C.1); chroma and groove similarity from Wu and Yang (2023, MuseMorphose, section V); overlap
of pitches from Sheng et al. (2021, SongMASS); chords from Ren et al. (2020, PopMAG), see `chords`. As in smg-metrics 5:
onsets count in sixteenths, a bar is held against the reference's most similar one, and drums count in notes but not in
bars and pitches. Differences: bars are those of all meters, and a bar without notes is like another such bar (1) and
like no other (0).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError
from symbolic_music.evaluation.features import chords
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Array, Score

_SIXTEENTHS, _PLACES = 4, 48


def features(score: Score, reference: Score) -> Mapping[str, float]:
    """All of this module by name.

    Args:
        score: what was written.
        reference: what it is held against.

    Raises:
        EmptyScoreError: when one of them has no notes.
    """
    if not len(score) or not len(reference):
        raise EmptyScoreError("a pair of pieces is compared by their notes: one has none")
    one, other = _notes(score), _notes(reference)
    plain = [row[:2] for row in one], [row[:2] for row in other]
    melodies = [_melody(rows) for rows in (one, other)]
    played = [{row[2] for row in rows} for rows in (one, other)]
    voices = [_by_height(rows) for rows in (one, other)]
    mine, theirs = _bars(score), _bars(reference)
    return {
        "note_f1": f1(*plain),
        "instrument_f1": f1(one, other),
        "melody_f1": f1(*melodies),
        "instruments_in_common": len(played[0] & played[1]) / len(played[0] | played[1]),
        "voice_errors": distance(*voices) / len(voices[1]),
        "chroma_similarity": _most_alike(mine[0], theirs[0]),
        "groove_similarity": _most_alike(mine[1], theirs[1]),
        "pitch_overlap": pitch_overlap(score, reference),
        **chords.accuracy(score, reference),
    }


def f1(one: Sequence[tuple[int, ...]], other: Sequence[tuple[int, ...]]) -> float:
    """Twice what two lists have in common, each item once, over their lengths; 1 for two empty ones."""
    if not one and not other:
        return 1.0
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other))


def distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Items to insert, delete or change to make one sequence the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def pitch_overlap(score: Score, reference: Score) -> float:
    """What the shares of the pitches of two pieces have in common: 0 to 1; nan without pitched notes."""
    shares = []
    for one in (score, reference):
        counts = np.bincount(_pitched(one)["pitch"], minlength=128).astype(np.float64)
        if not counts.sum():
            return math.nan
        shares.append(counts / counts.sum())
    return float(np.minimum(*shares).sum())


def _pitched(score: Score) -> Array:
    return np.asarray(score.notes[score.notes["channel"] != DRUM_CHANNEL])


def _notes(score: Score) -> list[tuple[int, ...]]:
    """(sixteenth, pitch, instrument) of each note."""
    sixteenth = max(1, score.ticks_per_quarter // _SIXTEENTHS)
    onset = score.notes["onset"].astype(np.int64) // sixteenth
    columns = (onset.tolist(), score.notes["pitch"].tolist(), score.instruments.tolist())
    return list(zip(*columns, strict=True))


def _by_height(rows: Sequence[tuple[int, ...]]) -> list[int]:
    """Instruments by their mean pitch, the highest first."""
    heights: dict[int, list[int]] = {}
    for _, pitch, instrument in rows:
        heights.setdefault(instrument, []).append(pitch)
    return sorted(heights, key=lambda name: -sum(heights[name]) / len(heights[name]))


def _melody(rows: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """(sixteenth, pitch) of the instrument that is highest on average."""
    highest = _by_height(rows)[0]
    return [row[:2] for row in rows if row[2] == highest]


def _bars(score: Score) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each bar's notes by pitch class, (bars, 12), and by forty-eighth of the bar, (bars, 48)."""
    lines = score.bars(max(1, score.end))
    edges = np.append(lines, max(score.end, int(lines[-1]) + 1))
    notes = _pitched(score)
    onset = notes["onset"].astype(np.int64)
    bar = np.searchsorted(lines, onset, side="right") - 1
    # The last bar is as long as the one before it, if it was.
    lengths = np.diff(edges).astype(np.float64)
    lengths[-1] = max(lengths[-1], lengths[-2]) if len(lengths) > 1 else lengths[-1]
    place = np.minimum((onset - lines[bar]) / lengths[bar] * _PLACES, _PLACES - 1).astype(np.int64)
    classes, grid = np.zeros((len(lines), 12)), np.zeros((len(lines), _PLACES))
    np.add.at(classes, (bar, notes["pitch"] % 12), 1)
    np.add.at(grid, (bar, place), 1)
    return classes, grid


def _most_alike(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Mean over the bars of the cosine of the angle to the most similar bar of the other."""
    cosines = _unit(mine) @ _unit(theirs).T
    silent = np.outer(mine.sum(axis=1) == 0, theirs.sum(axis=1) == 0)
    return float(np.where(silent, 1.0, cosines).max(axis=1).mean())


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0))
