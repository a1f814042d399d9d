"""Bars copied and deleted, versions spliced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music import edits
from symbolic_music.errors import RegionError
from symbolic_music.score import CONTROL, METER, TEMPO, Score, note_table


def four_bars(**more: object) -> Score:
    """A quarter on every first beat of four bars of 4/4: C, D, E, F; 120, from bar 3 on 60."""
    rows = [(bar * 1920, 480, 60 + step) for bar, step in enumerate((0, 2, 4, 5))]
    tempos = np.array([(0, 500_000), (3840, 1_000_000)], TEMPO)
    return Score(notes=note_table(rows), tempos=tempos, meters=np.array([(0, 4, 4)], METER)).replace(**more)


def test_deleted_bars_are_gone_and_what_follows_moves_up() -> None:
    score = edits.delete_bars(four_bars(), 2, 2)
    assert score.notes[["onset", "pitch"]].tolist() == [(0, 60), (1920, 64), (3840, 65)]
    assert score.tempos.tolist() == [(0, 500_000), (1920, 1_000_000)]


def test_a_deleted_tempo_change_still_holds_after() -> None:
    score = edits.delete_bars(four_bars(), 3, 3)
    assert score.tempos.tolist() == [(0, 500_000), (3840, 1_000_000)]


def test_copied_bars_follow_themselves() -> None:
    score = edits.copy_bars(four_bars(), 1, 2)
    assert score.notes["pitch"].tolist() == [60, 62, 60, 62, 64, 65]
    assert score.notes["onset"].tolist() == [0, 1920, 3840, 5760, 7680, 9600]
    assert score.tempos.tolist() == [(0, 500_000), (7680, 1_000_000)]


def test_copied_bars_bring_their_tempo_and_give_it_back() -> None:
    score = edits.copy_bars(four_bars(), 3, 3, before=1)
    assert score.notes["pitch"].tolist() == [64, 60, 62, 64, 65]
    assert score.tempos.tolist() == [(0, 1_000_000), (1920, 500_000), (5760, 1_000_000)]


def test_bars_copied_behind_the_last_note_fill_whole_bars() -> None:
    score = edits.copy_bars(four_bars(), 4, 4, times=2)
    assert score.notes["onset"].tolist() == [0, 1920, 3840, 5760, 7680, 9600]


def test_a_note_over_the_line_is_cut_where_its_sequel_is_gone() -> None:
    long = four_bars(notes=note_table([(0, 3000, 60), (3840, 480, 64)]))
    assert edits.delete_bars(long, 2, 2).notes["duration"].tolist() == [1920, 480]


def test_a_pedal_that_is_down_is_down_after_a_deletion() -> None:
    pedal = np.array([(0, 64, 0, 0), (2000, 64, 127, 0)], CONTROL)
    score = edits.delete_bars(four_bars(controls=pedal), 2, 2)
    assert score.controls[["time", "value"]].tolist() == [(0, 0), (1920, 127)]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 2), (4, 5), (1, 4)])
def test_impossible_bars_are_refused(first: int, last: int) -> None:
    with pytest.raises(RegionError, match="bars"):
        edits.delete_bars(four_bars(), first, last)


@given(st.integers(1, 4), st.integers(0, 3))
def test_copying_and_deleting_the_copy_changes_nothing(first: int, more: int) -> None:
    score, last = four_bars(), min(4, first + more)
    copied = edits.copy_bars(score, first, last)
    assert edits.delete_bars(copied, last + 1, 2 * last - first + 1) == score


def test_spliced_bars_come_from_the_other_version() -> None:
    score = four_bars()
    other = edits.transpose_notes(score, [0, 1, 2, 3], 12)
    mixed = edits.splice(score, other, [(1920, 5760)], [0])
    assert mixed.notes["pitch"].tolist() == [60, 74, 76, 65]
    assert edits.splice(score, other, [(0, 7680)], [0]) == other
    assert edits.splice(score, score, [(0, 3000)], [0]) == score


def test_a_spliced_note_ends_with_its_stretch() -> None:
    score = four_bars()
    other = edits.stretch_notes(score, [1], 5000)
    mixed = edits.splice(score, other, [(1920, 3840)], [0])
    assert mixed.notes["duration"].tolist() == [480, 1920, 480, 480]
