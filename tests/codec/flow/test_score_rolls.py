"""Rolls say which family plays which pitch in which frame."""

from __future__ import annotations

import numpy as np

from symbolic_music.codec.flow.score_rolls import DRUMS, LOWEST, ONSETS, PITCHES, ROLLS, score_rolls, sustained
from symbolic_music.score import CONTROL, Score, note_table
from tests.codec.language_models.test_registry import score as small_score

# At 120 quarters a minute and 480 ticks a quarter, 960 ticks are a second.


def of(*rows: tuple[int, int, int, int, int, int], **more: object) -> Score:
    """Notes of onset, duration, pitch, velocity, program and channel."""
    onset, duration, pitch, velocity, program, channel = (np.array(column) for column in zip(*rows, strict=True))
    table = note_table(onset=onset, duration=duration, pitch=pitch, velocity=velocity, program=program, channel=channel)
    return Score(480, table, **more)  # type: ignore[arg-type]


def places(rolls: np.ndarray) -> set[tuple[int, int]]:
    return {(int(t), int(c)) for t, c in zip(*np.nonzero(rolls), strict=True)}


def test_a_note_sounds_in_its_family_and_begins_once() -> None:
    rolls = score_rolls(of((96, 192, 60, 127, 42, 0)), 10.0, 5)  # .1 to .3 s of a cello
    column = 42 // 8 * PITCHES + 60 - LOWEST
    assert rolls.shape == (5, ROLLS)
    assert places(rolls) == {(1, column), (2, column), (1, ONSETS + 60 - LOWEST)}
    assert rolls.max() == 1


def test_the_louder_of_two_is_said() -> None:
    rolls = score_rolls(of((0, 96, 60, 64, 0, 0), (0, 96, 60, 32, 0, 0)), 10.0, 1)
    assert rolls[0, 60 - LOWEST] == np.float32(64 / 127)


def test_drums_are_strokes_and_pitches_beyond_the_piano_are_left_out() -> None:
    rolls = score_rolls(of((0, 960, 36, 127, 0, 9), (0, 960, 120, 100, 0, 0)), 10.0, 3)
    assert places(rolls) == {(0, DRUMS + 36 - 27)}


def test_a_stretch_is_that_of_the_whole() -> None:
    score = small_score()
    whole = score_rolls(score, 20.0, 60)
    assert np.array_equal(score_rolls(score, 20.0, 20, 15), whole[15:35])
    before = score_rolls(score, 20.0, 10, -4)
    assert not before[:4].any()
    assert np.array_equal(before[4:], whole[:6])


def test_pedals_hold_notes() -> None:
    controls = np.zeros(2, CONTROL)
    controls["time"], controls["number"], controls["value"] = [0, 1920], 64, [127, 0]
    score = of((0, 480, 60, 90, 0, 0), (2400, 480, 60, 90, 0, 0), controls=controls)
    assert sustained(score).notes["duration"].tolist() == [1920, 480]
    plain = score.replace(controls=controls[:0])
    assert sustained(plain).notes["duration"].tolist() == [480, 480]
