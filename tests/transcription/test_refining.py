import numpy as np
import pytest

from symbolic_music.errors import AudioError, OptionError
from symbolic_music.score import Score, note_table
from symbolic_music.synthesis import render
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.refining import refined

RATE = 8_000


def test_onsets_come_nearer_to_the_recording() -> None:
    rows = [(480 * (i + 1), 400, 60 + 4 * i, 60 + 20 * (i % 2)) for i in range(3)]
    played = Score(notes=note_table(rows))
    heard = render(played, sample_rate=RATE, reverb=0.0, gain=-6.0)
    off = played.notes.copy()
    off["onset"] += np.array([20, -20, 15])
    off["velocity"] = 70
    found = refined(played.replace(notes=off), heard, steps=30)
    assert np.abs(found.onset_seconds - played.onset_seconds).max() < 0.007
    assert found.notes["velocity"][1] > found.notes["velocity"][0] + 5
    assert found.notes["velocity"][1] > found.notes["velocity"][2] + 5
    assert (found.offset_seconds == played.replace(notes=off).offset_seconds).all()


def test_what_cannot_be_fitted_is_said() -> None:
    score = Score(notes=note_table([(960, 480, 60)]))
    with pytest.raises(OptionError, match="at least 1"):
        refined(score, Audio(np.zeros(RATE), RATE), steps=0)
    with pytest.raises(AudioError, match="ends before"):
        refined(score, Audio(np.zeros(10), RATE))


def test_silence_and_no_notes_stay() -> None:
    score = Score(notes=note_table([(960, 480, 60)]))
    assert refined(score, Audio(np.zeros(3 * RATE), RATE)) == score
    assert refined(Score(), Audio(np.zeros(RATE), RATE)) == Score()
