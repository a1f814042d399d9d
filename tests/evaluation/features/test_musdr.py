from __future__ import annotations

import math

import numpy as np
import pytest

from symbolic_music.errors import OptionError
from symbolic_music.evaluation.features import musdr, self_similarity, structureness
from symbolic_music.evaluation.features.structure import segment_fitness, thresholded
from symbolic_music.score import METER, Score, note_table

BAR = 1920


def piece(roots: list[int], onsets: tuple[int, ...] = (0, 480, 960, 1440)) -> Score:
    """A triad on a root at each of the onsets of each bar."""
    rows = [
        (BAR * bar + tick, 480, 48 + root + step)
        for bar, root in enumerate(roots)
        for tick in onsets
        for step in (0, 4, 7)
    ]
    return Score(notes=note_table(rows), meters=np.array([(0, 4, 4)], METER))


def one_segment(similar: np.ndarray, first: int, length: int) -> float:
    """Fitness of one segment, step by step: accumulated scores, then back along the best path family."""
    size, width = len(similar), length + 1
    score = np.full((size, width), -np.inf)
    score[0, :2] = 0, similar[0, first]
    steps = ((1, 1), (1, 2), (2, 1))

    def before(row: int, column: int) -> list[tuple[int, int]]:
        return [(row - a, column - b) for a, b in steps if row - a >= 0 and column - b >= 1]

    for row in range(1, size):
        score[row, 0] = max(score[row - 1, 0], score[row - 1, -1])
        score[row, 1] = score[row, 0] + similar[row, first]
        for column in range(2, width):
            best = max((score[at] for at in before(row, column)), default=-np.inf)
            score[row, column] = similar[row, first + column - 1] + best
    row, column = size - 1, (0 if score[-1, -1] < score[-1, 0] else width - 1)
    best, last, cells, covered = max(score[-1, 0], score[-1, -1]), row, 0, 0
    while row > 0 or column > 0:
        if column == 0:
            ended = score[row - 1, -1] > score[row - 1, 0]
            row, column = row - 1, (width - 1 if ended else 0)
            last = row
            continue
        cells += 1
        if column == 1:
            covered += last - row + 1
            column = 0
        else:
            row, column = max(before(row, column), key=lambda at: score[at])
    quality, coverage = max(best - length, 0) / max(cells, 1), max(covered - length, 0) / size
    return 2 * quality * coverage / (quality + coverage) if quality + coverage else 0.0


def test_entropy_of_bars() -> None:
    score = piece([0, 0, 4, 4])
    assert musdr.pitch_class_entropy(score, 1) == pytest.approx(math.log2(3))
    # C, G once in three; E of both chords; G sharp, B.
    shares = np.array([1, 1, 2, 1, 1]) / 6
    assert musdr.pitch_class_entropy(score, 4) == pytest.approx(-(shares * np.log2(shares)).sum())
    assert math.isnan(musdr.pitch_class_entropy(Score(), 1))


def test_groove_is_the_mean_over_pairs_of_bars() -> None:
    assert musdr.groove_similarity(piece([0, 0, 0])) == 1
    rows = [(0, 60, 36), (BAR + 480, 60, 36), (2 * BAR, 60, 36)]
    # Bars 1 and 3 are alike; the other two pairs differ at two positions.
    score = Score(notes=note_table(rows), meters=np.array([(0, 4, 4)], METER))
    assert musdr.groove_similarity(score) == pytest.approx(1 - 4 / (3 * 64))
    assert math.isnan(musdr.groove_similarity(piece([0])))


def test_chords_that_come_back_are_regular() -> None:
    assert musdr.chord_irregularity(piece([0, 5, 7] * 8)) < 0.2
    assert musdr.chord_irregularity(piece([0, 5, 7, 2, 9, 4, 11, 6, 1, 8])) == 1
    assert musdr.chord_irregularity(piece([0])) == 1


def test_bars_are_like_themselves() -> None:
    similar = self_similarity(piece([0, 5, 0, 5]))
    assert similar.shape == (4, 4)
    assert similar[0, 2] == pytest.approx(1)
    assert similar[0, 1] == pytest.approx(1 / 3)
    assert np.allclose(similar, similar.T)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 12])
def test_fitness_is_that_of_each_segment_alone(length: int) -> None:
    rng = np.random.default_rng(length)
    similar = rng.uniform(-0.5, 1, (12, 12))
    similar = (similar + similar.T) / 2
    np.fill_diagonal(similar, 1)
    found = segment_fitness(similar, length)
    assert found == pytest.approx([one_segment(similar, first, length) for first in range(12 - length + 1)])


def test_a_piece_that_comes_back_has_structure() -> None:
    theme = [0, 5, 7, 2, 9, 4, 11, 6]
    again = structureness(piece(theme * 4), 8)
    rng = np.random.default_rng(0)
    never = structureness(piece(rng.permutation(np.repeat(np.arange(12), 3))[:32].tolist()), 8)
    # Of 32 bars 24 are repetitions, and score 24 on a path of 32 cells.
    assert again == pytest.approx(0.75)
    assert never < 0.4
    assert structureness(piece([0, 5]), 8) == 0
    assert not len(thresholded(np.zeros((0, 0))))


def test_impossible_lengths_are_refused() -> None:
    with pytest.raises(OptionError):
        structureness(piece([0]), 4, 2)


def test_all_features_have_values() -> None:
    found = musdr.features(piece([0, 5, 7, 0] * 4))
    assert len(found) == 7
    assert not any(math.isnan(value) for value in found.values())
