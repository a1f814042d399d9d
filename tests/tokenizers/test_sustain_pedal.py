"""The pedal folded into notes: tiny scores, then the rules told event by event, then real files."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.errors import MidiError
from symbolic_music.io import read_midi
from symbolic_music.score import CONTROL, NOTE, Score, note_table
from symbolic_music.tokenizers.sustain_pedal import SUSTAIN, joined_presses, pedal_presses, sustained
from tests.corpus_paths import corpus_dir
from tests.tokenizers.performance import performance_reference as reference

DOWN, UP = 127, 0


def score(notes, pedal):
    """Notes (onset, duration, pitch[, velocity, program, channel, track]); pedal (time, value[, track])."""
    controls = [(time, SUSTAIN, value, *(track or (0,))) for time, value, *track in pedal]
    return Score(notes=note_table(notes), controls=np.array(controls, CONTROL))


def spans(notes, pedal):
    return [(int(n["onset"]), int(n["onset"] + n["duration"])) for n in sustained(score(notes, pedal))]


def test_a_note_lasts_to_the_release():
    assert spans([(0, 10, 60)], [(5, DOWN), (80, UP)]) == [(0, 80)]


def test_63_is_up_and_64_is_down():
    assert spans([(0, 10, 60)], [(5, 63), (80, UP)]) == [(0, 10)]
    assert spans([(0, 10, 60)], [(5, 64), (80, 63)]) == [(0, 80)]


def test_a_note_that_ends_after_the_release_keeps_its_length():
    assert spans([(0, 10, 60)], [(2, DOWN), (8, UP)]) == [(0, 10)]


def test_the_pedal_pressed_or_released_at_the_end_of_a_note():
    assert spans([(0, 10, 60)], [(10, DOWN), (30, UP)]) == [(0, 30)]
    assert spans([(0, 10, 60)], [(5, DOWN), (10, UP)]) == [(0, 10)]


def test_pressed_and_released_at_one_time_is_released_whatever_comes_first():
    for pedal in ([(10, DOWN), (10, UP)], [(10, UP), (10, DOWN)]):
        assert spans([(0, 10, 60)], [(5, DOWN), *pedal, (30, UP)]) == [(0, 10)]
        assert spans([(0, 7, 60)], [(5, DOWN), *pedal, (30, UP)]) == [(0, 10)]


def test_the_same_pitch_struck_again_ends_the_note_even_before_its_own_end():
    pedal = [(0, DOWN), (80, UP)]
    assert spans([(0, 10, 60), (40, 10, 60)], pedal) == [(0, 40), (40, 80)]
    assert spans([(0, 50, 60), (40, 10, 60)], pedal) == [(0, 40), (40, 80)]
    assert spans([(0, 10, 60), (40, 10, 61)], pedal) == [(0, 80), (40, 80)]


def test_without_pedal_overlapping_notes_of_a_pitch_are_left_alone():
    assert spans([(0, 50, 60), (40, 30, 60)], [(45, DOWN), (90, UP)]) == [(0, 90), (40, 90)]


def test_of_notes_of_a_pitch_that_start_together_the_last_is_kept():
    notes = [(10, 5, 60, 70), (10, 5, 60, 80), (10, 5, 62, 90)]
    found = sustained(score(notes, [(0, DOWN), (80, UP)]))
    assert found["velocity"].tolist() == [80, 90]
    assert len(sustained(score(notes, [(11, DOWN), (80, UP)]))) == 3


def test_a_pedal_that_is_never_released_holds_to_the_last_event():
    assert spans([(0, 10, 60), (20, 15, 62)], [(5, DOWN)]) == [(0, 35), (20, 35)]
    assert spans([(0, 10, 60)], [(5, DOWN), (70, DOWN)]) == [(0, 70)]


def test_tracks_have_pedals_of_their_own_and_drums_have_none():
    notes = [(0, 10, 60, 64, 0, 0, 0), (0, 10, 60, 64, 0, 1, 1), (0, 10, 36, 64, 0, 9, 2)]
    assert spans(notes, [(5, DOWN, 1), (80, UP, 1), (90, UP, 0)]) == [(0, 10), (0, 80), (0, 10)]
    assert spans(notes, [(5, DOWN, 2), (80, UP, 2)]) == [(0, 10)] * 3


def test_without_pedal_the_table_is_the_scores_own():
    plain = score([(0, 10, 60)], [])
    assert sustained(plain) is plain.notes


def test_empty_scores():
    assert len(sustained(Score())) == 0
    assert len(sustained(score([], [(0, DOWN), (5, UP)]))) == 0


times = st.integers(0, 12)


@st.composite
def pedalled(draw: st.DrawFn) -> Score:
    """Few pitches, few times: notes meet each other and the pedal in every order."""
    track = st.sampled_from(draw(st.sampled_from([(0,), (0, 1), (0, 3), (88, 600)])))
    note = st.tuples(
        times,
        st.integers(0, 8),
        st.integers(60, 61),
        st.integers(1, 127),
        st.just(0),
        st.sampled_from([0, 0, 0, 9]),
        track,
    )
    pedal = st.tuples(st.integers(0, 16), st.sampled_from([0, 63, 64, 127]), track)
    return score(draw(st.lists(note, max_size=14)), draw(st.lists(pedal, max_size=10)))


@settings(max_examples=400)
@given(pedalled())
def test_vectorised_equals_event_by_event(score):
    assert np.array_equal(sustained(score), reference.sustained(score))


@given(pedalled())
def test_no_note_gets_shorter_but_by_its_own_pitch_and_none_ends_before_it_starts(score):
    found = sustained(score)
    assert found.dtype == NOTE
    assert (found["duration"] >= 0).all()
    onsets = set(zip(found["onset"].tolist(), found["pitch"].tolist(), found["track"].tolist(), strict=True))
    ends = {tuple(n) for n in score.notes[["onset", "duration", "pitch", "velocity", "channel", "track"]].tolist()}
    for onset, duration, pitch, velocity, channel, track in found[
        ["onset", "duration", "pitch", "velocity", "channel", "track"]
    ].tolist():
        before = [e for e in ends if e[0] == onset and e[2:] == (pitch, velocity, channel, track)]
        assert any(duration >= e[1] for e in before) or (onset + duration, pitch, track) in onsets


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["maestro-midi", "lakh-subset", "pop909"])
def test_vectorised_equals_event_by_event_on_real_files(name):
    files = sorted(p for p in corpus_dir(name).rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    random.Random(1).shuffle(files)
    pedals = 0
    for path in files[:30]:
        try:
            score = read_midi(path)
        except MidiError:
            continue
        pedals += bool(np.any(score.controls["number"] == SUSTAIN))
        assert np.array_equal(sustained(score), reference.sustained(score)), path
    assert pedals


def test_presses_of_each_track():
    pedal = [(5, DOWN), (7, DOWN, 2), (8, 100), (9, UP, 2), (20, UP), (40, DOWN)]
    onset, end, track = pedal_presses(score([(0, 100, 60)], pedal))
    assert track.tolist() == [0, 0, 2]
    assert onset.tolist() == [5, 40, 7]
    assert end.tolist() == [20, 101, 9], "a pedal that is never released goes up after the last note"


def test_no_pedal_no_presses():
    assert [len(column) for column in pedal_presses(score([(0, 100, 60)], []))] == [0, 0, 0]
    assert [len(column) for column in joined_presses(*(np.zeros(0, np.int64) for _ in range(3)))] == [0, 0, 0]


def test_presses_that_touch_are_one():
    columns = [np.array(column) for column in ([0, 10, 21, 0, 4], [10, 20, 30, 9, 5], [0, 0, 0, 1, 1])]
    assert [column.tolist() for column in joined_presses(*columns)] == [[0, 21, 0], [20, 30, 9], [0, 0, 1]]
    assert [column.tolist() for column in joined_presses(*columns, apart=1)] == [[0, 0], [30, 9], [0, 1]]
