"""Models with AudioSeal's methods are given mono sound at 16 kHz, and what they make is added."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbolic_music.errors import AudioError, OptionError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.audioseal_watermark import detect_audioseal, marked_by_audioseal

pytest.importorskip("soxr")


class Generator:
    """A tone of 3 kHz or, for the message (1,), of 4 kHz."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def get_watermark(self, x: torch.Tensor, message: torch.Tensor | None = None) -> torch.Tensor:
        self.shapes.append(tuple(x.shape))
        hz = 3_000 if message is None or not int(message[0, 0]) else 4_000
        return 0.01 * torch.sin(torch.arange(x.shape[-1]) * (2 * np.pi * hz / 16_000)).expand_as(x)


class Detector:
    """Finds that tone."""

    def detect_watermark(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        spectrum = torch.fft.rfft(x[0, 0]).abs() / x.shape[-1]
        levels = [float(spectrum[round(hz * x.shape[-1] / 16_000)]) for hz in (3_000, 4_000)]
        return torch.tensor([1.0 if max(levels) > 1e-3 else 0.0]), torch.tensor([[int(levels[1] > levels[0])]])


def sound(seconds: float, rate: int) -> Audio:
    tone = 0.3 * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    return Audio(np.stack([tone, 0.5 * tone]).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_mark_is_added_to_each_channel_and_found(rate: int) -> None:
    plain = sound(2.0, rate)
    marked = marked_by_audioseal(plain, Generator(), (1,))
    assert marked.sample_rate == rate
    change = marked.samples - plain.samples
    assert np.allclose(change[0], change[1], atol=1e-6)
    assert 0.006 < change[0].std() < 0.008  # of a tone of .01
    assert detect_audioseal(marked, Detector()) == (1.0, (1,))
    assert not detect_audioseal(plain, Detector()).is_marked
    assert np.array_equal(marked_by_audioseal(plain, Generator(), strength=0.0).samples, plain.samples)


def test_long_sound_goes_in_pieces() -> None:
    made = Generator()
    marked = marked_by_audioseal(sound(50.0, 16_000), made)
    assert made.shapes == [(1, 1, 400_000), (1, 1, 400_000)]
    assert detect_audioseal(marked, Detector()).message == (0,)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(AudioError):
        detect_audioseal(Audio(np.zeros((1, 0), np.float32), 16_000), Detector())
    with pytest.raises(OptionError, match="bits"):
        marked_by_audioseal(sound(1.0, 16_000), Generator(), (2,))
    with pytest.raises(OptionError, match="strength"):
        marked_by_audioseal(sound(1.0, 16_000), Generator(), strength=-1.0)
