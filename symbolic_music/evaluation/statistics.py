"""Confidence intervals of means over pieces, and paired tests of differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import OptionError

# Up to this many pieces all signs are tried; above, this many at random.
_EXACT = 12
_FLIPS = 10_000


@dataclass(frozen=True)
class Mean:
    """A mean with its interval, and how many values and pieces it is of."""

    value: float
    low: float
    high: float
    n: int
    pieces: int


def mean(values: ArrayLike, pieces: Sequence[str], level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Mean:
    """The mean of the values that are not nan, with a bootstrap interval over pieces (Efron and Tibshirani 1993).

    Pieces are drawn with replacement, each with all its values, so several values of one piece do not count as
    independent.

    Args:
        values: shape (n,).
        pieces: name of the piece of each value.
        level: of the interval, between percentiles.
        resamples: number of draws.
        seed: of the draws.

    Raises:
        OptionError: when there are not as many values as pieces.
    """
    sums, counts = _by_piece(values, pieces)
    if not len(sums):
        return Mean(float("nan"), float("nan"), float("nan"), 0, 0)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), resamples)
    drawn = (times @ sums) / (times @ counts)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Mean(float(sums.sum() / counts.sum()), float(low), float(high), int(counts.sum()), len(sums))


def paired_p(one: ArrayLike, other: ArrayLike, pieces: Sequence[str], seed: int = 0) -> float:
    """Two-sided p of a paired permutation test over pieces: how often random signs give a mean difference as large.

    Pairs in which a value is nan are left out; differences are averaged within a piece. All signs are tried for up to
    twelve pieces, otherwise 10,000 draws (Good 2005, chapter 3). nan without pairs.

    Args:
        one, other: values of the same regions, shape (n,).
        pieces: name of the piece of each.
        seed: of the draws.

    Raises:
        OptionError: when the lengths differ.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if first.shape != second.shape:
        raise OptionError(f"a paired test needs as many values of each, not {len(first)} and {len(second)}")
    sums, counts = _by_piece(first - second, pieces)
    if not len(sums):
        return float("nan")
    differences = sums / counts
    size = len(differences)
    if size <= _EXACT:
        bits = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
        signs = np.asarray(1.0 - 2.0 * bits)
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (_FLIPS, size))
    drawn, seen = np.abs(signs @ differences), abs(differences.sum())
    # Sums in another order differ in the last digit.
    as_large = int((drawn >= seen - 1e-12 * max(1.0, float(np.abs(differences).sum()))).sum())
    return as_large / len(signs) if size <= _EXACT else (1 + as_large) / (1 + _FLIPS)


def _by_piece(values: ArrayLike, pieces: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of each piece's values that are not nan."""
    numbers = np.asarray(values, np.float64)
    if numbers.shape != (len(pieces),):
        raise OptionError(f"{len(pieces)} pieces are named for values of shape {numbers.shape}")
    known = ~np.isnan(numbers)
    _, place = np.unique(np.asarray(pieces, str), return_inverse=True)
    counts = np.bincount(place[known], minlength=place.max(initial=-1) + 1).astype(np.float64)
    sums = np.bincount(place[known], numbers[known], minlength=len(counts)).astype(np.float64)
    return sums[counts > 0], counts[counts > 0]
