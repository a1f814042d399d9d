"""Which ticks a region holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.generation import Region
from symbolic_music.score import TEMPO, Score, note_table

# A note a tick, at a tempo whose ticks are no round numbers of seconds.
SCORE = Score(
    ticks_per_quarter=96,
    notes=note_table([(i, 1, 60, 64, 0, 0, 0) for i in range(400)]),
    tempos=np.array([(0, 431_034), (96, 612_345)], TEMPO),
)


@given(st.floats(0, 1.8), st.floats(0.02, 0.5))
def test_no_note_begins_before_its_region_or_after_it(start, length):
    first, last = Region(start, start + length).span(SCORE)
    onsets = SCORE.onset_seconds
    held = onsets[first:last]
    assert held.min() >= start - 1e-6
    assert held.max() < start + length + 1e-6
    assert first == 0 or onsets[first - 1] < start
    assert last == len(onsets) or onsets[last] >= start + length - 1e-5


@pytest.mark.parametrize("tick", [0, 1, 95, 96, 97, 200])
def test_a_note_on_the_edge_is_in_the_region_that_begins_there(tick):
    place = float(SCORE.onset_seconds[tick])
    assert Region(place, place + 0.1).span(SCORE)[0] == tick
    if tick:
        assert Region(0.0, place).span(SCORE)[1] == tick
