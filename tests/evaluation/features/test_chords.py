from __future__ import annotations

import math

import pytest

from symbolic_music.evaluation.features import chords
from symbolic_music.score import Score, note_table

QUARTER = 480
C, F, G = (60, 64, 67), (65, 69, 72), (67, 71, 74)


def piece(*triads: tuple[int, ...]) -> Score:
    """A triad a half note."""
    rows = [(2 * QUARTER * at, 2 * QUARTER, pitch, 80) for at, triad in enumerate(triads) for pitch in triad]
    return Score(notes=note_table(rows))


def test_a_piece_has_its_own_chords() -> None:
    assert chords.accuracy(piece(C, F, G, C), piece(C, F, G, C)) == {"chord_accuracy": 1, "chord_root_accuracy": 1}


def test_another_chord_counts_against_its_quarters() -> None:
    found = chords.accuracy(piece(C, F, C, C), piece(C, F, G, C))
    assert found["chord_accuracy"] == found["chord_root_accuracy"] == pytest.approx(6 / 8)
    minor = chords.accuracy(piece(C, (65, 68, 72), G, C), piece(C, F, G, C))
    assert (minor["chord_accuracy"], minor["chord_root_accuracy"]) == (pytest.approx(6 / 8), 1)


def test_what_is_missing_is_no_chord() -> None:
    assert chords.accuracy(piece(C, F), piece(C, F, G, C))["chord_accuracy"] == pytest.approx(4 / 8)


def test_without_chords_nothing_is_defined() -> None:
    drums = Score(notes=note_table([(0, 60, 36, 90, 0, 9, 0)]))
    assert all(math.isnan(value) for value in chords.accuracy(piece(C), drums).values())
