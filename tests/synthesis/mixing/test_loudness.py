import numpy as np
import pyloudnorm
import pytest

from symbolic_music.synthesis.mixing.loudness import Meter


def swelling(rate: int, samples: int, top: float) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((2, samples))
    return (noise * np.linspace(0, top, samples)).astype(np.float32)


@pytest.mark.parametrize(("rate", "samples"), [(44100, 100_000), (22050, 154_353), (11025, 50_000), (48000, 20_000)])
@pytest.mark.parametrize("cut", [997, 2048, 20_000, 200_000])
def test_the_meter_agrees_with_pyloudnorm_however_the_sound_is_cut(rate, samples, cut):
    sound = swelling(rate, samples, 0.3)
    meter = Meter(rate)
    for first in range(0, samples, cut):
        meter.add(sound[:, first : first + cut])
    assert meter.loudness() == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(sound.T.astype(float)))


def test_silence_has_no_loudness_and_a_short_sound_has_one():
    meter = Meter(8000)
    assert meter.loudness() == -np.inf
    meter.add(np.zeros((2, 9000), np.float32))
    assert meter.loudness() == -np.inf
    short = Meter(8000)
    short.add(swelling(8000, 500, 0.5))
    assert -40 < short.loudness() < -10
