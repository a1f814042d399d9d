"""Features of a note: loudness, pitch, and the six expression controls of MIDI-DDSP. Pure functions.

F frames, K harmonics, M noise magnitudes; frame f is centred on `f * hop` seconds.

Sources: Engel et al., "DDSP" (ICLR 2020, arXiv 2001.04643), section B.2, for the loudness; Wu et al., "MIDI-DDSP:
Detailed Control of Musical Performance via Hierarchical Modeling" (ICLR 2022, arXiv 2112.09312), section 3.2 and
appendix B.2, for the controls.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import AudioError, MissingExtraError

CONTROLS = ("volume", "fluctuation", "vibrato", "brightness", "attack_noise", "peak")
ATTACK_SECONDS = 0.04  # the published 10 frames of 4 ms
VIBRATO_HZ = (3.0, 9.0)
SHORTEST_VIBRATO = 0.2  # seconds, the published 50 frames
QUIET = -80.0  # dB, the floor of a loudness
Curve = NDArray[np.float64]


def a_weighting(frequencies: Tensor) -> Tensor:
    """A-weighting in dB (IEC 61672-1, annex E) at these Hz; 0 at 1 kHz."""
    square = frequencies.double() ** 2
    power = (12194.0**2 * square**2) ** 2 / (
        (square + 20.598997**2) ** 2 * (square + 107.65265**2) * (square + 737.86223**2) * (square + 12194.217**2) ** 2
    )
    return 10 * torch.log10(power.clamp(min=1e-20)) + 2.0


def loudness(audio: Tensor, sample_rate: int, hop: int, size: int = 2048) -> Tensor:
    """A-weighted power of each frame in dB, at least -80; a full-scale sine of 1 kHz has about 0. Differentiable.

    Args:
        audio: (B, n).
        sample_rate: Hz.
        hop: samples between frames.
        size: samples of a frame.

    Returns:
        (B, n // hop + 1), float32.
    """
    window = torch.hann_window(size, dtype=audio.dtype, device=audio.device)
    spectrum = torch.stft(audio, size, hop, window=window, center=True, pad_mode="constant", return_complex=True)
    hz = torch.linspace(0, sample_rate / 2, size // 2 + 1).clamp(min=1.0)
    weight = torch.pow(10.0, a_weighting(hz) / 10).to(audio)
    power = torch.sum(spectrum.abs() ** 2 * weight[:, None], dim=1) * (4 / (size * torch.sum(window**2)))
    return 10 * torch.log10(power.clamp(min=10 ** (QUIET / 10)))


def track_pitch(
    samples: NDArray[np.float32], sample_rate: int, hop: int, lowest: float = 50.0, highest: float = 2200.0
) -> tuple[Curve, NDArray[np.bool_]]:
    """Pitch of each frame in semitones (69 is 440 Hz), and whether it is voiced, by pYIN (librosa).

    Args:
        samples: (n,).
        sample_rate: Hz.
        hop: samples between frames.
        lowest: Hz that is looked for.
        highest: Hz that is looked for.

    Returns:
        (F,) and (F,), F = n // hop + 1. Unvoiced frames hold pYIN's best guess.

    Raises:
        MissingExtraError: without librosa.
    """
    try:
        import librosa
    except ImportError:
        raise MissingExtraError("librosa", "voices") from None
    size = 1 << max(10, math.ceil(math.log2(4 * sample_rate / lowest)))
    found, voiced, _ = librosa.pyin(
        samples, fmin=lowest, fmax=highest, sr=sample_rate, frame_length=size, hop_length=hop, fill_na=None
    )
    return 69 + 12 * np.log2(np.asarray(found, np.float64) / 440), np.asarray(voiced, np.bool_)


def brightness(amplitudes: Tensor) -> Tensor:
    """Mean harmonic number weighted by amplitude: (..., K) -> (...), 1 for a pure tone."""
    number = torch.arange(1, amplitudes.shape[-1] + 1, dtype=amplitudes.dtype, device=amplitudes.device)
    return (amplitudes * number).sum(-1) / amplitudes.sum(-1).clamp(min=1e-9)


def vibrato(semitones: Tensor, hop: float) -> Tensor:
    """Largest bin of the spectrum of a note's pitch deviation, over its length, in semitones: (..., F) -> (...).

    0 where that bin is not at 3 to 9 Hz, or the note is shorter than 0.2 s. A sine of depth d has about 0.37 d. The
    mean is taken out, and the ends are faded over a quarter of the note each, as published.

    Args:
        semitones: pitch at each frame.
        hop: seconds between frames.
    """
    count = semitones.shape[-1]
    if count * hop < SHORTEST_VIBRATO:
        return torch.zeros(semitones.shape[:-1], dtype=semitones.dtype)
    where = (torch.arange(count, dtype=semitones.dtype) + 1) / count
    taper = 0.5 - 0.5 * torch.cos(4 * math.pi * where)
    window = torch.where((where > 0.25) & (where < 0.75), torch.ones_like(taper), taper)
    moved = (semitones - semitones.mean(-1, keepdim=True)) * window
    size, at = (torch.fft.rfft(moved).abs() / count).max(dim=-1)
    rate = at / (count * hop)
    return torch.where((rate >= VIBRATO_HZ[0]) & (rate <= VIBRATO_HZ[1]), size, torch.zeros_like(size))


def controls(semitones: Tensor, amplitudes: Tensor, noise: Tensor, hop: float) -> Tensor:
    """The six expression controls of one note, in the order of `CONTROLS`, shape (6,).

    volume: mean level in dB, the level of a frame being 20 log10 of the sum of its harmonics' amplitudes.
    fluctuation: standard deviation of the level in dB. vibrato: semitones, see `vibrato`. brightness: mean of
    `brightness` (K times the published one, which divides by the number of harmonics). attack_noise: mean noise level
    of the first 40 ms in dB, the level of a frame being the mean over its magnitudes in dB. peak: where the loudest
    frame is, from 0 to 1.

    Args:
        semitones: (F,) pitch.
        amplitudes: (F, K) of the harmonics, linear.
        noise: (F, M) magnitudes, linear.
        hop: seconds between frames.

    Raises:
        AudioError: when the note has no frame.
    """
    if not len(amplitudes):
        raise AudioError("a note without frames has no expression")
    level = decibels(amplitudes.sum(-1))
    first = max(1, round(ATTACK_SECONDS / hop))
    return torch.stack(
        [
            level.mean(),
            level.std(correction=0),
            vibrato(semitones, hop),
            brightness(amplitudes).mean(),
            decibels(noise).mean(-1)[:first].mean(),
            level.argmax() / len(level),
        ]
    )


def decibels(amplitude: Tensor) -> Tensor:
    """20 log10, at least -120."""
    return 20 * torch.log10(amplitude.clamp(min=1e-6))
