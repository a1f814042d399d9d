"""Spectra, mel spectrograms and sound of a flow decoder."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from symbolic_music.codec.convnext import reach, stack
from symbolic_music.codec.flow.decoder import FlowConfig
from symbolic_music.codec.flow.inverse_stft_head import InverseStftHead, sound
from symbolic_music.codec.flow.mel import log_mel, spectra
from symbolic_music.codec.flow.velocity_field import VelocityField
from symbolic_music.errors import ModelError

librosa = pytest.importorskip("librosa")


def test_spectra_turn_back_into_their_samples() -> None:
    samples = torch.randn(2, 128 + 20 * 32)
    found = spectra(samples, 128, 32)
    assert found.shape == (2, 21, 65)
    back = sound(found, 128, 32)
    assert torch.allclose(back, samples[:, 64:-64], atol=1e-4)


def test_a_sine_has_its_amplitude_in_its_bin() -> None:
    """Half of the amplitude: the other half is at the negative frequency."""
    wave = 0.5 * torch.sin(torch.arange(1024) * 2 * math.pi * 10 / 128)[None]
    assert float(spectra(wave, 128, 32)[0, :, 10].abs().mean()) == pytest.approx(0.25, rel=1e-3)


def test_the_mel_spectrogram_is_librosas() -> None:
    samples = np.random.default_rng(0).standard_normal(2_048).astype(np.float32)
    ours = log_mel(spectra(torch.from_numpy(samples)[None], 512, 128).abs(), 512, 20, 16_000)[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=512, hop_length=128, n_mels=20, power=1.0, center=False
    ).T
    # Bands are averages of bins here and integrals over Hz there; magnitudes are those of a sine's half there too.
    expected = np.log(theirs / 256 * (16_000 / 512))
    assert np.abs((ours * 2.2 - 9.0) - expected).max() < 1e-4


def test_blocks_reach_as_far_as_they_say() -> None:
    torch.manual_seed(0)
    blocks, x = stack(4, 8, 4), torch.randn(1, 101, 4, requires_grad=True)
    y = x
    for block in blocks:
        y = block(y)
    y[0, 50].sum().backward()
    assert x.grad is not None
    touched = torch.nonzero(x.grad[0].abs().sum(-1))[:, 0]
    assert (int(touched.min()), int(touched.max())) == (50 - reach(4), 50 + reach(4))
    assert reach(4) == 3 * (1 + 2 + 4 + 1)


def test_a_new_head_has_the_phases_of_its_source() -> None:
    head = InverseStftHead(8, 64, 12, 12, 2)
    torch.nn.init.zeros_(head.out.weight)
    source = torch.polar(torch.rand(1, 5, 33) + 0.1, torch.rand(1, 5, 33) * 6)
    made = head(torch.randn(1, 5, 8), source)
    assert torch.allclose((made / made.abs()), source / source.abs(), atol=1e-4)


def test_a_new_field_stands_still_and_times_change_a_trained_one() -> None:
    torch.manual_seed(0)
    field = VelocityField(8, 16, 16, 2)
    x, condition = torch.randn(2, 7, 8), torch.randn(2, 7, 16)
    assert not field(x, torch.tensor([0.1, 0.9]), condition).any()
    for weights in (field.out.weight, field.changes.weight):
        torch.nn.init.normal_(weights, std=0.3)
    early, late = (field(x, torch.full((2,), time), condition) for time in (0.1, 0.9))
    assert not torch.allclose(early, late, atol=1e-3)


@pytest.mark.parametrize(
    "settings", [{"size": 256}, {"blocks": 10**6}, {"condition_blocks": 10**6}, {"head_blocks": 10**6}]
)
def test_shapes_that_make_no_sound_or_no_end_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ModelError):
        FlowConfig(**settings)
