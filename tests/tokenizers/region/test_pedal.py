"""The sustain pedal as events of a slot of its own: ids, examples, training."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import tokenizers
from symbolic_music.corpora.windows.region_examples import RegionAugmentation, region_example
from symbolic_music.errors import TokenError
from symbolic_music.score import CONTROL, Score, Track, note_table
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.sustain_pedal import SUSTAIN

TOKENIZER = tokenizers.get("region", preset="pedal")


def pedalled(bars: int = 8) -> Score:
    """A note a quarter, and a pedal that is pressed a 32nd after each bar line and released before the next."""
    notes = note_table([(480 * i, 400, 60 + i % 5, 80) for i in range(4 * bars)])
    moves = [(1920 * i + at, SUSTAIN, value, 0) for i in range(bars) for at, value in ((60, 127), (1824, 0))]
    return Score(notes=notes, tracks=(Track("Piano", 0),), controls=np.array(moves, CONTROL))


def test_presses_are_notes_of_a_slot_without_an_instrument() -> None:
    words = TOKENIZER.encode(pedalled(1))
    assert words[:2, 1:3].tolist() == [[0, 0], [1, r.PEDAL_INSTRUMENT]]
    # gap, slot, instrument, key, duration, velocity: 1/60 quarters, velocities over 4
    assert words[2:5].tolist() == [[0, 0, 0, 60, 50, 20], [8, 1, 129, 0, 220, 16], [52, 0, 0, 61, 50, 20]]
    assert len(tokenizers.get("region").encode(pedalled(1))) == 1 + 4, "the default preset has no pedal"


def test_the_pedal_comes_back() -> None:
    score = TOKENIZER.decode(TOKENIZER.encode(pedalled(2)))
    assert score.controls.tolist() == [(8, 64, 127, 0), (228, 64, 0, 0), (248, 64, 127, 0), (468, 64, 0, 0)]
    assert len(score.notes) == 8
    assert len(score.tracks) == 1


def test_a_pedal_has_one_key() -> None:
    words = TOKENIZER.encode(pedalled(1))
    words[3, 3] = 7
    with pytest.raises(TokenError, match="word 3"):
        TOKENIZER.decode(words)


def test_presses_less_than_a_step_apart_are_one() -> None:
    controls = np.array([(0, 64, 127, 0), (100, 64, 0, 0), (104, 64, 127, 0), (200, 64, 0, 0)], CONTROL)
    events = grid_events(pedalled(1).replace(controls=controls), with_pedal=True)
    press = events.instrument == r.PEDAL_INSTRUMENT
    assert events.time[press].tolist() == [0]
    assert events.duration[press].tolist() == [25]


def test_transposing_leaves_the_pedal() -> None:
    events = grid_events(pedalled(1), with_pedal=True)
    assert sorted(set(events.keys(3).tolist())) == [r.PEDAL_KEY, 63, 64, 65, 66]


def test_examples_write_notes_with_the_pedal_or_under_it() -> None:
    events, rng = grid_events(pedalled(16), with_pedal=True), np.random.default_rng(0)
    found = set()
    for _ in range(60):
        rows = region_example(events, 200, RegionAugmentation(edits=1.0), rng)
        tracks = rows[rows[:, r.KIND] == r.TRACK]
        written = tracks[tracks[:, r.ABOUT] == r.ABOUT_WRITTEN, r.INSTRUMENT].tolist()
        found.add(tuple(sorted(written)))
        region = rows[(rows[:, r.STATE] >= r.WRITTEN) & (rows[:, r.KIND] == r.NOTE)]
        assert set(region[:, r.INSTRUMENT].tolist()) <= set(written)
    assert found == {(0,), (0, r.PEDAL_INSTRUMENT)}, "never the pedal alone"
