import pytest
import torch

pytest.importorskip("auraloss")
from symbolic_music.synthesis.analysis.spectral_loss import SIZES, spectral_loss


def sines(hertz: float, gain: float = 0.3) -> torch.Tensor:
    return gain * torch.sin(2 * torch.pi * hertz * torch.arange(8192) / 22050)[None]


def test_nothing_differs_from_itself():
    assert spectral_loss(sines(440), sines(440)) == 0


def test_it_is_the_published_sum():
    heard, wanted = sines(440), sines(660, 0.2)
    total = 0.0
    for size in SIZES:
        window = torch.hann_window(size)
        two = [
            torch.stft(x, size, size // 4, window=window, return_complex=True).abs().clamp(min=1e-4)
            for x in (heard, wanted)
        ]
        total += (two[0] - two[1]).abs().mean() + (two[0].log() - two[1].log()).abs().mean()
    assert spectral_loss(heard, wanted) == pytest.approx(float(total / len(SIZES)), rel=1e-3)


def test_it_falls_towards_the_right_level():
    gain = torch.tensor(0.1, requires_grad=True)
    spectral_loss(gain * sines(440, 1.0), sines(440, 0.3)).backward()
    assert gain.grad is not None
    assert gain.grad < 0
