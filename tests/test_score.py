"""What a score refuses to hold."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from symbolic_music.errors import RegionError, ScoreError
from symbolic_music.score import BAR_NUMBER, BEND, CONTROL, KEY, METER, TEMPO, Score, Text, Track, note_table


@pytest.mark.parametrize(
    "fields",
    [
        {"notes": note_table([(-1, 1, 60)])},
        {"notes": note_table([(0, -1, 60)])},
        {"notes": note_table([(0, 1, 200)])},
        {"notes": note_table([(0, 1, 60, 200)])},
        {"notes": note_table([(0, 1, 60, 64, 200)])},
        {"notes": note_table([(0, 1, 60, 64, 0, 16)])},
        {"tempos": np.array([(0, 0)], TEMPO)},
        {"tempos": np.array([(-5, 1)], TEMPO)},
        {"meters": np.array([(0, 0, 4)], METER)},
        {"keys": np.array([(0, 8, 0)], KEY)},
        {"controls": np.array([(0, 200, 0, 0)], CONTROL)},
        {"bends": np.array([(0, 20_000, 0)], BEND)},
        {"tracks": (Track("", 128),)},
        {"texts": (Text(-1, "x"),)},
    ],
)
def test_impossible_values(fields: dict[str, Any]) -> None:
    with pytest.raises(ScoreError):
        Score(**fields)


def test_too_many_bars() -> None:
    score = Score(notes=note_table([(1 << 30, 1, 60)]), meters=np.array([(0, 1, 128)], METER), ticks_per_quarter=1)
    with pytest.raises(RegionError, match="bars"):
        score.bars()


def test_without_hanging() -> None:
    notes = note_table([(0, 1, 60), (0, 1, 61)])
    notes["hanging"][1] = 1
    assert Score(notes=notes).without_hanging().notes["pitch"].tolist() == [60]
    ended = Score(notes=notes[:1])
    assert ended.without_hanging() is ended


def test_printed_bar_numbers_begin_with_an_upbeat_and_stay_at_a_divided_bar() -> None:
    score = Score(
        notes=note_table([(0, 480 * 10, 60)]),
        meters=np.array([(0, 1, 4), (480, 3, 4)], METER),
        bar_numbers=np.array([(0, 0), (480 * 7, 2)], BAR_NUMBER),
    )
    assert score.bars().tolist() == [0, 480, 480 * 4, 480 * 7]
    assert score.numbers().tolist() == [0, 1, 2, 2]
    assert Score(notes=note_table([(0, 4000, 60)])).numbers().tolist() == [1, 2, 3]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda score: pickle.loads(pickle.dumps(score))])
def test_copies_are_equal_and_as_read_only(quartet, copied):
    score = copied(quartet)
    assert score == quartet
    assert score.tracks == quartet.tracks
    for name in ("notes", "tempos", "meters", "keys", "controls", "bends"):
        table = getattr(score, name)
        assert not table.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            table[:1] = table[:1]


@pytest.mark.parametrize(
    "columns", [{"pitch": [300]}, {"onset": [0, 2**31]}, {"velocity": [-1]}, {"onset": [float("nan")]},
                {"pitch": np.array([60, 1 << 40])}],
)  # fmt: skip
def test_a_note_table_holds_what_it_was_given(columns: dict) -> None:
    with pytest.raises(ScoreError, match="out of range"):
        note_table(**columns)


@pytest.mark.parametrize("row", [(2**31, 1, 60), (0, 1, 300), (0, 1, -1)])
def test_a_row_of_a_note_table_holds_what_it_was_given(row: tuple[int, ...]) -> None:
    with pytest.raises(ScoreError, match="out of range"):
        note_table([row])
