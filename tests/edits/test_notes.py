"""Notes changed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music import edits
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.score import Score, Track, note_table


def three_notes() -> Score:
    """C4, E4 and a snare, none quite on its sixteenth."""
    rows = [(5, 100, 60, 70, 0, 0, 0), (118, 130, 64, 80, 0, 0, 0), (250, 60, 38, 90, 0, 9, 1)]
    return Score(notes=note_table(rows), tracks=(Track("Piano"), Track("Drums", 0, is_drum=True)))


def test_added_notes_play_what_their_track_plays() -> None:
    score = edits.add_notes(three_notes(), [0, 300], 50, [67, 42], 77, [0, 1])
    assert score.notes[["onset", "pitch", "channel", "track"]].tolist() == [
        (0, 67, 0, 0), (5, 60, 0, 0), (118, 64, 0, 0), (250, 38, 9, 1), (300, 42, 9, 1),
    ]  # fmt: skip


def test_a_note_in_an_empty_track_plays_what_the_track_says() -> None:
    score = three_notes().replace(tracks=(*three_notes().tracks, Track("Bass", 33)))
    added = edits.add_notes(score, 0, 50, 40, 80, 2).notes[0]
    assert (int(added["program"]), int(added["channel"])) == (33, 1)


def test_moved_notes_leave_the_others() -> None:
    before, after = three_notes(), edits.move_notes(three_notes(), [1], 480, -12)
    assert after.notes[["onset", "pitch"]].tolist() == [(5, 60), (250, 38), (598, 52)]
    assert after.replace(notes=before.notes) == before


def test_drums_are_not_transposed() -> None:
    assert edits.transpose_notes(three_notes(), [0, 1, 2], 5).notes["pitch"].tolist() == [65, 69, 38]


def test_lengths_and_velocities_stay_in_range() -> None:
    assert edits.stretch_notes(three_notes(), [0, 1], -110).notes["duration"].tolist() == [1, 20, 60]
    assert edits.change_velocities(three_notes(), [0, 1, 2], 2.0, -20).notes["velocity"].tolist() == [120, 127, 127]


@pytest.mark.parametrize(("ticks", "semitones"), [(-6, 0), (0, 68), (0, -61)])
def test_notes_cannot_leave_the_piece(ticks: int, semitones: int) -> None:
    with pytest.raises(RegionError):
        edits.move_notes(three_notes(), [0], ticks, semitones)


def test_a_row_that_is_not_there_is_named() -> None:
    with pytest.raises(RegionError, match="no note 3"):
        edits.delete_notes(three_notes(), [1, 3])


def test_quantised_onsets_are_on_the_grid_and_strength_is_how_far() -> None:
    assert edits.quantise(three_notes()).notes["onset"].tolist() == [0, 120, 240]
    assert edits.quantise(three_notes(), strength=0.5).notes["onset"].tolist() == [2, 119, 245]
    assert edits.quantise(three_notes(), ends=True).notes["duration"].tolist() == [120, 120, 120]
    assert edits.quantise(three_notes(), strength=0) == three_notes()


@given(st.integers(0, 5))
def test_humanised_notes_stay_near_and_repeat(seed: int) -> None:
    score = three_notes()
    off = edits.humanise(score, 0.01, 5, seed)
    assert off == edits.humanise(score, 0.01, 5, seed)
    assert np.abs(np.sort(off.onset_seconds) - score.onset_seconds).max() <= 0.0205
    assert edits.humanise(score, 0, 0, seed) == score
    with pytest.raises(OptionError, match="a seed"):
        edits.humanise(score, seed=-1 - seed)


@pytest.mark.parametrize("grid", [0, -1, 65, float("nan")])
def test_an_impossible_grid_is_refused(grid: float) -> None:
    with pytest.raises(OptionError):
        edits.quantise(three_notes(), grid)


def test_tracks_take_another_instrument_name_and_volume() -> None:
    score = edits.change_track(three_notes(), 0, name="Bass", instrument=33, volume=90)
    assert score.tracks[0] == Track("Bass", 33)
    assert score.notes["program"].tolist() == [33, 33, 0]
    assert score.controls.tolist() == [(0, 7, 90, 0)]
    drums = edits.change_track(score, 0, instrument=128)
    assert drums.instruments.tolist() == [128, 128, 128]
    assert len(edits.remove_track(score, 0).tracks) == 1


def test_pairs_of_eighths_swing_and_what_touched_still_touches() -> None:
    rows = [(at, 240, 60, 80, 0, 0, 0) for at in range(0, 1920, 240)] + [(120, 120, 64, 80, 0, 0, 0)]
    score = Score(notes=note_table(sorted(rows)), ticks_per_quarter=480)
    swung = edits.swing(score, 2 / 3)
    eighths = swung.notes[swung.notes["pitch"] == 60]
    assert eighths["onset"].tolist() == [0, 320, 480, 800, 960, 1280, 1440, 1760]
    assert eighths["duration"].tolist() == [320, 160] * 4
    sixteenth = swung.notes[swung.notes["pitch"] == 64]
    assert (int(sixteenth["onset"][0]), int(sixteenth["duration"][0])) == (160, 160)
    assert edits.swing(score, 0.5) == score
    only = edits.swing(score, 0.75, rows=[2])
    assert only.notes["onset"].tolist()[:3] == [0, 120, 360]
    for bad in (0.4, 0.9):
        with pytest.raises(OptionError, match=r"0\.5 to 0\.8"):
            edits.swing(score, bad)
    with pytest.raises(OptionError, match="grid"):
        edits.swing(score, 0.6, 0.01)
