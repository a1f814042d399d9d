from dataclasses import replace

import pytest
import torch

from symbolic_music.errors import ModelError
from symbolic_music.synthesis.ddsp.measured_partials import Measured, measured, names
from symbolic_music.synthesis.ddsp.partials import course, early_rate, spectrum
from symbolic_music.synthesis.ddsp.presets import PROGRAMS

RATE = 44100
PIANO = PROGRAMS[0]


def test_a_table_is_read_by_straight_lines():
    levels = torch.tensor([[0.0, -10.0, -20.0], [-6.0, -10.0, -40.0]])
    empty = torch.zeros(0, 0)
    table = Measured(torch.tensor([60.0, 62.0]), torch.tensor([0.0, 1.0, 2.0]), levels, empty, empty, empty)
    found = table.at(levels, torch.tensor([61.0, 70.0, 20.0]), 5)
    assert found[0].tolist() == pytest.approx([-3, -10, -10 - 20 * 0.58496, -30, -30], abs=1e-3)
    assert found[1, [0, 1, 3]].tolist() == [-6, -10, -40]
    assert found[2, [0, 1, 3]].tolist() == [0, -10, -20]


def test_every_voice_finds_its_table():
    chosen = {voice.measured for voice in PROGRAMS if voice.measured}
    assert chosen == set(names())


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(ModelError, match="'kazoo'; there are: alto-flute"):
        measured("kazoo")


def test_a_piano_is_softer_in_its_highest_octave_and_a_violin_is_not():
    pitch = torch.tensor([60.0, 103.0])
    piano, violin = (
        spectrum(PROGRAMS[program], pitch, torch.tensor([0.6, 0.6]), RATE)[1].square().sum(1) for program in (0, 40)
    )
    assert 10 * torch.log10(piano[0] / piano[1]) > 8
    assert abs(10 * torch.log10(violin[0] / violin[1])) < 8


def test_high_partials_and_high_notes_die_first():
    pitch = torch.tensor([62.0, 84.0])
    frequencies, _ = spectrum(PIANO, pitch, torch.tensor([0.6, 0.6]), RATE)
    fading = course(PIANO, pitch, frequencies, torch.tensor([[0.0, 0.5, 4.0]] * 2))
    assert fading[:, 0] == pytest.approx(1, abs=1e-5)
    assert fading[0, 1, 0] > 1.5 * fading[0, 1, 15]
    assert fading[0, 2, 0] > 2 * fading[1, 2, 0]
    # The second half of a note falls more slowly than the first.
    assert fading[0, 2, 0] > fading[0, 1, 0] ** 8
    assert early_rate(PIANO, pitch).diff() > 0


def test_a_harder_note_has_more_treble():
    pitch = torch.tensor([60.0, 60.0])
    amplitudes = spectrum(PIANO, pitch, torch.tensor([0.3, 0.9]), RATE)[1]
    assert amplitudes[1, 10] / amplitudes[1, 0] > 3 * amplitudes[0, 10] / amplitudes[0, 0]


def test_a_voice_without_a_table_is_as_its_slope_says():
    plain = replace(PIANO, measured="", slope=-12.0, cutoff=1e9, brightness=0.0, inharmonicity=0.0)
    amplitudes = spectrum(plain, torch.tensor([60.0]), torch.tensor([0.5]), RATE)[1][0]
    assert 20 * torch.log10(amplitudes[0] / amplitudes[1]) == pytest.approx(12, abs=0.01)
