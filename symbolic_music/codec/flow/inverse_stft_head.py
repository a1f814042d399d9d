"""From a mel spectrogram to sound: a network of frames gives spectra, and their inverse transform is the sound.

Magnitudes and phases come from blocks at the frame rate, after Vocos (Siuzdak 2023, section 3); the phases begin with
those of a source, the plain tones of the score over faint noise, as in neural source-filter models (Wang et al. 2019;
with an inverse STFT in HiFTNet, Li et al. 2023).

Shapes: B batch, T frames, M mel bands, K = size / 2 + 1 bins.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from symbolic_music.codec.convnext import stack

_QUIET = 1e-4
_LOUDEST = 4.0  # of a logarithm of a magnitude
_START = -6.0


class InverseStftHead(nn.Module):
    """Spectra of sound from mel spectrograms and a source.

    Args:
        bands: M.
        size: of the windows.
        width, hidden, blocks: of its blocks.
    """

    def __init__(self, bands: int, size: int, width: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.bins = size // 2 + 1
        self.into = nn.Linear(bands + self.bins, width)
        self.blocks = stack(width, hidden, blocks)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2 * self.bins)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)
        nn.init.constant_(self.out.bias[: self.bins], _START)

    def forward(self, mel: Tensor, source: Tensor) -> Tensor:
        """Complex spectra (B, T, K) of mel spectrograms (B, T, M) and the complex spectra of their source."""
        level = source.abs()
        x = self.into(torch.cat([mel, (level + _QUIET).log() / 3 + 2], dim=-1))
        for block in self.blocks:
            x = block(x)
        magnitude, turn = self.out(self.norm(x)).float().split(self.bins, dim=-1)
        size = magnitude.clamp(max=_LOUDEST).exp()
        unit = source / level.clamp(min=1e-9)
        return torch.as_tensor(unit * torch.polar(size, turn))


def sound(spectra: Tensor, size: int, hop: int) -> Tensor:
    """Samples (B, (T - 1) hop) of spectra (B, T, K) whose first frame is centred on the first sample."""
    window = torch.hann_window(size, device=spectra.device)
    return torch.istft(0.5 * size * spectra.transpose(1, 2), size, hop, window=window, center=True)
