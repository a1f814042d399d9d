"""What became of the notes of a table."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.io.midi.writing import note_changes
from symbolic_music.io.midi.writing.note_changes import changes, matched
from symbolic_music.score import NOTE, Array, note_table

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30)
NOTES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 2), st.integers(60, 61), st.just(64)), max_size=40)


def table(rows: list[tuple[int, int, int, int]]) -> Array:
    return note_table([(*row, 0, 0, 0) for row in sorted(rows)])


@given(ROWS, ROWS)
def test_few_rows_are_matched_as_many_are(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    first, second = (np.array(rows, np.int64).reshape(-1, 2) for rows in (a, b))
    few = matched(first, second)
    with patch.object(note_changes, "_FEW", 0):
        many = matched(first, second)
    assert sorted(zip(*map(np.ndarray.tolist, few), strict=True)) == sorted(
        zip(*map(np.ndarray.tolist, many), strict=True)
    )


@pytest.mark.parametrize("piece", [2, 1 << 13])
@given(NOTES, NOTES)
def test_what_stays_is_in_both_and_as_much_as_can_be(
    piece: int, a: list[tuple[int, int, int, int]], b: list[tuple[int, int, int, int]]
) -> None:
    old, new = table(a), table(b)
    with patch.object(note_changes, "_PIECE", piece):
        change = changes(old, new)
    stays = np.flatnonzero(change.kept >= 0)
    assert new[stays].tolist() == old[change.kept[stays]].tolist()
    assert len({*change.kept[stays].tolist()}) == len(stays) == (Counter(old.tolist()) & Counter(new.tolist())).total()
    assert sorted([*change.went.tolist(), *change.kept[stays].tolist()]) == [*range(len(old))]
    assert np.flatnonzero(change.kept < 0).tolist() == change.came.tolist()
    assert np.flatnonzero(~change.stayed).tolist() == change.went.tolist()


def test_bytes_between_the_columns_say_nothing() -> None:
    old = table([(onset, 1, 60, 64) for onset in range(40)])
    new = np.ascontiguousarray(old, NOTE).copy()
    raw = new.view(np.uint8).reshape(len(new), -1)
    used = {at + byte for dtype, at in (NOTE.fields or {}).values() for byte in range(dtype.itemsize)}  # type: ignore[misc]
    free = [byte for byte in range(NOTE.itemsize) if byte not in used]
    assert free
    raw[:, free] = 7
    new["pitch"][20] = 61
    change = changes(old, new)
    assert (change.went.tolist(), change.came.tolist(), change.twins) == ([20], [20], {20: 20})
