from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import Score, transforms
from symbolic_music.errors import OptionError, RegionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io import midi_bytes, parse_midi
from symbolic_music.score import TEMPO, note_table


@pytest.fixture
def score() -> Score:
    """A second and a half: quarter notes at 120, then at 60 from the second on; a drum on the last."""
    return Score(
        480,
        note_table([(0, 480, 60, 80), (480, 480, 62, 80), (960, 480, 36, 90, 0, DRUM_CHANNEL, 1)]),
        np.array([(0, 500_000), (480, 1_000_000)], TEMPO),
    )


def test_seconds_follow_the_tempo_map_and_back(score: Score) -> None:
    assert score.onset_seconds.tolist() == [0.0, 0.5, 1.5]
    assert score.duration == 2.5
    assert score.ticks([0.25, 1.0]).tolist() == [240.0, 720.0]
    assert score.bars().tolist() == [0]


def test_clip_moves_to_zero_and_cuts_what_sounds_past_the_end(score: Score) -> None:
    clipped = score.clip(0.5, 1.0)
    assert clipped.notes["onset"].tolist() == [0]
    assert clipped.notes["duration"].tolist() == [240]
    assert clipped.duration == 0.5
    with pytest.raises(RegionError):
        score.clip(2, 1)


def test_transpose_leaves_drums(score: Score) -> None:
    assert transforms.transpose(score, 5).notes["pitch"].tolist() == [65, 67, 36]
    with pytest.raises(RegionError):
        transforms.transpose(score, 100)
    assert score.notes["pitch"].tolist() == [60, 62, 36]


def test_stretch_scales_seconds_and_keeps_ticks(score: Score) -> None:
    slower = transforms.stretch(score, 2)
    assert np.array_equal(slower.notes, score.notes)
    assert slower.duration == 5.0
    with pytest.raises(OptionError):
        transforms.stretch(score, 0)


def test_select_and_merge_are_inverse(score: Score) -> None:
    both = transforms.merge([transforms.select_tracks(score, [0]), transforms.select_tracks(score, [1])])
    assert np.array_equal(both.notes, score.notes)
    assert both.tracks == score.tracks
    with pytest.raises(RegionError, match="no track 2"):
        transforms.select_tracks(score, [2])


def test_shift_keeps_the_first_tempo_in_force(score: Score) -> None:
    moved = transforms.shift(score, 480)
    assert moved.notes["onset"].tolist() == [480, 960, 1440]
    assert moved.tempos["time"].tolist() == [0, 960]
    assert transforms.shift(moved, -480) == score


def test_a_score_cannot_be_changed_in_place(score: Score) -> None:
    with pytest.raises(ValueError, match="read-only"):
        score.notes["pitch"] = 0


def test_midi_written_and_read_is_the_same(score: Score) -> None:
    again = parse_midi(midi_bytes(score))
    assert np.array_equal(again.notes, score.notes)
    assert np.array_equal(again.tempos, score.tempos)
