import json
import math
from itertools import pairwise

import numpy as np
import pytest

from symbolic_music.errors import AudioError
from symbolic_music.synthesis.analysis.harmonics import HOP
from symbolic_music.synthesis.analysis.notes import TakenNote
from symbolic_music.synthesis.analysis.partial_tables import NUMBERS, measure_held, measure_struck


def taken(pitch: float, amplitudes: np.ndarray) -> TakenNote:
    frames, partials = amplitudes.shape
    ratios = np.arange(1.0, partials + 1)
    still = np.zeros(frames)
    noise = np.zeros((frames, 65), np.float32)
    return TakenNote(pitch, still, amplitudes.astype(np.float32), noise, ratios, frames, 0.0, still)


def test_levels_of_a_held_note_are_its_partials():
    slope = np.arange(1.0, 81) ** -2.0  # 12 dB an octave
    table = measure_held([taken(pitch, np.tile(slope, (100, 1))) for pitch in (48, 50, 52)])
    levels = np.array(table.levels)
    assert table.pitches == [48, 50, 52]
    assert levels[1, 0] - levels[1, :4] == pytest.approx([0, 12.04, 19.08, 24.08], abs=0.01)
    assert not table.fast


def test_a_struck_note_has_two_rates_and_its_level_is_that_of_the_onset():
    time = np.arange(1000)[:, None] * HOP
    power = 0.9 * 10 ** (-30 * time / 10) + 0.1 * 10 ** (-5 * time / 10)
    amplitudes = np.sqrt(power) * np.arange(1.0, 81) ** -1.0
    table = measure_struck([taken(pitch, amplitudes) for pitch in (45, 48, 51, 54)])
    assert table.fast[1][0] == pytest.approx(30, rel=0.15)
    assert table.slow[1][0] == pytest.approx(5, rel=0.15)
    assert table.share[1][0] == pytest.approx(-10, abs=1)
    assert table.levels[1][0] == pytest.approx(0, abs=0.7)


def test_a_partial_under_the_noise_goes_on_falling():
    amplitudes = np.full((100, 80), 1e-9)
    amplitudes[:, :3] = 1.0
    levels = measure_held([taken(pitch, amplitudes) for pitch in (60, 62, 64)]).levels[0]
    fall = [18 * math.log2(b / a) for a, b in pairwise(NUMBERS[4:])]
    assert levels[3] < levels[2] - 75
    assert (np.array(levels[4:-1]) - levels[5:]) == pytest.approx(fall, abs=1e-6)


def test_json_holds_the_table():
    table = measure_held([taken(pitch, np.ones((100, 80))) for pitch in (60, 62, 64)])
    stored = json.loads(table.to_json())
    assert set(stored) == {"pitches", "numbers", "levels"}
    assert np.array(stored["levels"]).shape == (3, len(NUMBERS))


def test_too_few_notes_are_an_error():
    with pytest.raises(AudioError, match="needs 3 notes, not 2"):
        measure_held([taken(60, np.ones((100, 80)))] * 2)
