import numpy as np
import pytest

from symbolic_music.errors import AudioError, EmptyScoreError, OptionError
from symbolic_music.score import BEND, Score, note_table
from symbolic_music.synthesis import Audio, fit_notes, render

RATE = 8000
ONSETS, PITCHES, VELOCITIES = (100, 350, 640, 640, 900), (60, 64, 67, 72, 65), (50, 90, 70, 110, 60)
WRONG = (28, -22, 15, -30, 20)
CENTS = 23


def phrase(program: int, onsets: list[int], velocities: list[int], cents: float = 0.0) -> Score:
    rows = [(on, 350, p, v, program, 0, 0) for on, p, v in zip(onsets, PITCHES, velocities, strict=True)]
    return Score(500, note_table(rows), bends=np.array([(0, round(cents / 200 * 8192), 0)] if cents else [], BEND))


@pytest.mark.parametrize(("program", "gain"), [(73, -6.0), (0, -6.0), (73, None)])
def test_onsets_velocities_and_pitches_are_recovered(program, gain):
    # A bent piano is played by another oscillator: its pitch is checked where it is written.
    cents = CENTS if program == 73 else 0
    heard = render(phrase(program, ONSETS, VELOCITIES, cents), sample_rate=RATE, reverb=0.0, gain=-6.0)
    guess = phrase(program, [a + b for a, b in zip(ONSETS, WRONG, strict=True)], [75] * 5)
    found = fit_notes(guess, heard, gain=gain, steps=70)
    order = np.argsort([a + b for a, b in zip(ONSETS, WRONG, strict=True)], kind="stable")
    assert np.abs(found.onset_seconds - np.array(ONSETS)[order] / 1000).max() < 0.005
    assert np.abs(found.pitch - np.array(PITCHES)[order] - cents / 100).max() < 0.02
    # Two notes at once have partials in common, and how these add is left out.
    assert np.abs(found.velocity - np.array(VELOCITIES)[order]).max() < (5 if gain is not None else 7)
    assert found.gain == pytest.approx(-6.0, abs=1.0)
    assert found.loss[-1] < 0.3 * found.loss[0]


def test_what_cannot_be_fitted():
    heard = render(phrase(0, ONSETS, VELOCITIES), sample_rate=RATE)
    with pytest.raises(EmptyScoreError):
        fit_notes(Score(), heard)
    with pytest.raises(OptionError, match="drums"):
        fit_notes(Score(500, note_table([(0, 100, 38, 90, 0, 9, 0)])), heard)
    with pytest.raises(OptionError, match="step"):
        fit_notes(phrase(0, ONSETS, VELOCITIES), heard, steps=0)
    for value in (0.0, np.nan):
        with pytest.raises(AudioError, match="no sound"):
            fit_notes(phrase(0, ONSETS, VELOCITIES), Audio(np.full((2, RATE), value, np.float32), RATE))
