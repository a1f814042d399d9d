"""Chords of a bar each: those whose roots a new bass looks for under a melody alone, and those of a new piece.

Parts that are written one after another each fit what sounds so far. Of a melody or a bass alone that is one pitch
class at a time, which says little about the chord. So a chord is chosen for each bar first.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from symbolic_music.edits.harmony import NAMES
from symbolic_music.score import Array
from symbolic_music.theory import chord_classes

# Of the bars of 100 songs of Lakh, how many begin with each triad, by its root above the tonic: in major and in minor.
_DEGREES = (
    {(0, ""): 0.304, (7, ""): 0.135, (5, ""): 0.133, (9, "m"): 0.103, (2, "m"): 0.066, (4, "m"): 0.053},
    {(0, "m"): 0.287, (8, ""): 0.123, (10, ""): 0.09, (3, ""): 0.075, (5, "m"): 0.065, (7, ""): 0.048, (7, "m"): 0.044},
)
# In how many of them the root moves up by each interval from the bar before.
_MOTIONS = np.array([0.318, 0.024, 0.078, 0.047, 0.028, 0.155, 0.013, 0.109, 0.043, 0.064, 0.085, 0.035])
# The most likely sequence of chords changes less often than a likely one: so many times as rarely as in songs the root
# may stay, that it stays as often as there (in 220 songs .34 of the bars; unweighed .80, with fewer roots right).
_STAYING = 0.2
# Nats that a quarter of the melody in the chord is worth, quarters that a note on the bar line counts beside its own,
# and nats for the tonic's chord at the end.
_IN_CHORD, _ON_THE_LINE, _AT_THE_END = 2.0, 0.5, 1.0
# Nats for the chord of a progression where the melody rests: in 200 songs melodies that sound say more.
_WHILE_SILENT = 3.0
# Bars of a phrase of a new piece, and its phrases in their order.
_PHRASE, _FORM = 4, (0, 0, 1, 0)
# A melody alone has at most this many pitch classes at once, on average.
_ALONE = 1.2


def is_a_line(notes: Array) -> bool:
    """Whether pitched notes are a melody alone: few begin before the last one has ended."""
    onset, end = notes["onset"].astype(np.int64), notes["onset"].astype(np.int64) + notes["duration"]
    if not len(notes):
        return False
    covered = np.maximum.accumulate(end)
    silent = np.maximum(onset[1:] - covered[:-1], 0).sum()
    sounding = int(covered[-1] - onset[0] - silent)
    return float(notes["duration"].sum()) <= _ALONE * max(1, sounding)


def harmonised(notes: Array, edges: NDArray[np.int64], ticks_per_quarter: int, key: int, seed: int = 0) -> list[str]:
    """A triad of the key for each bar, in which much of a melody lies, and which follow each other as in songs.

    The sequence that is worth most is found (Viterbi). Where the melody rests, the chords lean to a `progression`.

    Args:
        notes: of the melody.
        edges: ticks at which bars begin, and the end of the last.
        ticks_per_quarter: of the score.
        key: as of `theory.likely_key`.
        seed: of the progression.

    Returns:
        Names of chords, as `theory.chord_intervals` reads them.
    """
    degrees = _DEGREES[key // 12]
    roots, names = _triads(key)
    chords = progression(len(edges) - 1, key, seed)
    members = np.array([np.isin(np.arange(12), chord_classes(name)) for name in names])
    onset, end = (
        notes["onset"].astype(np.int64)[:, None],
        (notes["onset"].astype(np.int64) + notes["duration"])[:, None],
    )
    shared = np.maximum(np.minimum(end, edges[1:]) - np.maximum(onset, edges[:-1]), 0) / ticks_per_quarter
    shared += _ON_THE_LINE * (np.abs(onset - edges[:-1]) < ticks_per_quarter // 8)
    classes = np.arange(12)[:, None] == notes["pitch"] % 12
    worth = _IN_CHORD * (classes @ shared).T @ members.T + np.log(list(degrees.values()))
    for bar in np.flatnonzero(shared.sum(axis=0) == 0).tolist():
        worth[bar, names.index(chords[bar])] += _WHILE_SILENT
    worth[-1, 0] += _AT_THE_END
    moving = np.log(_moving(roots) * np.where(roots == roots[:, None], _STAYING, 1.0))
    best, came = worth[0], np.zeros(worth.shape, np.int64)
    for bar in range(1, len(worth)):
        came[bar] = (best[:, None] + moving).argmax(axis=0)
        best = (best[:, None] + moving).max(axis=0) + worth[bar]
    path = [int(best.argmax())]
    for bar in range(len(worth) - 1, 0, -1):
        path.append(int(came[bar][path[-1]]))
    return [names[place] for place in path[::-1]]


def progression(bars: int, key: int, seed: int, classes: Collection[int] = range(12)) -> list[str]:
    """A triad of the key for each bar of a new piece: phrases of four bars in the form A A B A.

    Args:
        bars: of the piece.
        key: as of `theory.likely_key`.
        seed: the same seed gives the same chords.
        classes: pitch classes that may sound; each chord has one of them.

    Returns:
        Names of chords, as `theory.chord_intervals` reads them; the first is the tonic's. None where the tonic's triad
        has none of the classes.
    """
    (roots, names), phrases = _triads(key), list[list[int]]()
    usable = np.array([not set(chord_classes(name)).isdisjoint(classes) for name in names])
    if not usable[0]:
        return []
    random, shares = np.random.default_rng(seed), np.array(list(_DEGREES[key // 12].values())) * usable
    for first in (0, int(random.choice(len(shares), p=shares / shares.sum()))):
        phrases.append([first])
        for _ in range(_PHRASE - 1):
            chances = shares * _moving(roots)[phrases[-1][-1]]
            phrases[-1].append(int(random.choice(len(chances), p=chances / chances.sum())))
    return [names[phrases[_FORM[bar // _PHRASE % len(_FORM)]][bar % _PHRASE]] for bar in range(bars)]


def tonic_triad(key: int) -> str:
    """The name of the triad on the tonic of a key, numbered as by `theory.likely_key`."""
    return NAMES[key % 12] + ("m" if key >= 12 else "")


def _triads(key: int) -> tuple[NDArray[np.int64], list[str]]:
    """Roots and names of the common triads of a key."""
    degrees = _DEGREES[key // 12]
    roots = np.array([(key + root) % 12 for root, _ in degrees])
    return roots, [NAMES[root] + kind for root, (_, kind) in zip(roots.tolist(), degrees, strict=True)]


def _moving(roots: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often songs move from each root to each."""
    return np.asarray(_MOTIONS[(roots - roots[:, None]) % 12])
