from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.features import mgeval
from symbolic_music.io.interop import to_pretty_midi
from symbolic_music.score import METER, Score, note_table


def tune(seed: int, count: int = 30, low: int = 60, high: int = 84) -> Score:
    rng = np.random.default_rng(seed)
    lengths = rng.choice([120, 240, 480, 960], count)
    onsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = list(zip(onsets.tolist(), lengths.tolist(), rng.integers(low, high, count).tolist(), strict=True))
    return Score(notes=note_table(rows), meters=np.array([(0, 4, 4)], METER))


def test_a_scale() -> None:
    score = Score(notes=note_table([(480 * i, 480 if i < 3 else 960, p) for i, p in enumerate((60, 62, 64, 72))]))
    found = mgeval.features(score)
    assert found["total_used_pitch"] == 4
    assert found["total_used_note"] == 4
    assert found["pitch_range"] == 12
    assert found["avg_pitch_shift"] == (2 + 2 + 8) / 3
    assert found["avg_IOI"] == 0.5
    assert found["total_pitch_class_histogram"].tolist() == [3 / 5, 0, 1 / 5, 0, 1 / 5] + [0] * 7
    # Three quarters and a half.
    assert found["note_length_hist"].tolist() == [0, 1 / 4, 3 / 4] + [0] * 9
    assert found["note_length_transition_matrix"][2, 2] == 2
    assert found["note_length_transition_matrix"][2, 1] == 1
    matrix = found["pitch_class_transition_matrix"]
    assert (matrix[0, 2], matrix[2, 4], matrix[4, 0], matrix.sum()) == (1, 1, 1, 3)


def test_transitions_are_pretty_midis() -> None:
    score = tune(1)
    theirs = to_pretty_midi(score).instruments[0].get_pitch_class_transition_matrix()
    assert np.array_equal(mgeval.features(score)["pitch_class_transition_matrix"], theirs)


def test_densities_are_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 300), rng.normal(1, 2, 200)
    points = np.linspace(min(one.min(), other.min()), max(one.max(), other.max()), 1000)
    densities = [stats.gaussian_kde(sample)(points) for sample in (one, other)]
    overlap, divergence = mgeval.agreement(one, other)
    assert overlap == pytest.approx(float(np.trapezoid(np.minimum(*densities), points)), rel=1e-9)
    assert divergence == pytest.approx(float(stats.entropy(*densities)), rel=1e-6)


def test_a_sample_agrees_with_itself() -> None:
    sample = np.random.default_rng(0).normal(0, 1, 2000)
    overlap, divergence = mgeval.agreement(sample, sample)
    # Kernels reach beyond the range of the sample.
    assert 0.98 < overlap <= 1
    assert divergence == 0
    assert mgeval.agreement(np.ones(3), np.ones(4)) == (1, 0)
    assert mgeval.agreement(np.ones(3), np.zeros(4)) == (0, float("inf"))


def test_sets_that_differ_overlap_less() -> None:
    first, alike, high = ([mgeval.features(tune(s, low=low, high=low + 24)) for s in seeds]
                          for seeds, low in ((range(12), 60), (range(20, 32), 60), (range(40, 52), 30)))  # fmt: skip
    long = [mgeval.features(tune(s, count=90)) for s in range(12)]
    near, far = mgeval.compare(first, alike), mgeval.compare(first, long)
    assert near["total_used_note"].overlap == 1
    assert far["total_used_note"].overlap == 0
    assert near["note_length_transition_matrix"].overlap > far["note_length_transition_matrix"].overlap
    assert mgeval.compare(first, high)["pitch_range"].between >= 0


def test_too_few_pieces_are_refused() -> None:
    pieces = [mgeval.features(tune(s)) for s in range(3)]
    with pytest.raises(EvaluationError, match="three"):
        mgeval.compare(pieces[:2], pieces)


def test_nothing_has_features_of_zeros() -> None:
    assert all(not np.any(value) for value in mgeval.features(Score()).values())
