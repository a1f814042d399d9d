"""The maximum mean discrepancy between two sets of vectors."""

from __future__ import annotations

import numpy as np

from symbolic_music.evaluation.distances.vectors import Vectors, validate


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
