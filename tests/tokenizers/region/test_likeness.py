"""Which bars are like a region."""

from __future__ import annotations

import numpy as np

from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout, arrange_edit
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.likeness import bar_likeness

BAR = 240


def verse_and_chorus(form: str = "AABBAABB") -> Score:
    """Two bars for each letter: a bass on C (A) or F (B) in quarters, and a flute with a tune of its own for each."""
    rows = []
    for i, letter in enumerate(form):
        root, tune = (36, (72, 74, 76, 77)) if letter == "A" else (41, (84, 83, 81, 79))
        for beat in range(8):
            start = 1920 * 2 * i + 480 * beat
            rows += [(start, 400, root, 90, 33, 0, 0), (start, 400, tune[beat % 4], 80, 73, 1, 1)]
    return Score(notes=note_table(sorted(rows)), tracks=(Track("Bass", 33), Track("Flute", 73)))


def test_bars_of_the_same_section_are_alike() -> None:
    events = grid_events(verse_and_chorus())
    own = events.slot == 1
    # Bars 8 and 9 are of the fifth letter, an A.
    likeness = bar_likeness(events, ~(own & (events.bar >= 8) & (events.bar < 10)), own, (8, 10))
    assert likeness[8:10].tolist() == [0, 0]
    assert likeness[[0, 1]].tolist() == [1, 1], "as far as it goes, the same"
    of_a, of_b = [0, 1, 2, 3, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
    assert likeness[of_a].mean() > 2 * likeness[of_b].mean()
    assert likeness.max() <= 1


def test_what_is_written_is_not_looked_at() -> None:
    events = grid_events(verse_and_chorus())
    own = events.slot == 1
    given = ~(own & (events.bar >= 8) & (events.bar < 10))
    changed = events.pitch.copy()
    changed[~given] = 60
    other = grid_events(verse_and_chorus())
    object.__setattr__(other, "pitch", changed)
    assert np.array_equal(bar_likeness(events, given, own, (8, 10)), bar_likeness(other, given, own, (8, 10)))


def test_a_far_section_is_given_where_it_is_alike() -> None:
    """Of a long piece the flute's bars of the same letter are given, and no others of that distance."""
    form = "A" + "B" * 20 + "A"
    events = grid_events(verse_and_chorus(form))
    span = (events.edge(42), events.edge(44))
    rows = arrange_edit(events, [span], [1], 140, Layout(alike=0.25))
    far = rows[(rows[:, r.STATE] == r.FAR) & (rows[:, r.KIND] == r.NOTE)]
    assert len(far)
    assert set(far[:, r.KEY].tolist()) == {72, 74, 76, 77}
    assert far[:, r.TIME].max() + span[0] < 2 * BAR
    nearest = arrange_edit(events, [span], [1], 140, Layout(alike=0.0))
    assert nearest[nearest[:, r.KIND] == r.NOTE][:, r.TIME].min() + span[0] > 2 * BAR


def test_a_short_piece_is_given_whole() -> None:
    events = grid_events(verse_and_chorus("AB"))
    rows = arrange_edit(events, [(0, BAR)], [1], 400)
    assert (rows[:, r.KIND] == r.NOTE).sum() == len(events)
