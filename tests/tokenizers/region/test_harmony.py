"""Chords and a key that a region is conditioned on, as rows."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.score import Score, note_table
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout, arrange_edit
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.harmony import KEY_BIT, ROOT_BIT, Harmony, key_around
from tests.tokenizers.example_music import PIECES, piece
from tests.tokenizers.region.test_arrangement import BAR, two_tracks

CHORDS = ((0, "C"), (BAR, "Am7"), (3 * BAR // 2, "-"), (2 * BAR, "G"))


def code(root: int, *classes: int, key: int = 0) -> int:
    return sum(1 << one for one in classes) + (root + 1 << ROOT_BIT) + (key << KEY_BIT)


def test_a_chord_holds_until_the_next() -> None:
    times = np.array([0, BAR - 1, BAR, 3 * BAR // 2, 2 * BAR, 90 * BAR])
    c, am, g = code(0, 0, 4, 7), code(9, 9, 0, 4, 7), code(7, 7, 11, 2)
    assert Harmony(CHORDS).codes(times).tolist() == [c, c, am, 0, g, g]
    assert Harmony(CHORDS[1:]).codes(times).tolist() == [0, 0, am, 0, g, g]
    assert Harmony().codes(times).tolist() == [0] * 6


def test_chords_and_key_are_transposed() -> None:
    times = np.array([BAR])
    assert Harmony(CHORDS, key=21).codes(times, 3).tolist() == [code(0, 0, 3, 7, 10, key=13)]  # A minor to C minor
    assert Harmony(CHORDS, key=1).codes(times, -3).tolist() == [code(6, 6, 9, 1, 4, key=11)]  # D flat to B flat


def test_an_edit_with_chords_and_a_key() -> None:
    events = grid_events(two_tracks())
    plain = arrange_edit(events, [(BAR, 2 * BAR)], [0], 100)
    rows = arrange_edit(events, [(BAR, 2 * BAR)], [0], 100, Layout(semitones=3, harmony=Harmony(CHORDS, key=0)))
    region = int(np.flatnonzero(rows[:, r.KIND] == r.REGION)[0])
    am, silent, g = code(0, 0, 3, 7, 10, key=4), 4 << KEY_BIT, code(10, 10, 2, 5, key=4)
    assert rows[region:, r.HARMONY].tolist() == [am, am, am, silent, silent, g]
    assert not rows[:region, r.HARMONY].any()
    others = [column for column in range(r.COLUMNS) if column not in (r.HARMONY, r.KEY)]
    assert np.array_equal(rows[:, others], plain[:, others])


def test_where_the_music_cannot_be_transposed_its_chords_are_not() -> None:
    score = Score(notes=note_table([(480 * i, 480, 120 + i, 80, 73, 0, 0) for i in range(4)]))
    rows = arrange_edit(grid_events(score), [(0, BAR)], [0], 100, Layout(semitones=11, harmony=Harmony(CHORDS)))
    assert rows[rows[:, r.KIND] == r.REGION, r.HARMONY].tolist() == [code(0, 0, 4, 7)]


def test_a_lead_sheet_is_given_without_any_note() -> None:
    layout = Layout(harmony=Harmony(CHORDS), alone=True)
    rows = arrange_edit(grid_events(two_tracks()), [(0, 2 * BAR)], [0, 1], 100, layout)
    assert rows[:, r.KIND].tolist()[:4] == [r.START, r.TRACK, r.TRACK, r.REGION]
    assert (rows[:, r.KIND] == r.NOTE).sum() == 10


def test_the_key_is_that_of_the_bars_around() -> None:
    events = grid_events(two_tracks())
    assert key_around(events, [(0, 1)]) is not None
    drums = grid_events(two_tracks().replace(notes=two_tracks().notes[two_tracks().notes["track"] == 1]))
    assert key_around(drums, [(0, 1)]) is None


@pytest.mark.parametrize("name", PIECES[:2])
def test_examples_have_the_chords_of_their_spans(name: str) -> None:
    events, rng = grid_events(piece(name)), np.random.default_rng(1)
    chords = tuple((240 * bar, ("C", "Dm7", "G7", "-")[bar % 4]) for bar in range(40))
    keys, sizes = set(), set()
    for _ in range(20):
        rows = region_example(events, 200, RegionAugmentation(keys=0.5, tempo=1), rng, chords)
        region, written = rows[:, r.KIND] == r.REGION, rows[:, r.STATE] >= r.WRITTEN
        if not region.any():
            written = rows[:, r.KIND] >= r.NOTE
        assert not rows[~written, r.HARMONY].any()
        keys.add((bool(region.any()), bool(rows[written, r.HARMONY][0] >> KEY_BIT)))
        sizes |= {int(one).bit_count() for one in rows[written, r.HARMONY] & 4095}
    assert keys == {(True, True), (True, False), (False, False)}, "of stretches the chords alone are known"
    assert sizes == {0, 3, 4}, "silence, triads, and sevenths of which some are left out"
