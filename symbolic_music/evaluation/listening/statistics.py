"""Statistics of listening tests: Wilcoxon's signed ranks with Holm's correction, the Bradley-Terry model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.statistics import Mean, mean

# Up to this many pairs without ties the distribution is counted out.
_EXACT = 50


def wilcoxon(differences: ArrayLike) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (1945): whether differences lie evenly about 0.

    Zeros are left out. Counted out for up to fifty differences without ties and zeros, otherwise by the normal
    distribution with the correction for ties. 1 without differences.
    """
    given = np.asarray(differences, np.float64)
    values = given[given != 0]
    if not len(values):
        return 1.0
    ranks = _ranks(np.abs(values))
    size, low = len(values), min(float(ranks[values > 0].sum()), float(ranks[values < 0].sum()))
    if len(values) == len(given) <= _EXACT and len(np.unique(np.abs(values))) == size:
        # How many of the 2^n signs give each sum of ranks.
        counts = np.zeros(size * (size + 1) // 2 + 1)
        counts[0] = 1
        for rank in range(1, size + 1):
            counts[rank:] += counts[:-rank].copy()
        return min(1.0, float(2 * counts[: int(low) + 1].sum() / 2.0**size))
    _, ties = np.unique(np.abs(values), return_counts=True)
    variance = size * (size + 1) * (2 * size + 1) / 24 - float((ties**3 - ties).sum()) / 48
    return math.erfc(abs(low - size * (size + 1) / 4) / math.sqrt(2 * variance))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p of several tests, in their order."""
    out, greatest = [0.0] * len(p), 0.0
    for rank, place in enumerate(np.argsort(p, kind="stable").tolist()):
        greatest = max(greatest, min(1.0, (len(p) - rank) * p[place]))
        out[place] = greatest
    return out


@dataclass(frozen=True)
class Strength:
    """A system's log strength, the mean of all being 0, with its interval; and the judgements that it was in."""

    value: float
    low: float
    high: float
    n: int


def bradley_terry(wins: Mapping[tuple[str, str], float], level: float = 1.96) -> dict[str, Strength]:
    """Strengths of which the difference is the log odds of being preferred (Bradley and Terry 1952).

    By minorisation and maximisation (Hunter 2004); intervals from the observed information, `level` standard errors.

    Args:
        wins: how often the first of a pair was preferred to the second; a tie is half a win of each.
        level: standard errors to either side.

    Raises:
        EvaluationError: when the systems do not beat each other around: strengths would be without bounds.
    """
    systems = sorted({system for pair in wins for system in pair})
    number = {system: i for i, system in enumerate(systems)}
    table = np.zeros((len(systems), len(systems)))
    for (one, other), count in wins.items():
        table[number[one], number[other]] += count
    if len(systems) < 2 or not _around(table):
        raise EvaluationError("a system, or some of them, won or lost against all others: more answers are needed")
    both, won = table + table.T, table.sum(axis=1)
    strength = np.ones(len(systems))
    for _ in range(10_000):
        before = strength
        strength = won / (both / (strength[:, None] + strength)).sum(axis=1)
        strength /= np.exp(np.log(strength).mean())
        if np.abs(np.log(strength / before)).max() < 1e-12:
            break
    share = strength[:, None] / (strength[:, None] + strength)
    weight = both * share * share.T
    information = np.diag(weight.sum(axis=1)) - weight
    # Strengths add up to nothing: the inverse in that space.
    errors = np.sqrt(np.diag(np.linalg.pinv(information)))
    values = np.log(strength)
    return {
        system: Strength(float(v), float(v - level * e), float(v + level * e), round(float(n)))
        for system, v, e, n in zip(systems, values, errors, both.sum(axis=1), strict=True)
    }


def _around(table: NDArray[np.float64]) -> bool:
    """Whether from each system wins lead to each other (Ford 1957)."""
    reach = (table > 0) | np.eye(len(table), dtype=bool)
    for _ in range(len(table)):
        reach = reach | (reach.astype(np.int64) @ reach.astype(np.int64) > 0)
    return bool(reach.all())


@dataclass(frozen=True)
class Judged:
    """The results of a listening test.

    Args:
        listeners, judgements: how many.
        means: mean rating of each system, intervals over listeners; of pairs, the share of wins, ties half.
        strengths: of pairs, by Bradley and Terry; empty for ratings, and where the wins allow none.
        tests: p of each pair of systems, with and without Holm's correction.
    """

    listeners: int
    judgements: int
    means: Mapping[str, Mean]
    strengths: Mapping[str, Strength]
    tests: Mapping[tuple[str, str], tuple[float, float]]


def judge(rows: Sequence[Mapping[str, Any]], seed: int = 0) -> Judged:
    """Statistics of the rows of `page.read_answers`.

    Ratings of two systems are compared by Wilcoxon's test on the differences of the same listener and item; wins by the
    sign test.

    Raises:
        EvaluationError: without rows.
    """
    if not rows:
        raise EvaluationError("there are no answers to judge")
    listeners = len({row["listener"] for row in rows})
    if "rating" in rows[0]:
        return _ratings(rows, listeners, seed)
    return _pairs(rows, listeners, seed)


def _ratings(rows: Sequence[Mapping[str, Any]], listeners: int, seed: int) -> Judged:
    systems = sorted({row["system"] for row in rows})
    given: dict[str, dict[tuple[str, str], float]] = {system: {} for system in systems}
    for row in rows:
        given[row["system"]][row["listener"], row["item"]] = row["rating"]
    means = {
        system: mean(list(own.values()), [listener for listener, _ in own], seed=seed) for system, own in given.items()
    }
    p = {}
    for one, other in combinations(systems, 2):
        shared = sorted(given[one].keys() & given[other].keys())
        p[one, other] = wilcoxon([given[one][at] - given[other][at] for at in shared])
    corrected = dict(zip(p, holm(list(p.values())), strict=True))
    return Judged(listeners, len(rows), means, {}, {pair: (p[pair], corrected[pair]) for pair in p})


def _pairs(rows: Sequence[Mapping[str, Any]], listeners: int, seed: int) -> Judged:
    systems = sorted({row[side] for row in rows for side in ("better", "worse")})
    wins: dict[tuple[str, str], float] = {}
    for row in rows:
        one, other = row["better"], row["worse"]
        for pair, count in (((one, other), 0.5 if row["tie"] else 1.0), ((other, one), 0.5 if row["tie"] else 0.0)):
            wins[pair] = wins.get(pair, 0.0) + count
    means = {}
    for system in systems:
        own = [row for row in rows if system in (row["better"], row["worse"])]
        values = [0.5 if row["tie"] else float(row["better"] == system) for row in own]
        means[system] = mean(values, [row["listener"] for row in own], seed=seed)
    p = {}
    for one, other in combinations(systems, 2):
        clear = [row for row in rows if not row["tie"] and {row["better"], row["worse"]} == {one, other}]
        p[one, other] = _sign_test(sum(row["better"] == one for row in clear), len(clear))
    corrected = dict(zip(p, holm(list(p.values())), strict=True))
    try:
        strengths = bradley_terry(wins)
    except EvaluationError:
        strengths = {}  # one that never loses has no finite strength; shares and tests stand
    return Judged(listeners, len(rows), means, strengths, {pair: (p[pair], corrected[pair]) for pair in p})


def _sign_test(wins: int, of: int) -> float:
    """Two-sided p of this many wins under even odds."""
    fewer = min(wins, of - wins)
    return min(1.0, float(2 * sum(math.comb(of, k) for k in range(fewer + 1)) / 2**of))
