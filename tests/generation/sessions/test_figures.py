"""Figures that new parts keep."""

from __future__ import annotations

import numpy as np

from symbolic_music import generation
from symbolic_music.generation.sessions.figures import figures, repeated
from symbolic_music.score import Score, Track
from tests.generation.sessions.test_harmonising import BAR, melody
from tests.generation.untouched import regional

STARTS = np.arange(0, 240 * 8, 240)
CHORDS = ((0, "C"), (240, "C"), (480, "F"), (720, "Am"), (960, "-"))


def test_a_figure_begins_with_the_first_two_whole_bars_of_each_sixteen() -> None:
    playing, whole = np.ones(40, bool), np.ones(40, bool)
    assert figures(playing, whole) == [0, 16, 32]
    whole[0], playing[16:20] = False, False
    assert figures(playing, whole) == [1, 20, 32]
    assert figures(~playing[:3] | False, whole[:3]) == []


def test_a_figure_keeps_its_rhythm_and_moves_to_the_nearest_notes_of_the_chord() -> None:
    notes = np.array([[0, 60, 60], [0, 60, 64], [0, 60, 67], [300, 30, 64], [1900, 5, 99]])
    found = repeated(notes, (0, 2), (480, 1200), STARTS, CHORDS, (48, 72))
    assert found.tolist() == [
        [480, 60, 60], [480, 60, 65], [480, 60, 69],
        [780, 30, 64],
        [960, 60, 60], [960, 60, 64], [960, 60, 67],
    ]  # fmt: skip


def test_a_bar_of_rest_is_no_part_of_a_figure() -> None:
    notes = np.array([[300, 30, 64]])
    assert repeated(notes, (0, 2), (480, 960), STARTS, (), (48, 72)).tolist() == [[540, 30, 64], [780, 30, 64]]
    assert not len(repeated(notes[:0], (0, 2), (480, 960), STARTS, (), (48, 72)))


def test_a_bass_moves_with_the_root() -> None:
    notes = np.array([[0, 60, 36], [120, 60, 43], [180, 60, 38]])
    found = repeated(notes, (0, 2), (480, 720), STARTS, CHORDS, (28, 52), follows_roots=True)
    assert found[:, 2].tolist() == [41, 48, 43], "root, fifth and the note above the root of F"
    low = repeated(notes, (0, 2), (480, 720), STARTS, CHORDS, (28, 40), follows_roots=True)
    assert low[:, 2].tolist() == [29, 36, 31], "an octave lower, where its range ends"


def test_new_parts_under_a_melody_keep_their_rhythm() -> None:
    bars = [(72, 76, 79, 76), (77, 81, 77, 72), (79, 74, 71, 74), (72, 72)] * 2
    score = Score(notes=melody(*bars), tracks=(Track("Flute", 73),))
    written = generation.accompany(score, [0], regional(), seed=1, instruments=["bass", "strings"])
    for track in (1, 2):
        own = written.notes[written.notes["track"] == track]
        rhythms = [frozenset((own["onset"][own["onset"] // BAR == bar] % BAR).tolist()) for bar in range(8)]
        shared = [len(one & two) / max(1, len(one | two)) for one, two in zip(rhythms, rhythms[2:], strict=False)]
        assert np.mean(shared) > 0.7, rhythms
    strings = written.notes[written.notes["track"] == 2]
    _, together = np.unique(strings["onset"], return_counts=True)
    assert together.mean() > 2, "chords"
