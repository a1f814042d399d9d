import math

import numpy as np
import pytest
import torch

from symbolic_music.errors import AudioError
from symbolic_music.synthesis.analysis import features

HOP = 0.004


def test_a_weighting_is_the_standards_table():
    # IEC 61672-1, table 3, to its tenth of a decibel.
    table = {31.623: -39.4, 100: -19.1, 501.19: -3.2, 1000: 0.0, 2511.9: 1.3, 10_000: -2.5}
    found = features.a_weighting(torch.tensor(list(table)))
    assert found.numpy() == pytest.approx(list(table.values()), abs=0.07)


@pytest.mark.parametrize(("hertz", "decibels"), [(1000, 0.0), (100, -19.1)])
def test_loudness_of_a_full_sine_is_its_weight(hertz, decibels):
    sine = torch.sin(2 * math.pi * hertz * torch.arange(44100) / 44100)
    found = features.loudness(torch.stack([sine, 0.1 * sine, 0 * sine]), 44100, 256)
    assert found[0, 80] == pytest.approx(decibels, abs=0.2)
    assert found[1, 80] == pytest.approx(decibels - 20, abs=0.2)
    assert (found[2] == features.QUIET).all()


def test_loudness_has_a_gradient():
    sound = torch.rand(1, 2048, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: features.loudness(x, 8000, 512, 512), sound)


def test_brightness_is_the_mean_harmonic():
    assert features.brightness(torch.tensor([1.0, 0, 0])) == 1
    assert features.brightness(torch.tensor([[1.0, 1, 1], [0, 0, 3]])).tolist() == [2, 3]


@pytest.mark.parametrize("rate", [4.0, 6.0, 8.0])
def test_vibrato_finds_depth_within_its_rates(rate):
    time = torch.arange(500) * HOP
    depth = 0.4
    found = features.vibrato(60 + depth * torch.sin(2 * math.pi * rate * time), HOP)
    assert found == pytest.approx(0.375 * depth, rel=0.03)


@pytest.mark.parametrize(("rate", "frames"), [(1.0, 500), (12.0, 500), (6.0, 49)])
def test_slow_and_fast_waves_and_short_notes_are_no_vibrato(rate, frames):
    time = torch.arange(frames) * HOP
    assert features.vibrato(60 + 0.4 * torch.sin(2 * math.pi * rate * time), HOP) == 0


def test_controls_of_a_made_note():
    frames = 250
    time = torch.arange(frames) * HOP
    level = -20 + 3 * torch.sin(2 * math.pi * time)  # its peak is a quarter in
    shares = torch.tensor([0.5, 0.3, 0.2])
    noise = torch.full((frames, 5), 1e-3)
    noise[:10] = 1e-2
    pitch = 60 + 0.2 * torch.sin(2 * math.pi * 5 * time)
    found = dict(
        zip(features.CONTROLS, features.controls(pitch, 10 ** (level / 20)[:, None] * shares, noise, HOP), strict=True)
    )
    assert found["volume"] == pytest.approx(-20, abs=0.01)
    assert found["fluctuation"] == pytest.approx(3 / math.sqrt(2), rel=0.01)
    assert found["vibrato"] == pytest.approx(0.075, rel=0.03)
    assert found["brightness"] == pytest.approx(1.7)
    assert found["attack_noise"] == pytest.approx(-40, abs=0.01)
    assert found["peak"] == pytest.approx(0.25, abs=0.01)


def test_no_frames_have_no_expression():
    with pytest.raises(AudioError, match="without frames"):
        features.controls(torch.zeros(0), torch.zeros(0, 3), torch.zeros(0, 5), HOP)


def test_pitch_is_tracked():
    pytest.importorskip("librosa")
    sine = np.sin(2 * np.pi * 220 * np.arange(22050) / 22050).astype(np.float32)
    pitch, voiced = features.track_pitch(sine, 22050, 128, 100, 500)
    assert len(pitch) == len(voiced) == 22050 // 128 + 1
    assert voiced[20:-20].all()
    assert np.median(pitch) == pytest.approx(57, abs=0.05)
