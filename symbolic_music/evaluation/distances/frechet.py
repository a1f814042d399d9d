"""Distances between two sets of vectors: Fréchet's between Gaussians, and the maximum mean discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EvaluationError

Vectors = NDArray[np.float64]
# Sizes of subsets that are extrapolated from, and how often all are drawn.
_STEPS, _DRAWS = 15, 20
_LEAST = 3


def validate(first: Vectors, second: Vectors) -> None:
    """EvaluationError unless both are tables of vectors of one length, three vectors at least, all finite."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise EvaluationError(f"two tables of vectors of one length are compared, not {first.shape} and {second.shape}")
    if min(len(first), len(second)) < _LEAST:
        raise EvaluationError(f"a set needs {_LEAST} pieces at least, not {min(len(first), len(second))}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise EvaluationError("a vector has a value that is not finite")


def frechet(first: Vectors, second: Vectors) -> float:
    """Fréchet distance (squared, as in FID and FMD) between Gaussians fitted to two sets (Heusel et al. 2017).

    Args:
        first, second: (n, size) and (m, size).

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    difference = first.mean(axis=0) - second.mean(axis=0)
    one, other = (np.atleast_2d(np.cov(vectors, rowvar=False)) for vectors in (first, second))
    # The trace of the root of a product of covariances, by the symmetric matrix that has its eigenvalues.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ other @ root)
    both = 2 * np.sqrt(np.maximum(inner, 0)).sum()
    return max(0.0, float(difference @ difference + np.trace(one) + np.trace(other) - both))


@dataclass(frozen=True)
class Extrapolated:
    """A distance for infinitely many pieces: its value, how far it varies with the draw, how well the line fits."""

    value: float
    low: float
    high: float
    r2: float


def frechet_infinite(first: Vectors, second: Vectors, seed: int = 0) -> Extrapolated:
    """The Fréchet distance for infinitely many of `first`, by a line through those of subsets over 1/n.

    The distance of few pieces is too large, by about as much as 1/n (Chong and Forsyth 2020; FAD-infinity: Gui et al.
    2024). Fifteen sizes from a fifth of the pieces on, drawn twenty times; the value is the mean, the interval between
    percentiles of the draws.

    Args:
        first: (n, size), what was generated.
        second: (m, size), the reference; all of it is used.
        seed: of the draws.

    Raises:
        EvaluationError: see `validate`; also for fewer than 25 pieces in `first`.
    """
    validate(first, second)
    if len(first) < 25:
        raise EvaluationError(f"to extrapolate to infinitely many pieces 25 are needed at least, not {len(first)}")
    sizes = np.unique(np.linspace(max(5, len(first) // 5), len(first), _STEPS).astype(int))
    rng, intercepts, fits = np.random.default_rng(seed), [], []
    for _ in range(_DRAWS):
        found = np.array([frechet(first[rng.permutation(len(first))[:size]], second) for size in sizes])
        line = np.polynomial.polynomial.polyfit(1 / sizes, found, 1)
        left = found - line[0] - line[1] / sizes
        intercepts.append(float(line[0]))
        fits.append(1 - float(left @ left) / max(float(((found - found.mean()) ** 2).sum()), 1e-300))
    low, high = np.quantile(intercepts, [0.025, 0.975])
    return Extrapolated(float(np.mean(intercepts)), float(low), float(high), float(np.mean(fits)))


def discrepancy(first: Vectors, second: Vectors) -> float:
    """Squared maximum mean discrepancy, unbiased, with a Gaussian kernel (Gretton et al. 2012; KAD: Chung et al. 2025).

    The kernel is as wide as the median distance within `second`. It is about 0 for two samples of one distribution, and
    may be a little below.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    return _unbiased(_kernel(first, second), len(first))


def discrepancy_p(first: Vectors, second: Vectors, draws: int = 500, seed: int = 0) -> float:
    """How often two sets drawn from both together are as far apart as these: p of a permutation test.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    kernel, rng = _kernel(first, second), np.random.default_rng(seed)
    seen, size = _unbiased(kernel, len(first)), len(first)
    orders = [rng.permutation(len(kernel)) for _ in range(draws)]
    as_far = sum(_unbiased(kernel[np.ix_(order, order)], size) >= seen for order in orders)
    return (1 + as_far) / (1 + draws)


def _kernel(first: Vectors, second: Vectors) -> Vectors:
    """The kernel of all pairs of vectors, those of `first` before those of `second`."""
    both = np.concatenate([first, second])
    norms = (both**2).sum(axis=1)
    squares = np.maximum(norms[:, None] + norms - 2 * both @ both.T, 0)
    within = squares[len(first) :, len(first) :][np.triu_indices(len(second), 1)]
    width = float(np.median(within))
    return np.asarray(np.exp(-squares / (2 * width)) if width > 0 else (squares == 0).astype(np.float64))


def _unbiased(kernel: Vectors, size: int) -> float:
    n, m = size, len(kernel) - size
    one, other, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    within = (one.sum() - np.trace(one)) / (n * (n - 1)) + (other.sum() - np.trace(other)) / (m * (m - 1))
    return float(within - 2 * across.mean())
