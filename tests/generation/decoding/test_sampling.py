from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.generation.decoding.sampling import Sampling, choose, filtered, log_softmax

LOGITS = np.log(np.array([[0.1, 0.4, 0.05, 0.25, 0.2], [0.2, 0.2, 0.2, 0.2, 0.2]]))


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(top_p=1), [[0.1, 0.4, 0.05, 0.25, 0.2], [0.2] * 5]),
        (Sampling(temperature=0), [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]),
        (Sampling(temperature=1e-320, top_p=1), [[0, 1, 0, 0, 0], [0.2] * 5]),
        (Sampling(top_p=1, top_k=2), [[0, 0.4, 0, 0.25, 0], [0.2, 0.2, 0, 0, 0]]),
        (Sampling(top_p=0.64), [[0, 0.4, 0, 0.25, 0], [0.2, 0.2, 0.2, 0.2, 0]]),
        (Sampling(top_p=0.66), [[0, 0.4, 0, 0.25, 0.2], [0.2, 0.2, 0.2, 0.2, 0]]),
        (Sampling(top_p=1, min_p=0.3), [[0, 0.4, 0, 0.25, 0.2], [0.2] * 5]),
        (Sampling(top_p=0.9, min_p=0.6, top_k=4), [[0, 0.4, 0, 0.25, 0], [0.2] * 4 + [0]]),
        (Sampling(temperature=0.5, top_p=1), [[0.01, 0.16, 0.0025, 0.0625, 0.04], [0.2] * 5]),
        (Sampling(temperature=0.5, top_p=0.6), [[0, 0.16, 0, 0.0625, 0], [0.2, 0.2, 0.2, 0, 0]]),
    ],
)
def test_what_is_kept(sampling: Sampling, expected: list[list[float]]) -> None:
    weights = np.array(expected)
    assert np.allclose(filtered(LOGITS, sampling), weights / weights.sum(axis=1, keepdims=True))


def test_what_is_forbidden_stays_so() -> None:
    logits = np.array([[-np.inf, 0.0, -np.inf, 1.0]])
    for sampling in (Sampling(), Sampling(top_k=3), Sampling(temperature=0), Sampling(min_p=0.01)):
        assert (filtered(logits, sampling)[0, [0, 2]] == 0).all()
    assert np.allclose(np.exp(log_softmax(logits)), [[0, 1 / (1 + np.e), 0, np.e / (1 + np.e)]])


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=40),
    st.floats(0.05, 1),
    st.integers(0, 10),
    st.floats(0, 1),
    st.floats(0.1, 5),
)
def test_the_fewest_likeliest(logits: list[float], top_p: float, top_k: int, min_p: float, temperature: float) -> None:
    """By a loop over the ids, likeliest first."""
    row = np.array(logits)
    found = filtered(row[None], Sampling(temperature, top_p, top_k, min_p))[0]
    weights = np.exp((row - row.max()) / temperature)
    weights /= weights.sum()
    kept, total = [], 0.0
    for i in np.argsort(-weights, kind="stable"):
        if total >= top_p or (top_k and len(kept) == top_k) or weights[i] < min_p * weights.max():
            break
        kept.append(i)
        total += weights[i]
    # Rounding may put a border on either side of an id.
    assert set(kept) ^ set(np.flatnonzero(found)) <= {i for i in range(len(row)) if _borders(i, weights, top_p, min_p)}
    assert found.sum() == pytest.approx(1)


def _borders(i: int, weights: np.ndarray, top_p: float, min_p: float) -> bool:
    before = weights[weights > weights[i]].sum() + np.arange(len(weights)) * weights[i]
    return bool(np.isclose(before, top_p).any() or np.isclose(weights[i], min_p * weights.max()) or weights[i] < 1e-12)


def test_choosing_follows_the_probabilities_and_touches_no_other_row() -> None:
    rows = np.array([[0.2, 0, 0.5, 0.3], [0, 1, 0, 0]])
    uniform = np.linspace(0, 1, 1001)[:-1]
    first = np.array([choose(rows, np.array([u, u])) for u in uniform])
    assert np.bincount(first[:, 0], minlength=4).tolist() == [200, 0, 500, 300]
    assert (first[:, 1] == 1).all()
    assert choose(rows, np.array([1 - 1e-17, 0.5])).tolist() == [3, 1]
    assert choose(np.array([[0, 0.1, 0]]), np.array([0.0])).tolist() == [1]
