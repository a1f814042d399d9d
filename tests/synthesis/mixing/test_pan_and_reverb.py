import numpy as np
import pytest

from symbolic_music.synthesis.mixing.pan_and_reverb import Room, room

RATE = 8000


@pytest.mark.parametrize("cut", [1, 700, 4096, 9000, 300_000])
def test_the_room_is_a_convolution_however_the_sound_is_cut(cut):
    rng = np.random.default_rng(0)
    dry = rng.standard_normal((2, 3 * cut if cut < 5 else 290_000)).astype(np.float32)
    hall = Room(RATE, 0.5)
    wet = np.concatenate([hall.add(dry[:, at : at + cut]) for at in range(0, dry.shape[1], cut)], axis=1)
    response = 0.5 * room(RATE).numpy().astype(np.float64)
    response[:, 0] = 1.0  # the direct sound
    size = dry.shape[1] + response.shape[1]
    exact = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(response, size), size)[:, : dry.shape[1]]
    assert np.abs(wet - exact).max() < 2e-5


def test_without_a_room_the_sound_is_dry():
    dry = np.ones((2, 100), np.float32)
    assert np.array_equal(Room(RATE, 0.0).add(dry), dry)


def test_an_empty_block_changes_nothing():
    hall, dry = Room(RATE, 0.5), np.ones((2, 100), np.float32)
    expected = Room(RATE, 0.5).add(dry)
    assert hall.add(dry[:, :0]).shape == (2, 0)
    assert np.array_equal(hall.add(dry), expected)
