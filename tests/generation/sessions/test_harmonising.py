"""Chords to a melody alone."""

from __future__ import annotations

import numpy as np
import pytest

from symbolic_music import generation
from symbolic_music.generation import Limits
from symbolic_music.generation.sessions.harmonising import harmonised, is_a_line, progression
from symbolic_music.score import Array, Score, Track, note_table
from tests.generation.sessions.test_region_edit import requested, song
from tests.generation.untouched import regional

BAR = 1920


def melody(*bars: tuple[int, ...]) -> Array:
    """Bars of equally long notes."""
    rows = []
    for bar, pitches in enumerate(bars):
        length = BAR // max(1, len(pitches))
        rows += [(bar * BAR + i * length, length, pitch, 80, 73, 0, 0) for i, pitch in enumerate(pitches)]
    return note_table(rows)


def test_chords_hold_the_melody_and_follow_each_other_as_in_songs() -> None:
    notes = melody((72, 76, 79, 76), (77, 81, 77, 72), (79, 74, 71, 74), (72, 72))
    edges = np.arange(0, 5 * BAR, BAR)
    assert harmonised(notes, edges, 480, 0) == ["C", "F", "G", "C"]
    higher = notes.copy()
    higher["pitch"] += 2
    assert harmonised(higher, edges, 480, 2) == ["D", "G", "A", "D"]


def test_a_bar_of_rest_has_a_chord() -> None:
    found = harmonised(melody((72, 76, 79, 76), (), (72, 72)), np.arange(0, 4 * BAR, BAR), 480, 0)
    assert len(found) == 3
    assert found[0] == found[2] == "C"


def test_chords_change_where_the_melody_rests() -> None:
    edges = np.arange(0, 9 * BAR, BAR)
    found = [harmonised(melody((72, 76, 79, 72)), edges, 480, 0, seed) for seed in range(10)]
    assert all(one[0] == "C" for one in found)
    assert sum(len(set(one)) > 1 for one in found) >= 7
    assert found[3] == harmonised(melody((72, 76, 79, 72)), edges, 480, 0, 3)


def test_a_minor_key() -> None:
    notes = melody((69, 72, 76, 72), (74, 77, 74, 69), (76, 80, 76, 71), (69,))
    assert harmonised(notes, np.arange(0, 5 * BAR, BAR), 480, 21) == ["Am", "Dm", "E", "Am"]


def test_what_is_a_line() -> None:
    assert is_a_line(melody((72, 76, 79, 76), (), (72, 72)))
    chord = note_table([(0, BAR, pitch, 80, 0, 0, 0) for pitch in (60, 64, 67)])
    assert not is_a_line(chord)
    assert not is_a_line(chord[:0])


def test_new_parts_play_the_chords_under_a_melody_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requested(monkeypatch)
    notes = melody((72, 76, 79, 76), (77, 81, 77, 72), (79, 74, 71, 74), (72, 72))
    score = Score(notes=notes, tracks=(Track("Flute", 73),))
    generation.accompany(score, [0], regional(), seed=1, instruments=["bass", "piano"])
    sounds = requests[0].sounds(245)
    assert sounds is not None
    assert np.flatnonzero(sounds).tolist() == [0, 5, 9], "F major in the second bar"
    after = next(one for one in requests if one.slots[0][1] == 0).sounds(245)
    assert after is not None
    assert np.flatnonzero(after).tolist() == [0, 5, 9], "the piano plays the same chord"
    assert requests[0].most_lasting(245, 65) == 235, "F is not in G major, the third bar"
    assert requests[0].most_lasting(245, 60) == 235
    assert requests[0].clashing(245).any()
    requests.clear()
    generation.accompany(score, [0], regional(), seed=1, instruments=["bass", "piano"], limits=Limits(chart="Dm"))
    sounds = requests[0].sounds(245)
    assert sounds is not None
    assert np.flatnonzero(sounds).tolist() == [2, 5, 9], "chords that are asked for come first"
    requests.clear()
    generation.accompany(song(), [0, 1], regional(), seed=1)
    sounds = requests[0].sounds(245)
    assert sounds is not None
    assert np.flatnonzero(sounds).tolist() == [0, 4, 7], "what sounds already"


def test_a_progression_begins_on_the_tonic_and_its_phrases_return() -> None:
    for key, tonic in ((0, "C"), (7, "G"), (12 + 9, "Am")):
        found = progression(18, key, seed=4)
        assert len(found) == 18
        assert found[0] == tonic
        assert found[:4] == found[4:8] == found[12:16], "A A B A"
        assert found[16:] == found[:2]
        assert found == progression(18, key, seed=4)
    assert len({tuple(progression(16, 0, seed)) for seed in range(20)}) > 15
    in_c = {name for seed in range(20) for name in progression(16, 0, seed)}
    assert in_c == {"C", "G", "F", "Am", "Dm", "Em"}
