"""Chords and a key that a region is conditioned on, as rows."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout, arrange_edit
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.harmony import Harmony, key_around, with_chords
from tests.tokenizers.example_music import PIECES, piece
from tests.tokenizers.region.test_arrangement import BAR, two_tracks

CHORDS = ((0, "C"), (BAR, "Am7"), (3 * BAR // 2, "-"), (2 * BAR, "G"))


def test_chords_are_notes_of_a_last_slot_from_the_root_upward() -> None:
    plain = grid_events(two_tracks())
    found = with_chords(plain, CHORDS, [(BAR, 2 * BAR)])
    own = found.slot == 2
    assert found.slot_instruments.tolist() == [73, 128, r.CHORD_INSTRUMENT]
    assert found.time[own].tolist() == [BAR] * 4
    assert found.duration[own].tolist() == [BAR // 2] * 4
    assert found.pitch[own].tolist() == [57, 60, 64, 67]
    assert found.bar[own].tolist() == [1] * 4
    assert found.time[~own].tolist() == plain.time.tolist()
    assert found.keys(3)[own].tolist() == [60, 63, 67, 70]


def test_a_chord_that_holds_begins_with_the_span() -> None:
    own = with_chords(grid_events(two_tracks()), CHORDS, [(30, 90), (BAR + 30, BAR + 60)])
    chords = own.slot == 2
    assert own.time[chords].tolist() == [30] * 3 + [BAR + 30] * 4
    assert own.duration[chords].tolist() == [60] * 3 + [30] * 4


@pytest.mark.parametrize("chords", [(), ((0, "-"),), ((5 * BAR, "C"),)])
def test_nothing_is_added_where_no_chord_is(chords: tuple[tuple[int, str], ...]) -> None:
    events = grid_events(two_tracks())
    assert with_chords(events, chords, [(BAR, 2 * BAR)]) is events


def test_an_edit_with_chords_and_a_key() -> None:
    events = grid_events(two_tracks())
    plain = arrange_edit(events, [(BAR, 2 * BAR)], [0], 100)
    rows = arrange_edit(events, [(BAR, 2 * BAR)], [0], 100, Layout(harmony=Harmony(CHORDS, key=0)))
    is_chord = rows[:, r.INSTRUMENT] == r.CHORD_INSTRUMENT
    head, notes = rows[is_chord & (rows[:, r.KIND] == r.TRACK)], rows[is_chord & (rows[:, r.KIND] == r.NOTE)]
    assert head[:, [r.SLOT, r.ABOUT, r.PREDICTED]].tolist() == [[2, r.ABOUT_GIVEN, 0]]
    assert notes[:, r.KEY].tolist() == [57, 60, 64, 67]
    assert notes[:, r.TIME].tolist() == [0] * 4
    assert set(notes[:, r.STATE].tolist()) == {r.WITHIN}
    assert not notes[:, r.PREDICTED].any()
    region = rows[:, r.KIND] == r.REGION
    assert rows[region, r.ABOUT].tolist() == [r.ABOUTS]
    columns = [r.KIND, r.TIME, r.DURATION, r.SLOT, r.KEY, r.STATE]
    others = rows[~is_chord][:, columns].tolist()
    assert others == plain[:, columns].tolist()
    assert plain[plain[:, r.KIND] == r.REGION, r.ABOUT].tolist() == [0]


def test_chords_and_key_move_with_the_music() -> None:
    layout = Layout(semitones=3, harmony=Harmony(CHORDS, key=21))  # A minor
    rows = arrange_edit(grid_events(two_tracks()), [(BAR, 2 * BAR)], [0], 100, layout)
    chords = (rows[:, r.INSTRUMENT] == r.CHORD_INSTRUMENT) & (rows[:, r.KIND] == r.NOTE)
    assert rows[chords, r.KEY].tolist() == [60, 63, 67, 70]
    assert rows[rows[:, r.KIND] == r.REGION, r.ABOUT].tolist() == [r.ABOUTS + 12]  # C minor


def test_a_lead_sheet_is_given_without_any_note() -> None:
    layout = Layout(harmony=Harmony(CHORDS), alone=True)
    rows = arrange_edit(grid_events(two_tracks()), [(0, 2 * BAR)], [0, 1], 100, layout)
    given = rows[(rows[:, r.KIND] == r.NOTE) & (rows[:, r.STATE] < r.WRITTEN)]
    assert given[:, r.KEY].tolist() == [48, 52, 55, 57, 60, 64, 67]
    assert (rows[:, r.STATE] >= r.WRITTEN).sum() == 10 + 2


def test_the_key_is_that_of_the_bars_around() -> None:
    events = grid_events(two_tracks())
    assert key_around(events, [(0, 1)]) is not None
    drums = grid_events(two_tracks().replace(notes=two_tracks().notes[two_tracks().notes["track"] == 1]))
    assert key_around(drums, [(0, 1)]) is None


@pytest.mark.parametrize("name", PIECES[:2])
def test_examples_with_chords_are_in_order(name: str) -> None:
    events, rng = grid_events(piece(name)), np.random.default_rng(1)
    chords = tuple((240 * bar, ("C", "Dm7", "G7", "-")[bar % 4]) for bar in range(40))
    seen = set()
    for _ in range(20):
        rows = region_example(events, 200, RegionAugmentation(keys=0.5, tempo=1), rng, chords)
        body = rows[rows[:, r.KIND] >= r.NOTE]
        given = body[body[:, r.STATE] < r.WRITTEN]
        order = list(zip(*(given[:, field].tolist() for field in (r.TIME, r.SLOT, r.KEY)), strict=True))
        is_note = given[:, r.KIND] == r.NOTE
        assert [one for one, note in zip(order, is_note, strict=True) if note] == sorted(
            one for one, note in zip(order, is_note, strict=True) if note
        )
        assert len(set(rows[rows[:, r.KIND] == r.TRACK][:, r.SLOT].tolist())) == (rows[:, r.KIND] == r.TRACK).sum()
        about = rows[rows[:, r.KIND] == r.REGION, r.ABOUT]
        assert len(set(about.tolist())) == 1
        seen |= {bool(about[0]), *(["chords"] if (rows[:, r.INSTRUMENT] == r.CHORD_INSTRUMENT).any() else [])}
    assert seen == {True, False, "chords"}
