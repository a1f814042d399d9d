"""Distance between decoded and original audio: mel spectra of several sizes (EnCodec, section 3.4)."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import MissingExtraError

# Windows of 2^5 ... 2^11 samples; the short ones have fewer bands.
SIZES = (64, 128, 256, 512, 1024, 2048)
_FLOOR = 1e-4  # -80 dB: quieter components are inaudible


def mel_bands(size: int) -> int:
    """Bands of a window of this many samples: 64, fewer if it has fewer bins."""
    return min(64, size // 8)


@cache
def mel_filters(size: int, bands: int, sample_rate: int) -> Any:
    """Weights of the bins in mel bands: (bands, size / 2 + 1). MissingExtraError without librosa."""
    try:
        from librosa.filters import mel
    except ImportError:
        raise MissingExtraError("librosa", "codec") from None
    with torch.inference_mode(False):  # kept for training, whoever asks first
        return torch.from_numpy(mel(sr=sample_rate, n_fft=size, n_mels=bands))


def mel_spectrum(samples: Tensor, size: int, sample_rate: int) -> Tensor:
    """Magnitudes in mel bands: (..., n) to (..., bands, frames), windows of `size` with 75 % overlap."""
    window = torch.hann_window(size, device=samples.device)
    flat = samples.reshape(-1, samples.shape[-1])
    spectrum = torch.stft(flat, size, size // 4, window=window, return_complex=True).abs()
    found = mel_filters(size, mel_bands(size), sample_rate).to(samples.device) @ spectrum / window.sum()
    return torch.as_tensor(found.reshape(*samples.shape[:-1], *found.shape[-2:]))


def mel_loss(decoded: Tensor, original: Tensor, sample_rate: int) -> Tensor:
    """Mean over the sizes of the absolute differences of mel magnitudes' logarithms, plus the root of their squares.

    Args:
        decoded, original: (B, C, n), n at least 1,024.
        sample_rate: Hz.
    """
    losses = []
    for size in SIZES:
        a, b = ((mel_spectrum(x, size, sample_rate) + _FLOOR).log() for x in (decoded, original))
        losses.append((a - b).abs().mean() + (a - b).square().mean().sqrt())
    return torch.stack(losses).mean()


def waveform_loss(decoded: Tensor, original: Tensor) -> Tensor:
    """Mean absolute difference of the samples."""
    return functional.l1_loss(decoded, original)


def si_sdr(decoded: Tensor, original: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019), (..., n) to (...)."""
    decoded, original = (x - x.mean(-1, keepdim=True) for x in (decoded, original))
    energy = original.square().sum(-1, keepdim=True).clamp(min=1e-12)
    target = (decoded * original).sum(-1, keepdim=True) / energy * original
    noise = (decoded - target).square().sum(-1).clamp(min=1e-12)
    return 10 * torch.log10(target.square().sum(-1).clamp(min=1e-12) / noise)
