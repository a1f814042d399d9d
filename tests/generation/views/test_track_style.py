"""New notes are as loud as those like them around the region."""

from __future__ import annotations

import pytest

from symbolic_music.generation.views.track_style import voice_of
from symbolic_music.score import Score, Track, note_table


def test_drums_are_as_loud_as_the_same_drum() -> None:
    rows = [(240 * i, 60, 36 if i % 2 else 42, 110 if i % 2 else 50, 0, 9, 0) for i in range(16)]
    score = Score(notes=note_table(rows), tracks=(Track("Drums", 0, True),))
    voice = voice_of(score, score.notes, 0, score.tracks[0], (1000, 1100))
    assert [voice.velocity(1000, pitch) for pitch in (36, 42)] == [110, 50]
    assert voice.velocity(1000, 49) in (50, 80, 110)
    assert (voice.instrument, voice.channel) == (128, 9)


def test_other_notes_are_as_loud_as_those_on_their_part_of_the_beat() -> None:
    rows = [(240 * i, 60, 60, 60 if i % 2 else 100, 40, 1, 0) for i in range(64)]
    score = Score(notes=note_table(rows), tracks=(Track("", 40),))
    voice = voice_of(score, score.notes, 0, score.tracks[0], (480, 960))
    assert [voice.velocity(onset, 72) for onset in (480, 720, 961)] == [100, 60, 100]
    assert (voice.program, voice.channel, voice.instrument, voice.pitch) == (40, 1, 40, 60.0)


@pytest.mark.parametrize(("loud", "expected"), [((30, 90), 30), ((), 80)])
def test_the_nearest_count_and_eighty_is_the_last_resort(loud: tuple[int, ...], expected: int) -> None:
    rows = [(i * 120, 60, 60, loud[0], 0, 0, 0) for i in range(40)] if loud else []
    rows += [(100_000 + i * 120, 60, 60, loud[1], 0, 0, 0) for i in range(40)] if loud else []
    score = Score(notes=note_table(rows), tracks=(Track(),))
    assert voice_of(score, score.notes, 0, Track(), (4800, 5000)).velocity(4900, 60) == expected


def test_a_track_without_notes_sounds_as_the_others() -> None:
    score = Score(notes=note_table([(0, 60, 60, 33, 5, 2, 0)]), tracks=(Track("", 5), Track("", 70)))
    voice = voice_of(score, score.notes, 1, score.tracks[1], (0, 100))
    assert (voice.program, voice.channel, voice.velocity(0, 60)) == (70, 0, 33)
