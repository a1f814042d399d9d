"""When two written passages count as the same."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.generation import Written
from symbolic_music.generation.near_copies import flagged, share_of_twins
from symbolic_music.generation.sessions.edited_score import inserted
from symbolic_music.score import Score, note_table

SCORE = Score()  # 960 ticks a second


def notes(*rows: tuple[int, int, int]) -> np.ndarray:
    """Onset, pitch, track."""
    return note_table([(onset, 100, pitch, 64, 0, 0, track) for onset, pitch, track in rows])


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (notes(), notes(), 1.0),
        (notes((0, 60, 0)), notes(), 0.0),
        (notes((0, 60, 0)), notes((48, 60, 0)), 1.0),
        (notes((0, 60, 0)), notes((49, 60, 0)), 0.0),
        (notes((0, 60, 0)), notes((0, 61, 0)), 0.0),
        (notes((0, 60, 0)), notes((0, 60, 1)), 0.0),
        (notes((0, 60, 0), (10, 60, 0)), notes((5, 60, 0)), 2 / 3),
        (notes((0, 60, 0), (480, 62, 0)), notes((0, 60, 0), (480, 64, 0)), 0.5),
    ],
)
def test_share_of_twins(one: np.ndarray, other: np.ndarray, share: float) -> None:
    assert share_of_twins(SCORE, one, other) == pytest.approx(share)
    assert share_of_twins(SCORE, other, one) == pytest.approx(share)


def written(number: int, table: np.ndarray, likelihood: float) -> Written:
    return Written(SCORE, table, number, likelihood, complete=True)


def test_a_copy_is_named_after_the_first_of_its_kind() -> None:
    a, b = notes((0, 60, 0)), notes((0, 62, 0))
    found = flagged([written(i, table, 0.0) for i, table in enumerate((a, b, a, b, a))])
    assert [one.copy_of for one in found] == [None, None, 0, 1, 0]


def test_new_notes_go_in_by_track_and_given_ones_keep_their_order() -> None:
    given = notes((0, 60, 2), (0, 61, 0), (480, 60, 0), (480, 60, 1))
    merged = inserted(given, notes((480, 70, 0), (0, 70, 1), (960, 70, 0)))
    assert merged["pitch"].tolist() == [70, 60, 61, 60, 70, 60, 70]
    assert merged["onset"].tolist() == [0, 0, 0, 480, 480, 480, 960]
    assert np.array_equal(merged[merged["pitch"] < 70], given)
