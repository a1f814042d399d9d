"""Lines of a grid, and notes moved to them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.generation.views.onset_grid import asked_grid, grid_lines, has_usual_grid, usual_grid, usual_lines
from symbolic_music.score import METER, Score, note_table

LINES = np.arange(0, 1921, 120)


def in_three() -> Score:
    """Two bars of 3/4 after one of 5/8; 480 ticks a quarter."""
    meters = np.array([(0, 5, 8), (1200, 3, 4)], METER)
    return Score(notes=note_table([(0, 480, 60, 80, 0, 0, 0)]), meters=meters, ticks_per_quarter=480)


def test_lines_count_from_each_bar_line() -> None:
    assert grid_lines(in_three(), (0, 2640), 1.0).tolist() == [0, 480, 960, 1200, 1680, 2160]
    assert grid_lines(in_three(), (700, 1700), 0.5).tolist() == [720, 960, 1200, 1440, 1680]
    assert grid_lines(in_three(), (10, 200), 1.0).tolist() == []
    assert grid_lines(in_three(), (1200, 2640), 0.333).tolist() == list(range(1200, 2640, 160))


def test_a_piece_that_is_played_freely_has_no_grid() -> None:
    score = in_three()
    assert has_usual_grid(score, score.notes)
    assert usual_lines(score, (0, 480)).tolist() == [0, 120, 160, 240, 320, 360]
    played = score.notes.copy()
    played["onset"] = 7
    assert not has_usual_grid(score, played)
    assert not has_usual_grid(score, played[:0])


def test_a_note_of_an_asked_line_keeps_its_duration() -> None:
    quarters = np.arange(0, 1921, 480)
    assert asked_grid(quarters, 482, 560, 20) == (480, 560)
    assert asked_grid(quarters, 478, 951, 20) == (480, 960)
    assert asked_grid(quarters, 955, 958, 20) == (960, 961)


def test_ends_keep_their_distance_unless_they_are_on_a_line() -> None:
    assert usual_grid(LINES, 115, 350, 20) == (120, 360)
    assert usual_grid(LINES, 110, 305, 20) == (120, 315)
    assert usual_grid(LINES, 50, 55, 20) == (0, 5)


@given(st.lists(st.integers(0, 1900), min_size=4, max_size=4, unique=True))
def test_what_did_not_overlap_does_not(times: list[int]) -> None:
    a, b, c, d = sorted(times)
    (first, end), (second, last) = usual_grid(LINES, a, b, 20), usual_grid(LINES, c, d, 20)
    assert {first, second} <= set(LINES.tolist())
    assert first < end
    assert second < last
    assert end <= second or first == second
