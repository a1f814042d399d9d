import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic_music.errors import OptionError
from symbolic_music.transcription.notes import Decoder, Note, Thresholds, score_of

RATE = 10.0


def frames(count: int) -> np.ndarray:
    return np.zeros((3, count, 88), np.float32)


def decoded(found: np.ndarray, cuts: tuple[int, ...] = ()) -> list[Note]:
    decoder = Decoder(RATE)
    for part in np.split(found, cuts, axis=1):
        decoder.add(*part)
    return decoder.finish()


def test_a_note_begins_at_the_peak_and_ends_where_it_is_quiet() -> None:
    found = frames(20)
    found[0, 4:7, 39] = 0.5, 0.9, 0.5
    found[1, 5:12, 39] = 0.8
    found[2, 5, 39] = 80 / 127
    assert decoded(found) == [Note(0.5, 1.2, 60, 80)]


def test_the_time_between_frames_is_that_of_the_parabola() -> None:
    found = frames(20)
    found[0, 4:7, 0] = 0.7, 0.9, 0.3
    found[1, 5:8, 0] = 0.9
    (note,) = decoded(found)
    assert note.onset == pytest.approx((5 + 0.5 * (0.7 - 0.3) / (0.7 - 1.8 + 0.3)) / RATE)


def test_a_note_that_begins_again_ends_first() -> None:
    found = frames(20)
    found[0, [3, 9], 10] = 0.9
    found[1, 3:15, 10] = 0.9
    assert [(n.onset, n.offset) for n in decoded(found)] == [(0.3, 0.9), (0.9, 1.5)]


def test_an_onset_without_sound_is_no_note() -> None:
    found = frames(20)
    found[0, [3, 9, 15], [10, 11, 12]] = 0.9
    found[1, 12, 11] = 0.9  # too late: the note has ended
    found[1, 16, 12] = 0.9
    found[1, 1, 10] = 0.9  # before it
    assert [(n.onset, n.pitch) for n in decoded(found)] == [(1.5, 33)]


def test_one_quiet_frame_does_not_end_a_note() -> None:
    found = frames(20)
    found[0, 3, 10], found[1, 3:15, 10] = 0.9, 0.9
    found[1, 8, 10] = 0
    assert len(decoded(found)) == 1


def test_first_and_last_frames_count() -> None:
    found = frames(6)
    found[0, [0, 5], [1, 2]] = 0.9
    found[1, :, 1:3] = 0.9
    assert [(n.onset, n.offset, n.pitch) for n in decoded(found)] == [(0, 0.6, 22), (0.5, pytest.approx(0.6), 23)]


@given(st.integers(0, 1000), st.lists(st.integers(1, 39), max_size=4))
def test_parts_give_the_notes_of_the_whole(seed: int, cuts: list[int]) -> None:
    found = np.random.default_rng(seed).random((3, 40, 88)).astype(np.float32) ** 3
    assert decoded(found, tuple(sorted(cuts))) == decoded(found)


def test_no_sound_has_no_notes() -> None:
    assert Decoder(RATE).finish() == []
    assert len(score_of([])) == 0


def test_notes_become_a_score() -> None:
    score = score_of([Note(0.5, 1.25, 60, 80), Note(1.0, 1.5, 64, 1)], program=73)
    assert score.onset_seconds.tolist() == [0.5, 1.0]
    assert score.offset_seconds.tolist() == [1.25, 1.5]
    assert score.notes[["pitch", "velocity", "program"]].tolist() == [(60, 80, 73), (64, 1, 73)]
    assert score.tracks[0].program == 73


def test_thresholds_are_probabilities() -> None:
    with pytest.raises(OptionError, match="thresholds"):
        Thresholds(onset=1.5)
