"""New notes in the style of other bars of the piece."""

from __future__ import annotations

import pytest

import symbolic_music as sm
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.score import Score, Track, note_table
from tests.generation.untouched import check, ours, regional

BAR = 1920


@pytest.fixture
def song() -> Score:
    """Four bars of low quarters, four of high eighths, and so once more; a bass throughout."""
    rows = []
    for bar in range(16):
        is_low = bar // 4 % 2 == 0
        step, pitch = (480, 50) if is_low else (240, 80)
        rows += [(bar * BAR + at, step, pitch + at // step % 3, 80, 0, 0, 0) for at in range(0, BAR, step)]
        rows.append((bar * BAR, BAR, 36, 80, 33, 1, 1))
    return Score(notes=note_table(sorted(rows)), tracks=(Track("lead", 0), Track("bass", 33)), ticks_per_quarter=480)


def test_habits_are_those_of_the_bars_that_are_followed(song: Score) -> None:
    for first, pitches, places in ((1, range(47, 56), {0}), (5, range(77, 86), {0, 240})):
        like = sm.bars(first, first + 3)
        written = sm.edit(song, bars=(10, 11), tracks=["lead"], model=regional(), seed=1, like=like).finish()[0]
        check(song, written, [(9 * BAR, 11 * BAR)], [0])
        assert set(written.notes["pitch"].tolist()) <= set(pitches)
        assert set((written.notes["onset"] % 480).tolist()) <= places
        assert len(written.notes) <= (12 if first == 1 else 22)


def test_the_bars_that_are_followed_stay_in_a_context_that_is_cut(song: Score) -> None:
    from symbolic_music.tokenizers.region import arrange_edit, grid_events
    from symbolic_music.tokenizers.region import rows as r

    events = grid_events(song)
    slot = next(i for i, track in enumerate(events.slot_tracks) if track == 0)
    span = (60 * 4 * 14, 60 * 4 * 15)
    without, with_it = (arrange_edit(events, [span], [slot], 90, like=like) for like in (None, (0, 60 * 4)))
    shown = [set((rows[rows[:, r.KIND] == r.NOTE, r.TIME] + span[0]).tolist()) for rows in (without, with_it)]
    assert {0, 60, 120, 180} <= shown[1]
    assert not {60, 120, 180} & shown[0]


def test_what_cannot_follow_says_so(song: Score) -> None:
    with pytest.raises(OptionError, match="cannot follow other bars"):
        sm.edit(song, bars=(10, 11), tracks=[0], model=ours(), like=sm.bars(1, 4))
    with pytest.raises(OptionError, match="revoice follows no other bars"):
        sm.edit(song, [sm.bars(10)], [0], regional(), verb="revoice", like=sm.bars(1, 4))
    with pytest.raises(RegionError, match="outside the piece"):
        sm.edit(song, bars=(10, 11), tracks=[0], model=regional(), like=sm.bars(40, 41))
