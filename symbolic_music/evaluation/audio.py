"""Compare audio with audio: spectra and loudness. Notes are compared with notes in `transcription_metrics`.

What is compared is taken to be aligned: the same piece, rendered twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.deprecation import old_names
from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation import transcription_metrics
from symbolic_music.synthesis.audio import Audio

# Sizes of the transforms of the spectral distance, with three quarters of overlap (Engel et al. 2020, section 4.2.1).
SIZES = (2048, 1024, 512, 256, 128, 64)
_QUIET = 1e-7
Signal = NDArray[np.float64]


def validate(first: Audio, second: Audio) -> None:
    """EvaluationError unless both have the same sample rate and at least a window of samples."""
    if first.sample_rate != second.sample_rate:
        raise EvaluationError(f"sample rates differ: {first.sample_rate} and {second.sample_rate} Hz")
    if min(first.samples.shape[1], second.samples.shape[1]) < SIZES[0]:
        raise EvaluationError(f"sound of at least {SIZES[0]} samples is compared")


def spectral_distance(first: Audio, second: Audio) -> float:
    """Multi-scale spectral distance of the mono sums: mean absolute difference of magnitudes, plus that of their logs.

    The mean over six sizes, as DDSP's loss (Engel et al. 2020); the shorter sound is padded with silence.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    length = max(first.samples.shape[1], second.samples.shape[1])
    one, other = (_mono(audio, length) for audio in (first, second))
    out = []
    for size in SIZES:
        a, b = _magnitudes(one, size), _magnitudes(other, size)
        out.append(np.abs(a - b).mean() + np.abs(np.log(a + _QUIET) - np.log(b + _QUIET)).mean())
    return float(np.mean(out))


def loudness_difference(first: Audio, second: Audio, window: float = 0.1) -> float:
    """Mean absolute difference in decibels of the levels in windows of a tenth of a second, where either sounds.

    A level is the root of the mean square, at least -80 dB.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    length = max(first.samples.shape[1], second.samples.shape[1])
    size = max(1, round(window * first.sample_rate))
    levels = []
    for audio in (first, second):
        mono = _mono(audio, -(-length // size) * size).reshape(-1, size)
        levels.append(20 * np.log10(np.maximum(np.sqrt((mono**2).mean(axis=1)), 1e-4)))
    sounds = np.maximum(*levels) > -80
    return float(np.abs(levels[0] - levels[1])[sounds].mean()) if sounds.any() else 0.0


def _mono(audio: Audio, length: int) -> Signal:
    mono = audio.samples.mean(axis=0, dtype=np.float64)
    return np.pad(mono, (0, length - len(mono)))


def _magnitudes(signal: Signal, size: int) -> Signal:
    """Magnitudes of a short-time Fourier transform, relative to a full-scale sine: (frames, size / 2 + 1)."""
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[:: size // 4]
    return np.asarray(np.abs(np.fft.rfft(frames * window, axis=1)) / (window.sum() / 2))


__getattr__ = old_names(
    __name__,
    {
        "Transcription": ("transcription_metrics.Transcription", lambda: transcription_metrics.Transcription),
        "transcription": ("transcription_metrics.transcription", lambda: transcription_metrics.transcription),
    },
)
