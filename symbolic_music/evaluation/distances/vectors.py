"""Sets of vectors, one vector a piece, as distances compare them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EvaluationError

Vectors = NDArray[np.float64]
_LEAST = 3


def validate(first: Vectors, second: Vectors) -> None:
    """EvaluationError unless both are tables of vectors of one length, three vectors at least, all finite."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise EvaluationError(f"two tables of vectors of one length are compared, not {first.shape} and {second.shape}")
    if min(len(first), len(second)) < _LEAST:
        raise EvaluationError(f"a set needs {_LEAST} pieces at least, not {min(len(first), len(second))}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise EvaluationError("a vector has a value that is not finite")
