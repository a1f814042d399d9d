"""How a piece is laid out: header, what is given, then the notes of the spans."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.score import METER, Score, Track, note_table
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout, arrange_edit, arrange_stretch
from symbolic_music.tokenizers.region.events import grid_events
from tests.tokenizers.example_music import PIECES, piece

BAR = 240


def two_tracks(bars: int = 4) -> Score:
    """A note a quarter on a flute, a kick a bar."""
    rows = [(480 * i, 480, 60 + i % 4, 80, 73, 0, 0) for i in range(4 * bars)]
    rows += [(1920 * i, 60, 36, 100, 0, 9, 1) for i in range(bars)]
    return Score(notes=note_table(rows), tracks=(Track("Flute", 73), Track("Drums", 0, is_drum=True)))


def kinds(rows: np.ndarray) -> list[int]:
    return rows[:, r.KIND].tolist()


def test_events_stand_on_the_grid() -> None:
    events = grid_events(two_tracks(1))
    assert events.time.tolist() == [0, 0, 60, 120, 180]
    assert events.slot.tolist() == [0, 1, 0, 0, 0]
    assert events.keys(2).tolist() == [62, 128 + 36, 63, 64, 65]
    assert events.slot_instruments.tolist() == [73, 128]
    assert events.bar_starts[:2].tolist() == [0, BAR]


def test_keys_stay_where_one_would_leave_the_range() -> None:
    score = Score(notes=note_table([(0, 480, 120), (480, 480, 60)]))
    assert grid_events(score).keys(10).tolist() == [120, 60]


def test_a_stretch() -> None:
    rows = arrange_stretch(grid_events(two_tracks()), 1, 100)
    assert kinds(rows) == [r.START, r.TRACK, r.TRACK, *[r.NOTE] * 15]
    assert rows[3:, r.TIME].tolist()[:6] == [0, 0, 60, 120, 180, BAR]
    assert rows[3:, r.POSITION].tolist()[:6] == [0, 0, 60, 120, 180, 0]
    assert (rows[3:, r.LENGTH] == BAR).all()
    assert rows[1:, r.PREDICTED].all()
    # The note before in the slot: row 3 is the flute's first, row 4 the kick's.
    assert rows[3:8, r.PREVIOUS].tolist() == [-1, -1, 3, 5, 6]


def test_an_edit_gives_everything_first() -> None:
    rows = arrange_edit(grid_events(two_tracks()), [(BAR, 2 * BAR)], [0], 100)
    given, region = rows[3:-6], rows[-6:]
    assert kinds(region) == [r.REGION, r.NOTE, r.NOTE, r.NOTE, r.NOTE, r.END]
    assert region[1:5, r.KEY].tolist() == [60, 61, 62, 63]
    assert region[0, r.TIME] == 0
    assert region[-1, r.TIME] == BAR
    assert (region[:-1, r.STATE] == r.WRITTEN + 1).all()
    assert region[-1, r.STATE] == r.WRITTEN
    assert given[:, r.TIME].tolist() == sorted(given[:, r.TIME].tolist())
    assert (given[:, r.KIND] == r.NOTE).sum() == 12 + 4
    assert (given[:, r.KIND] == r.REST).sum() == 1, "in the bar that is empty of the flute"
    within = given[given[:, r.STATE] == r.WITHIN]
    assert within[:, r.SLOT].tolist() == [1], "the drums go on in the bar"
    assert rows[1:3, r.ABOUT].tolist() == [r.ABOUT_WRITTEN, r.ABOUT_GIVEN]


def test_silence_is_filled_with_rests() -> None:
    score = Score(notes=note_table([(0, 480, 60), (480 * 10, 480, 62)]))
    rows = arrange_stretch(grid_events(score), 0, 100)
    assert kinds(rows) == [r.START, r.TRACK, r.NOTE, r.REST, r.REST, r.NOTE]
    assert rows[2:, r.TIME].tolist() == [0, 240, 480, 600]


def test_far_bars_are_of_written_tracks_alone() -> None:
    rows = arrange_edit(grid_events(two_tracks(40)), [(20 * BAR, 21 * BAR)], [0], 80, Layout(reach=3.0))
    far = rows[rows[:, r.STATE] == r.FAR]
    assert len(rows) <= 80
    assert len(far)
    assert set(far[far[:, r.KIND] == r.NOTE, r.SLOT].tolist()) == {0}
    assert not far[:, r.PREDICTED].any()


def test_without_future_nothing_later_is_given() -> None:
    rows = arrange_edit(grid_events(two_tracks(8)), [(2 * BAR, 3 * BAR)], [0], 200, Layout(future=0.0))
    given = rows[(rows[:, r.KIND] == r.NOTE) & (rows[:, r.STATE] < r.WRITTEN)]
    assert given[:, r.TIME].max() < BAR


def test_meters_and_upbeats_move_the_bars() -> None:
    score = two_tracks().replace(meters=np.array([(0, 1, 4), (480, 3, 4)], METER))
    rows = arrange_stretch(grid_events(score), 0, 100)
    notes = rows[(rows[:, r.KIND] == r.NOTE) & (rows[:, r.SLOT] == 0)]
    assert notes[:6, r.POSITION].tolist() == [0, 0, 60, 120, 0, 60]
    assert notes[:3, r.LENGTH].tolist() == [60, 180, 180]


@pytest.mark.parametrize("name", PIECES)
def test_examples_of_real_music_are_in_order(name: str) -> None:
    events, rng = grid_events(piece(name)), np.random.default_rng(1)
    for _ in range(30):
        rows = region_example(events, 200, RegionAugmentation(), rng)
        assert len(rows) <= 200
        start = (
            int(np.flatnonzero(rows[:, r.KIND] == r.REGION)[0]) if (rows[:, r.KIND] == r.REGION).any() else len(rows)
        )
        body = rows[:start]
        body = body[body[:, r.KIND] >= r.NOTE]
        order = [tuple(row) for row in body[:, [r.TIME, r.SLOT, r.KEY]].tolist()]
        notes = [row for row, kind in zip(order, body[:, r.KIND], strict=True) if kind == r.NOTE]
        assert notes == sorted(notes)
        gaps = np.diff(body[:, r.TIME])
        assert (gaps >= 0).all()
        assert (gaps <= r.LONGEST_GAP).all()
        for state in np.unique(rows[:, r.STATE]):
            if state >= r.WRITTEN:
                own = rows[(rows[:, r.STATE] == state) & (rows[:, r.KIND] == r.NOTE), r.SLOT]
                written = rows[rows[:, r.ABOUT] == r.ABOUT_WRITTEN, r.SLOT]
                assert np.isin(own, written).all()


def test_new_parts_play_nowhere_else_or_have_only_begun() -> None:
    events, rng, begun = grid_events(two_tracks(32)), np.random.default_rng(1), set[bool]()
    for _ in range(20):
        rows = region_example(events, 300, RegionAugmentation(edits=1.0, new_parts=1.0), rng)
        written = rows[(rows[:, r.KIND] == r.NOTE) & (rows[:, r.STATE] >= r.WRITTEN)]
        given = rows[(rows[:, r.KIND] == r.NOTE) & (rows[:, r.STATE] < r.WRITTEN)]
        own = np.isin(given[:, r.SLOT], written[:, r.SLOT])
        begun.add(bool(own.any()))
        assert (given[own, r.TIME] < written[:, r.TIME].min()).all()
    assert begun == {True, False}
