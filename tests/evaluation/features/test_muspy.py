from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.errors import OptionError
from symbolic_music.evaluation.features import muspy
from symbolic_music.score import CONTROL, METER, Score, note_table

Rows = list[tuple[int, int, int, bool]]


def score_of(rows: Rows, quarter: int = 12) -> Score:
    """From (onset, duration, pitch, drums)."""
    table = [(onset, length, pitch, 64, 0, 9 if drums else 0, int(drums)) for onset, length, pitch, drums in rows]
    return Score(quarter, notes=note_table(sorted(table)))


def roll(rows: Rows, end: int) -> np.ndarray:
    """Pitches by ticks, drums left out: as MusPy goes about it."""
    out = np.zeros((end, 128), bool)
    for onset, length, pitch, drums in rows:
        if not drums:
            out[onset : onset + length, pitch] = True
    return out


rows_of_notes = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 60), st.integers(40, 52), st.booleans()), min_size=1, max_size=40
)


def test_a_piece_in_c() -> None:
    found = muspy.features(
        score_of([(0, 12, 60, False), (12, 12, 64, False), (24, 24, 67, False), (24, 24, 72, False)])
    )
    assert found["n_pitches_used"] == 4
    assert found["n_pitch_classes_used"] == 3
    assert found["pitch_range"] == 12
    assert found["polyphony"] == (12 + 12 + 48) / 48
    assert found["polyphony_rate"] == 0
    assert found["scale_consistency"] == 1
    assert found["pitch_entropy"] == 2
    assert found["pitch_class_entropy"] == pytest.approx(1.5)
    # The piece ends on a bar line, at which a second measure begins: the last notes touch it.
    assert found["empty_beat_rate"] == 0
    assert found["groove_consistency"] == pytest.approx(1 - 3 / 48)
    assert math.isnan(found["drum_pattern_consistency"])


def test_drums_on_a_pattern() -> None:
    score = score_of([(0, 1, 36, True), (3, 1, 38, True), (4, 1, 38, True), (18, 1, 38, True)])
    assert muspy.drum_in_pattern_rate(score, "duple") == 3 / 4
    assert muspy.drum_in_pattern_rate(score, "triple") == 2 / 4
    assert muspy.drum_pattern_consistency(score) == 3 / 4
    # Three ticks have no halves: only the beginning of a quarter counts.
    assert muspy.drum_in_pattern_rate(score_of([(0, 1, 36, True), (1, 1, 36, True)], quarter=3), "duple") == 1 / 2
    assert muspy.pitch_range(score) == -127


def test_a_controller_after_the_last_note_belongs_to_the_piece() -> None:
    score = score_of([(0, 12, 60, False)])
    longer = score.replace(controls=np.array([(95, 64, 0, 0)], CONTROL))
    assert muspy.empty_beat_rate(score) == 0
    assert muspy.empty_beat_rate(longer) == 6 / 8
    assert muspy.empty_measure_rate(longer, 24) == 3 / 4


def test_nothing_is_not_defined() -> None:
    found = muspy.features(Score())
    assert found["pitch_range"] == found["n_pitches_used"] == 0
    assert math.isnan(found["polyphony"])
    assert math.isnan(found["empty_beat_rate"])
    assert math.isnan(found["groove_consistency"])
    assert math.isnan(muspy.pitch_in_scale_rate(Score(), 0, "major"))


def test_measures_are_those_of_the_first_meter() -> None:
    assert muspy.measure_of(Score(480)) == 1920
    assert muspy.measure_of(Score(480, meters=np.array([(0, 6, 8), (1440, 4, 4)], METER))) == 1440


@given(rows_of_notes)
def test_polyphony_is_that_of_the_piano_roll(rows: Rows) -> None:
    score = score_of(rows)
    heard = roll(rows, score.end).sum(axis=1)
    if (heard > 0).any():
        assert muspy.polyphony(score) == pytest.approx(heard.sum() / (heard > 0).sum())
    else:
        assert math.isnan(muspy.polyphony(score))
    if score.end:
        for threshold in (0, 2):
            assert muspy.polyphony_rate(score, threshold) == pytest.approx((heard > threshold).mean())


@given(rows_of_notes, st.integers(1, 50))
def test_measures_are_counted_one_by_one(rows: Rows, measure: int) -> None:
    score = score_of(rows)
    if not score.end:
        return
    count = score.end // measure + 1
    touched, grooves = np.zeros(count, bool), np.zeros((count, measure), bool)
    for onset, length, _, _ in rows:
        touched[onset // measure : (onset + length) // measure + 1] = True
        grooves[onset // measure, onset % measure] = True
    assert muspy.empty_measure_rate(score, measure) == pytest.approx(1 - touched.mean())
    if count > 1:
        differing = (grooves[1:] != grooves[:-1]).mean()
        assert muspy.groove_consistency(score, measure) == pytest.approx(1 - differing)


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(OptionError):
        muspy.pitch_in_scale_rate(Score(), 0, "dorian")
    with pytest.raises(OptionError):
        muspy.drum_in_pattern_rate(Score(), "compound")
    with pytest.raises(OptionError):
        muspy.groove_consistency(score_of([(0, 1, 60, False)]), 0)
