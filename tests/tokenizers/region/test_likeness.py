"""Which bars are like a region."""

from __future__ import annotations

import numpy as np

from symbolic_music.score import Score, Track, note_table
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import Layout, arrange_edit
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.region.likeness import bar_likeness, offset_likeness

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
    assert (likeness[[0, 1]] > 0.8).all(), "as far as it goes, the same, and more alike than bars usually are"
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


def test_where_nothing_is_given_the_bars_before_say_what_comes_next() -> None:
    """Both tracks are to go on after B B: as after the first B B, seven letters of two bars before."""
    events = grid_events(verse_and_chorus("ABBABAAABBAB"))
    given = events.bar < 20
    likeness = offset_likeness(events, given, np.ones(len(events), bool), (20, 24))
    bars = len(events.bar_starts)
    assert int(likeness.argmax()) - bars == -14
    assert likeness[bars - 14] > 1.5 * likeness[bars - 4]


def test_bars_in_which_nothing_is_given_say_nothing() -> None:
    """The silence of the other track in a region takes nothing from what the bars around say."""
    score = verse_and_chorus()
    events = grid_events(score)
    own = events.slot == 1
    silent = own | ((events.bar >= 8) & (events.bar < 10))
    around = offset_likeness(events, ~silent, own, (8, 10))
    assert around[len(events.bar_starts) - 8] > 0.7


def test_what_is_usual_counts_until_bars_are_compared() -> None:
    """Bars that share nothing are expected to repeat a little, phrases of four bars more."""
    rows = [(480 * i, 400, 36 + i % 60, 90, 33, 0, 0) for i in range(4 * 12)]
    events = grid_events(Score(notes=note_table(rows), tracks=(Track("Bass", 33),)))
    likeness = offset_likeness(events, events.bar < 8, np.ones(len(events), bool), (8, 12))
    bars = len(events.bar_starts)
    assert 0 < likeness[bars - 3] < likeness[bars - 4] < 0.2
