from __future__ import annotations

import math

import numpy as np
import pytest

from symbolic_music.errors import EmptyScoreError
from symbolic_music.evaluation.features import reference_similarity
from symbolic_music.score import METER, Score, note_table
from symbolic_music.transforms import transpose

BAR = 1920


def test_a_piece_is_its_own_copy(quartet: Score) -> None:
    found = reference_similarity.features(quartet, quartet)
    assert found.pop("voice_errors") == 0
    assert all(value == pytest.approx(1) for value in found.values())


def test_notes_are_matched_once_by_sixteenth_and_pitch() -> None:
    # A sixteenth is 120 ticks: the second note is late within it, the third a pitch too high, the fourth there twice.
    reference = Score(notes=note_table([(0, 100, 60), (240, 100, 62), (480, 100, 64), (720, 100, 65)]))
    score = Score(notes=note_table([(0, 100, 60), (300, 100, 62), (480, 100, 66), (720, 100, 65), (720, 50, 65)]))
    assert reference_similarity.features(score, reference)["note_f1"] == pytest.approx(2 * 3 / 9)


def test_instruments_count_where_they_are_asked_for(quartet: Score) -> None:
    other = quartet.notes.copy()
    other["program"][other["track"] == 0] = 40
    found = reference_similarity.features(quartet.replace(notes=other), quartet)
    assert found["note_f1"] == 1
    assert found["instrument_f1"] == pytest.approx(2 * 32 / 80)
    assert found["melody_f1"] == 1
    # Flute, oboe, horn, bassoon and drums; here a violin plays the flute's part.
    assert found["instruments_in_common"] == 4 / 6
    assert found["voice_errors"] == 1 / 5


def test_bars_are_held_against_the_most_similar_one() -> None:
    meters = np.array([(0, 4, 4)], METER)
    c, g = [(0, 400, 60), (480, 400, 64)], [(960, 400, 67), (1440, 400, 71)]
    reference = Score(notes=note_table(c + [(BAR + t, d, p) for t, d, p in g]), meters=meters)
    swapped = Score(notes=note_table([*g, *((BAR + t, d, p) for t, d, p in c)]), meters=meters)
    found = reference_similarity.features(swapped, reference)
    assert found["chroma_similarity"] == pytest.approx(1)
    assert found["groove_similarity"] == pytest.approx(1)
    # Two of four pitch classes of the first bar are right, and the rhythm of none.
    half = Score(notes=note_table([(120, 90, 60), (600, 90, 61)]), meters=meters)
    found = reference_similarity.features(half, reference)
    assert found["chroma_similarity"] == pytest.approx(0.5)
    assert found["groove_similarity"] == 0


def test_pitches_overlap_by_their_shares(quartet: Score) -> None:
    assert reference_similarity.pitch_overlap(transpose(quartet, 40), quartet) < 0.5
    drums = quartet.replace(notes=quartet.notes[quartet.notes["track"] == 4])
    assert math.isnan(reference_similarity.pitch_overlap(drums, quartet))


def test_the_distance_of_sequences() -> None:
    assert reference_similarity.distance([1, 2, 3], [1, 3]) == 1
    assert reference_similarity.distance([], [1, 2]) == 2
    assert reference_similarity.distance([1, 2], [2, 1]) == 2


def test_nothing_cannot_be_compared(quartet: Score) -> None:
    with pytest.raises(EmptyScoreError):
        reference_similarity.features(Score(), quartet)
