from dataclasses import replace

import pytest
import torch

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.oscillators import (
    Notes,
    bloom_terms,
    blooming_harmonics,
    first_phases,
    moving_harmonics,
    pitch_curve,
)
from symbolic_music.synthesis.ddsp.partials import course, spectrum
from symbolic_music.synthesis.ddsp.presets import PROGRAMS, Voice

RATE, HOP, FRAMES = 44100, 256, 120


def curves(voice: Voice, pitches: list[float]):
    notes = Notes(torch.tensor(pitches), torch.full((len(pitches),), 0.7), torch.ones(len(pitches)),
                  torch.arange(len(pitches)))  # fmt: skip
    time = (torch.arange(FRAMES) * (HOP / RATE)).expand(len(pitches), -1)
    f0 = [pitch_curve(voice, notes, time, player) for player in range(len(voice.unison))]
    begin = first_phases(notes, f0)
    phases = [begin[:, i, None] + dsp.cycles_at_frames(curve, HOP, RATE) for i, curve in enumerate(f0)]
    return notes, time, f0, phases


@pytest.mark.parametrize("program", [40, 52, 56, 73, 88, 93])  # violin, choir, trumpet, flute, pads
def test_waves_by_polynomials_are_those_of_every_frame(program):
    # Without the harmonics that vibrato takes over half the sample rate, which the two end in different places.
    voice = replace(PROGRAMS[program], partials=40)
    notes, time, f0, phases = curves(voice, [50.0, 57.0, 62.0])
    frequencies, start = spectrum(voice, notes.pitch, notes.velocity, RATE)
    gain = 0.5 + 0.5 * torch.sin(9 * time)
    amplitudes = start[:, None] * course(voice, notes.pitch, frequencies, time) * gain[..., None]
    exact = moving_harmonics(voice, notes, amplitudes, f0, phases, HOP, RATE)
    fast = blooming_harmonics(voice, notes, start, gain, time, f0, phases, HOP, RATE)
    assert torch.sqrt(((fast - exact) ** 2).mean() / (exact**2).mean()) < 1e-4


def test_a_bloom_takes_as_many_terms_as_it_is_deep():
    assert bloom_terms(replace(PROGRAMS[40], bloom=0.0), 64) == 1
    assert bloom_terms(PROGRAMS[40], 64) < bloom_terms(PROGRAMS[56], 64) < 20


def test_tables_sound_like_sines_to_60_db():
    voice = replace(PROGRAMS[40], vibrato=40.0, vibrato_delay=0.0)
    notes, time, f0, phases = curves(voice, [55.0])
    frequencies, start = spectrum(voice, notes.pitch, notes.velocity, RATE)
    amplitudes = start[:, None] * course(voice, notes.pitch, frequencies, time)
    tone = moving_harmonics(voice, notes, amplitudes, f0, phases, HOP, RATE)
    exact = dsp.harmonic_bank(dsp.upsample_linear(f0[0], HOP), dsp.upsample_amplitudes(amplitudes, HOP), RATE)
    assert torch.sqrt(((tone - exact) ** 2).mean() / (exact**2).mean()) < 1e-3
