from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic_music.tokenizers.chords import compound_word, remi
from symbolic_music.tokenizers.chords.miditok import QUALITIES, simultaneous_chords


def columns(rows):
    return tuple(np.array(rows, np.int64).T)


def chord_at(pitches, start=0, end=1920):
    return [(start, end, pitch) for pitch in pitches]


def windows(rows):
    times, classes = remi.window_chords(*columns(rows))
    return list(zip(times.tolist(), [remi.NAMES[c] for c in classes], strict=True))


@pytest.mark.parametrize(
    ("pitches", "name"),
    [
        ((60, 64, 67), "C:maj"),
        ((52, 60, 67), "C:maj"),  # an inversion
        ((57, 60, 64), "A:min"),
        ((59, 62, 65), "B:dim"),
        ((60, 64, 68), "C:aug"),
        ((64, 68, 72), "E:aug"),  # of equal roots the one that sounds lowest
        ((55, 59, 62, 65), "G:dom"),
        ((61, 65), "C#:maj"),
    ],
)
def test_windows_know_five_qualities(pitches, name):
    assert windows(chord_at(pitches)) == [(0, name)]


def test_windows_take_two_beats_where_they_score_higher():
    rows = chord_at((60, 64, 67), 0, 960) + chord_at((62, 65, 69), 960, 1920)
    assert windows(rows) == [(0, "C:maj"), (960, "D:min")]


def test_windows_call_silence_no_chord_and_join_what_fits_nothing():
    rows = chord_at((60, 64, 67), 0, 1920) + chord_at((61,), 5760, 7680)
    assert windows(rows) == [(0, "C:maj"), (1920, "N:N"), (3840, "N:N")]  # equal neighbours are not joined
    assert windows(chord_at((61,), 0, 1920) + chord_at((60, 64, 67), 1920, 3840)) == [(0, "C:maj")]
    assert windows(chord_at((61,))) == []


def test_long_notes_are_the_same_as_their_beats():
    rows = [(0, 480 * 150, 36), *chord_at((60, 64, 67), 480, 480 * 100), *chord_at((62, 65, 69), 480 * 90, 480 * 99)]
    rows += [(480 * 3 + 17, 480 * 3 + 20, 30), (480 * 70, 480 * 140 + 1, 71)]
    pieces = [
        (max(start, t), min(end, t + 480), p) for start, end, p in rows for t in range(0, end, 480) if t + 480 > start
    ]
    assert windows(rows) == windows(sorted(pieces))
    assert len(windows(rows)) > 20


def names(rows):
    root, quality, bass = compound_word.beat_chords(*columns(rows))
    return [
        "N" if r < 0 else f"{compound_word.ROOTS[r]}_{compound_word.QUALITIES[q]}/{compound_word.ROOTS[b]}"
        for r, q, b in zip(root, quality, bass, strict=True)
    ]


@pytest.mark.parametrize(
    ("pitches", "name"),
    [
        ((60, 64, 67), "C_M/C"),
        ((52, 60, 67), "C_M/E"),
        ((57, 60, 64), "A_m/A"),
        ((60, 64, 67, 71), "C_M7/C"),
        ((60, 64, 67, 70), "C_7/C"),
        ((60, 63, 67, 70), "C_m7/C"),
        ((60, 63, 66), "C_o/C"),
        ((60, 64, 68), "C_+/C"),
        ((60, 62, 67), "C_sus2/C"),
        ((60, 65, 67), "C_sus4/C"),
    ],
)
def test_weights_know_eleven_qualities(pitches, name):
    found = names(chord_at(pitches, 0, 959))
    assert found == [name, name]


def test_weights_leave_a_chord_where_little_sounds():
    assert names(chord_at((60, 64, 67), 0, 40)) == ["N"]


def test_weights_split_two_beats_that_are_clear_alone():
    rows = chord_at((60, 64, 67), 0, 480) + chord_at((62, 65, 69), 480, 959)
    assert names(rows) == ["C_M/C", "D_m/D"]


def simultaneous(rows, beat=8):
    start, end, pitch = columns(rows)
    times, found = simultaneous_chords(start, end, pitch, np.full(len(start), beat))
    return list(zip(times.tolist(), [list(QUALITIES)[q] for q in found], strict=True))


def test_simultaneous_chords_in_the_order_of_their_notes():
    assert simultaneous([(0, 8, 60), (0, 8, 64), (0, 8, 67), (8, 16, 62), (8, 16, 65), (8, 16, 69)]) == [
        (0, "maj"),
        (8, "min"),
    ]
    assert simultaneous([(0, 8, 64), (0, 8, 60), (0, 8, 67)]) == []


def test_simultaneous_chords_spread_over_a_tick_but_not_over_two():
    assert simultaneous([(0, 8, 60), (1, 8, 64), (1, 8, 67)]) == [(0, "maj")]
    assert simultaneous([(0, 8, 60), (2, 8, 64), (2, 8, 67)]) == []


def test_simultaneous_chords_are_passed_over_when_ends_lie_apart():
    assert simultaneous([(0, 8, 60), (0, 8, 64), (0, 16, 67)]) == []


def test_weights_of_very_many_notes():
    rows = chord_at((60, 64, 67), 0, 959) * 400
    assert names(rows) == names(chord_at((60, 64, 67), 0, 959)) == ["C_M/C", "C_M/C"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=30)
def test_weights_do_not_depend_on_blocks(seed, count):
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, 480 * 40, count))
    rows = (start, start + rng.integers(1, 480 * 12, count), rng.integers(0, 128, count))
    whole = compound_word.beat_chords(*rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compound_word, "_BLOCK", 4)
        parts = compound_word.beat_chords(*rows)
    assert [one.tolist() for one in whole] == [one.tolist() for one in parts]
