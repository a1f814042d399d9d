"""A constant-Q transform: bins at equal intervals of pitch, windows that are the longer the lower the bin.

Each frame is transformed once by a long FFT, and each bin is a product with the spectrum of its own windowed complex
sine (Brown and Puckette, "An efficient algorithm for the calculation of a constant Q transform", 1992). Bins of an
octave need only the FFT bins around that octave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symbolic_music.errors import OptionError
from symbolic_music.theory import hertz

# Spectra of kernels are left out where they are this much under their largest magnitude.
_LEAST = 1e-3
Parts = NDArray[np.float32]


@dataclass(frozen=True)
class ConstantQShape:
    """Args: `lowest` is the pitch of the first bin, 69 being A4 at 440 Hz; windows are cut to these seconds."""

    sample_rate: int = 16_000
    hop: int = 400
    lowest: float = 21.0
    bins: int = 297
    bins_per_octave: int = 36
    shortest: float = 0.05
    longest: float = 0.4

    def __post_init__(self) -> None:
        if min(self.sample_rate, self.hop, self.bins, self.bins_per_octave) < 1:
            raise OptionError("a constant-Q transform has a rate, a hop and bins of 1 or more")
        if not 0 < self.shortest <= self.longest <= 10:
            raise OptionError("windows of a constant-Q transform last more than 0 and at most 10 seconds")
        if self.frequencies[-1] * 2 > self.sample_rate:
            raise OptionError(
                f"{self.bins} bins reach {self.frequencies[-1]:,.0f} Hz, over half of {self.sample_rate:,} Hz"
            )

    @property
    def frequencies(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Hz of the bins, (bins,)."""
        pitch = self.lowest + 12 / self.bins_per_octave * np.arange(self.bins)
        return np.asarray(hertz(pitch))


class ConstantQ(nn.Module):
    """Magnitudes of the bins: a sine of amplitude 1 has 1 in its bin."""

    def __init__(self, shape: ConstantQShape) -> None:
        super().__init__()
        self.shape = shape
        self.size, found = _kernels(shape)
        self.spans = [(begin, begin + parts.shape[-1]) for begin, parts in found]
        for number, (_, parts) in enumerate(found):
            self.register_buffer(f"kernel{number}", torch.from_numpy(parts), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(B, n) to (B, bins, n // hop + 1); frame f is centred on sample f * hop."""
        half = self.size // 2
        frames = torch.nn.functional.pad(samples, (half, half)).unfold(1, self.size, self.shape.hop)
        spectrum = torch.fft.rfft(frames)
        found = []
        for number, (begin, end) in enumerate(self.spans):
            real, imaginary = self.get_buffer(f"kernel{number}")
            kernel = torch.complex(real, imaginary)
            found.append((spectrum[..., begin:end] @ kernel.T).abs())
        return torch.cat(found, dim=-1).transpose(1, 2)


@lru_cache(maxsize=4)
def _kernels(shape: ConstantQShape) -> tuple[int, list[tuple[int, Parts]]]:
    """Samples of a frame; for each octave the first frequency of its kernels that is kept, and these, (2, bins, n).

    A network is outlined before it is made: the second time they are there.
    """
    rate, hz = shape.sample_rate, shape.frequencies
    # A Hann window's main lobe has four bins of 1 / length: this length parts neighbours.
    quality = 1 / (2 ** (1 / shape.bins_per_octave) - 1)
    seconds = (quality / hz).clip(shape.shortest, shape.longest)
    size = 1 << math.ceil(math.log2(max(2.0, float(seconds.max()) * rate)))
    found = []
    for first in range(0, shape.bins, shape.bins_per_octave):
        own = slice(first, first + shape.bins_per_octave)
        kernel = np.stack([_kernel(f, s, rate, size) for f, s in zip(hz[own], seconds[own], strict=True)])
        strong = np.flatnonzero((np.abs(kernel) > _LEAST * np.abs(kernel).max(axis=1, keepdims=True)).any(axis=0))
        begin, end = int(strong[0]), int(strong[-1]) + 1
        found.append((begin, np.stack([kernel.real, kernel.imag])[:, :, begin:end].astype(np.float32)))
    return size, found


def _kernel(hz: float, seconds: float, rate: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.complex128]]:
    """What the spectrum of a frame is multiplied with, (size // 2 + 1,)."""
    length = max(3, round(seconds * rate))
    window = np.hanning(length + 2)[1:-1]
    at = np.arange(length) - length // 2
    sine = np.zeros(size, np.complex128)
    sine[size // 2 + at] = 2 * window / window.sum() * np.exp(2j * np.pi * hz * at / rate)
    # Parseval: the inner product in time is the one of the spectra, over the size.
    return np.asarray(np.conj(np.fft.fft(sine))[: size // 2 + 1] / size)
