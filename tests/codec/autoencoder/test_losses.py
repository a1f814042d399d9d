"""Losses of codecs on sounds with known differences; the critic learns to tell noise from tones."""

from __future__ import annotations

import pytest
import torch

from symbolic_music.codec.autoencoder.discriminator import Discriminator, adversarial_loss, critic_loss, matching_loss
from symbolic_music.codec.autoencoder.losses import mel_filters, mel_loss, mel_spectrum, si_sdr, waveform_loss

pytest.importorskip("librosa")


def tone(pitch: float, n: int = 4096) -> torch.Tensor:
    return 0.5 * torch.sin(2 * torch.pi * pitch * torch.arange(n) / 16_000)[None, None]


def test_mel_loss_is_zero_for_the_same_and_grows_with_distance() -> None:
    a = tone(440)
    assert float(mel_loss(a, a, 16_000)) == pytest.approx(0, abs=1e-5)
    near, far = mel_loss(tone(466), a, 16_000), mel_loss(tone(1760), a, 16_000)
    assert 0 < float(near) < float(far)
    # Twice as loud is ln 2 in every band that is well above the floor.
    loud = (mel_spectrum(2 * a, 1024, 16_000) / mel_spectrum(a, 1024, 16_000)).median()
    assert float(loud) == pytest.approx(2, rel=1e-4)


def test_si_sdr_does_not_know_levels_and_knows_noise() -> None:
    torch.manual_seed(0)
    a, noise = tone(440), torch.randn(1, 1, 4096)
    noise = noise - (noise * a).sum() / (a * a).sum() * a
    noise = noise * (a.norm() / noise.norm() / 10)
    assert float(si_sdr(a + noise, a)) == pytest.approx(20, abs=0.1)
    assert float(si_sdr(3 * (a + noise), a)) == pytest.approx(20, abs=0.1)
    assert float(waveform_loss(a + 0.1, a)) == pytest.approx(0.1)


def test_the_critic_tells_tones_from_noise() -> None:
    torch.manual_seed(0)
    critic = Discriminator(1, 4, (256,))
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    for step in range(30):
        real, made = tone(300 + 20 * step), 0.3 * torch.randn(1, 1, 4096)
        loss = critic_loss(critic(real), critic(made))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        real, made = critic(tone(777)), critic(0.3 * torch.randn(1, 1, 4096))
    assert float(loss.detach()) < 1
    assert real[0][0].mean() > made[0][0].mean() + 0.5
    assert float(adversarial_loss(real)) < float(adversarial_loss(made))
    assert float(matching_loss(real, real)) == 0
    assert float(matching_loss(real, made)) > 0.1


def test_filters_that_inference_asks_for_first_are_for_training_too() -> None:
    with torch.inference_mode():
        filters = mel_filters(96, 7, 8_000)
    assert not filters.is_inference()
