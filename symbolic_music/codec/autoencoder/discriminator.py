"""A discriminator: small convolutional networks on complex spectra of several sizes.

Source: Défossez et al. 2022 (EnCodec, section 3.4, figure 2), the multi-scale STFT discriminator, narrower.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

SIZES = (1024, 512, 256)
Judgement = tuple[Tensor, list[Tensor]]  # scores, and the features that led to them


class Discriminator(nn.Module):
    """Judges sound (B, C, n), once for each size of spectrum.

    Args:
        channels: of the sound.
        width: channels of its layers.
        sizes: of the FFTs.
    """

    def __init__(self, channels: int = 1, width: int = 16, sizes: tuple[int, ...] = SIZES) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_Scale(channels, width, size) for size in sizes)

    def forward(self, samples: Tensor) -> list[Judgement]:
        """Scores above 0 for what it takes for real, below for what it takes for made."""
        return [scale(samples) for scale in self.scales]


class _Scale(nn.Module):
    def __init__(self, channels: int, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        inputs = [2 * channels, width, width, width]
        self.layers: Any = nn.ModuleList(
            weight_norm(nn.Conv2d(one, width, (3, 9), (1, 2), dilation=(2**i, 1), padding=(2**i, 4)))
            for i, one in enumerate(inputs)
        )
        self.last: Any = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, samples: Tensor) -> Judgement:
        batch, channels, n = samples.shape
        assert isinstance(self.window, Tensor)
        spectrum = torch.stft(
            samples.reshape(-1, n), self.size, self.size // 4, window=self.window, normalized=True, return_complex=True
        )
        # Real and imaginary parts of each channel, over frames and bins.
        x = torch.view_as_real(spectrum).permute(0, 3, 2, 1).reshape(batch, 2 * channels, -1, spectrum.shape[1])
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.last(x), features


def critic_loss(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """The loss of the discriminator: hinge losses, averaged over its scales."""
    losses = [
        functional.relu(1 - of_real).mean() + functional.relu(1 + of_made).mean()
        for (of_real, _), (of_made, _) in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(made: list[Judgement]) -> Tensor:
    """The adversarial loss of the codec."""
    return torch.stack([functional.relu(1 - scores).mean() for scores, _ in made]).mean()


def matching_loss(real: list[Judgement], made: list[Judgement]) -> Tensor:
    """Distance of the features of what is made from those of what is real, relative to these."""
    losses = [
        (b - a.detach()).abs().mean() / a.detach().abs().mean().clamp(min=1e-6)
        for (_, of_real), (_, of_made) in zip(real, made, strict=True)
        for a, b in zip(of_real, of_made, strict=True)
    ]
    return torch.stack(losses).mean()
