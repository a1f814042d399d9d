"""What a continuation does to what is given."""

import numpy as np

from symbolic_music import read
from symbolic_music.generation.continuation import released
from symbolic_music.generation.verbs.continue_and_intro import continue_bars
from symbolic_music.score import CONTROL, Score, Track, note_table

NOTES = note_table([(0, 480, 60, 80, 0, 0, 0), (0, 480, 40, 80, 0, 0, 1)])
TRACKS = (Track(), Track())


def score(*controls):
    return Score(notes=NOTES, controls=np.array(list(controls), CONTROL), tracks=TRACKS)


def test_a_pedal_that_is_down_at_the_cut_is_let_go_there():
    before = score((0, 64, 127, 0), (10, 64, 0, 1), (20, 66, 90, 1), (30, 7, 100, 0), (900, 64, 0, 0))
    after = released(before)
    added = [row for row in after.controls.tolist() if row not in before.controls.tolist()]
    assert added == [(480, 64, 0, 0), (480, 66, 0, 1)]
    assert [row for row in after.controls.tolist() if row not in added] == before.controls.tolist()
    assert np.array_equal(after.notes, before.notes)


def test_a_pedal_that_is_up_is_left_alone():
    for controls in ((), ((0, 64, 127, 0), (480, 64, 0, 0)), ((0, 64, 63, 0),), ((0, 1, 127, 0),)):
        before = score(*controls)
        assert released(before) is before


def test_bars_that_are_added_are_played_without_the_pedal_of_the_piece(tmp_path):
    before = score((0, 64, 127, 0))
    longer = continue_bars(before, 1, tracks=[0], model="multitrack", seed=1)
    assert longer.controls.tolist() == [(0, 64, 127, 0), (480, 64, 0, 0)]
    assert read(longer.write(tmp_path / "longer.mid")).controls.tolist() == longer.controls.tolist()
