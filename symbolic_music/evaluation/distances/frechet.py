"""The Fréchet distance between Gaussians fitted to two sets of vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.distances.vectors import Vectors, validate

# Sizes of subsets that are extrapolated from, and how often all are drawn.
_STEPS, _DRAWS = 15, 20


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
