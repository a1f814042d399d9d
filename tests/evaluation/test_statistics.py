from __future__ import annotations

import math

import numpy as np
import pytest

from symbolic_music.errors import OptionError
from symbolic_music.evaluation.statistics import mean, paired_p


def test_a_mean_leaves_out_what_is_not_defined() -> None:
    found = mean([1.0, float("nan"), 3.0, 4.0], ["a", "b", "c", "c"])
    assert found.value == pytest.approx(8 / 3)
    assert (found.n, found.pieces) == (3, 2)
    assert found.low <= found.value <= found.high


def test_values_of_one_piece_are_drawn_together() -> None:
    values = np.repeat([0.0, 1.0] * 10, 50)
    apart = mean(values, [str(i) for i in range(1000)])
    together = mean(values, [str(i // 50) for i in range(1000)])
    assert together.high - together.low > 4 * (apart.high - apart.low)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        found = mean(rng.normal(2.0, 1.0, 40), [str(i) for i in range(40)], resamples=400, seed=seed)
        held += found.low <= 2.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_nothing_has_no_mean() -> None:
    assert math.isnan(mean([float("nan")], ["a"]).value)
    assert math.isnan(paired_p([float("nan")], [1.0], ["a"]))


def test_few_pieces_are_tested_exactly() -> None:
    # Of the eight signs of three equal differences two sum as large.
    assert paired_p([1, 1, 1], [0, 0, 0], ["a", "b", "c"]) == 2 / 8
    assert paired_p([1, 1, 1], [1, 1, 1], ["a", "b", "c"]) == 1
    # Two values of one piece are one difference.
    assert paired_p([1, 1, 1], [0, 0, 0], ["a", "a", "a"]) == 1


def test_a_clear_difference_is_seen() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(0, 1, 40)
    assert paired_p(one + 1, one + rng.normal(0, 0.5, 40), [str(i) for i in range(40)]) < 0.001


@pytest.mark.parametrize("size", [8, 30])
def test_p_is_uniform_when_there_is_no_difference(size: int) -> None:
    rng = np.random.default_rng(2)
    pieces = [str(i) for i in range(size)]
    p = np.sort([paired_p(*rng.normal(0, 1, (2, size)), pieces, seed=seed) for seed in range(200)])
    # Kolmogorov and Smirnov's distance; 1.63 / sqrt(n) at the level of one in a hundred.
    assert np.abs(p - (np.arange(200) + 0.5) / 200).max() < 1.63 / math.sqrt(200)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(OptionError):
        mean([1.0, 2.0], ["a"])
    with pytest.raises(OptionError):
        paired_p([1.0, 2.0], [1.0], ["a", "b"])
