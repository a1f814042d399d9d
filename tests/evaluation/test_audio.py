from __future__ import annotations

import math

import numpy as np
import pytest

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.audio import loudness_difference, spectral_distance
from symbolic_music.synthesis.audio import Audio

RATE = 8000


def tone(frequency: float, gain: float = 0.5, seconds: float = 1.0) -> Audio:
    time = np.arange(round(RATE * seconds)) / RATE
    return Audio(gain * np.sin(2 * np.pi * frequency * time)[None], RATE)


def test_a_sound_is_no_way_from_itself_and_nearer_to_its_like() -> None:
    assert spectral_distance(tone(440), tone(440)) == 0
    near, far = spectral_distance(tone(440), tone(445)), spectral_distance(tone(440), tone(880))
    assert 0 < near < far
    # Stereo is heard as its sum, and a shorter sound goes on in silence.
    stereo = Audio(np.repeat(tone(440).samples, 2, axis=0), RATE)
    assert spectral_distance(stereo, tone(440)) == pytest.approx(0, abs=1e-5)
    assert spectral_distance(tone(440), tone(440, seconds=0.5)) > 1


def test_half_the_amplitude_is_six_decibels() -> None:
    assert loudness_difference(tone(440), tone(440, 0.25)) == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert loudness_difference(tone(440, 0), tone(440, 0)) == 0
    assert loudness_difference(tone(440), tone(440, 0)) == pytest.approx(
        80 - 20 * math.log10(2 * math.sqrt(2)), abs=0.1
    )


def test_sounds_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(EvaluationError, match="rates"):
        spectral_distance(tone(440), Audio(tone(440).samples, 16000))
    with pytest.raises(EvaluationError, match="samples"):
        loudness_difference(tone(440), tone(440, seconds=0.1))
