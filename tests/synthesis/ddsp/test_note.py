import pytest
import torch

from symbolic_music.synthesis.ddsp.drums import drum_sound
from symbolic_music.synthesis.ddsp.noise import white_noise
from symbolic_music.synthesis.ddsp.note import sound
from symbolic_music.synthesis.ddsp.oscillators import Notes
from symbolic_music.synthesis.ddsp.presets import PROGRAMS

RATE = 22050


def notes(pitch: list[float], velocity: list[float], length: list[float], first_key: int = 0) -> Notes:
    keys = torch.arange(first_key, first_key + len(pitch))
    return Notes(torch.tensor(pitch, dtype=torch.float32), torch.tensor(velocity), torch.tensor(length), keys)


@pytest.mark.parametrize("program", [0, 12, 19, 40, 48, 73])
def test_a_batch_of_one_is_a_slice_of_a_batch(program):
    many = sound(PROGRAMS[program], notes([60, 64, 67], [0.5, 0.7, 0.9], [0.3, 0.5, 0.4]), RATE)
    one = sound(PROGRAMS[program], notes([64], [0.7], [0.5], first_key=1), RATE)
    assert torch.allclose(many[1, : one.shape[1]], one[0], atol=1e-5)


def test_drums_too():
    many = drum_sound(38, notes([38, 38], [0.5, 0.9], [0.1, 0.1]), RATE)
    assert torch.allclose(many[1:], drum_sound(38, notes([38], [0.9], [0.1], first_key=1), RATE), atol=1e-6)


def test_sound_ends_in_silence():
    for program in range(128):
        wave = sound(PROGRAMS[program], notes([60.0], [0.9], [0.2]), RATE)[0]
        assert wave[-1].abs() < 1e-4 * wave.abs().max()


@pytest.mark.parametrize("program", [0, 40, 73])
def test_a_gradient_reaches_the_notes(program):
    pitch, velocity = torch.tensor([60.2], requires_grad=True), torch.tensor([0.6], requires_grad=True)
    wave = sound(PROGRAMS[program], Notes(pitch, velocity, torch.tensor([0.2]), torch.tensor([0])), RATE)
    (wave**2).sum().backward()
    assert velocity.grad is not None
    assert velocity.grad.item() > 0
    assert pitch.grad is not None
    assert torch.isfinite(pitch.grad).all()


def test_noise_of_different_notes_differs_and_never_ends():
    noise = white_noise(torch.tensor([0, 1]), 600_000)
    assert noise.shape == (2, 600_000)
    assert abs(float((noise[0] * noise[1]).mean())) < 0.01
