"""The log-mel spectrogram that a flow decoder writes.

Shapes: B batch, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symbolic_music.codec.autoencoder.losses import mel_filters

_FLOOR = 1e-5
# Mean and deviation of the logarithms of music at usual levels: values lie around 0, mostly within 2 of it.
_MEAN, _SPREAD = -9.0, 2.2


def spectra(samples: Tensor, size: int, hop: int) -> Tensor:
    """Complex spectra (B, T, size / 2 + 1) of samples (B, size + (T - 1) hop): windows that lie within them."""
    window = torch.hann_window(size, device=samples.device)
    found: Tensor = torch.stft(samples.float(), size, hop, window=window, center=False, return_complex=True)
    return found.transpose(1, 2) / (0.5 * size)


def log_mel(magnitudes: Tensor, size: int, bands: int, sample_rate: int) -> Tensor:
    """Logarithms of magnitudes (B, T, size / 2 + 1) in mel bands, shifted and scaled to lie around 0: (B, T, bands)."""
    levels = magnitudes @ mel_filters(size, bands, sample_rate).to(magnitudes.device).T
    return torch.as_tensor(((levels * (sample_rate / size)).clamp(min=_FLOOR).log() - _MEAN) / _SPREAD)
