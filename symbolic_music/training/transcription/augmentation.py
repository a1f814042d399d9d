"""Examples as a microphone might give them: other tunings, tones, rooms, noises and levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.synthesis.dsp import fft_size
from symbolic_music.transcription.input_audio import soxr

Sound = NDArray[np.float32]
_CENTS = 30  # by which a recording may be out of tune, either way


def tuned(sound: Sound, ratio: float, sample_rate: int) -> Sound:
    """Sound played faster and higher by a ratio.

    Raises:
        MissingExtraError: without soxr.
    """
    if ratio == 1:
        return sound
    return np.asarray(soxr().resample(sound, sample_rate * ratio, sample_rate, "LQ"), np.float32)


def tuning(rng: np.random.Generator) -> float:
    """A ratio of pitch, 1 for half of the examples."""
    return 1.0 if rng.random() < 0.5 else float(2 ** (rng.uniform(-_CENTS, _CENTS) / 1200))


def recorded(sound: Sound, sample_rate: int, rng: np.random.Generator) -> Sound:
    """Sound (n,) through a filter and a room, with noise, at another level; sometimes overdriven.

    A fifth of the examples have another level only.
    """
    level = float(10 ** (rng.uniform(-6, 6) / 20))
    if rng.random() < 0.2:
        return sound * np.float32(level)
    count, power = len(sound), float(np.sqrt(np.mean(np.square(sound)))) + 1e-6
    size = fft_size(count + sample_rate // 2)
    hz = np.arange(size // 2 + 1, dtype=np.float64) * (sample_rate / size)
    answer = _tone(hz, rng).astype(np.complex128)
    if rng.random() < 0.5:
        answer = answer * np.fft.rfft(_room(sample_rate, rng), size)
    out = np.fft.irfft(np.fft.rfft(sound, size) * answer)[:count]
    out = out * (power / (float(np.sqrt(np.mean(np.square(out)))) + 1e-9))
    if rng.random() < 0.7:
        colour = np.fft.rfft(rng.normal(size=count))
        colour[1:] *= np.arange(1, len(colour)) ** -rng.uniform(0, 1)
        noise = np.fft.irfft(colour, count)
        loud = power * 10 ** (-rng.uniform(12, 50) / 20)
        out = out + noise * (loud / (float(noise.std()) + 1e-9))
    if rng.random() < 0.1:
        drive = 3 * power
        out = drive * np.tanh(out / drive)
    return np.asarray(out * level, np.float32)


def _tone(hz: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Gains of a tilt, of a bump or a dip here and there, and at times of a narrow band."""
    octaves = np.log2(np.maximum(hz, 20) / 500)
    decibels = rng.uniform(-3, 3) * octaves
    for _ in range(int(rng.integers(0, 3))):
        decibels = decibels + rng.uniform(-9, 9) * np.exp(
            -0.5 * ((octaves - rng.uniform(-3, 4)) / rng.uniform(0.2, 1)) ** 2
        )
    if rng.random() < 0.2:
        decibels = (
            decibels
            - 12 * np.maximum(0, octaves - rng.uniform(1.5, 4))
            - 12 * np.maximum(0, rng.uniform(-4, -1.5) - octaves)
        )
    return np.asarray(10 ** (np.clip(decibels, -60, 24) / 20))


def _room(sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """An impulse, and noise that decays after it."""
    seconds = float(np.exp(rng.uniform(np.log(0.15), np.log(1.2))))
    at = np.arange(sample_rate // 2) / sample_rate
    tail = rng.normal(size=len(at)) * 10 ** (-3 * at / seconds)
    tail[: round(0.005 * sample_rate)] = 0
    tail *= 10 ** (rng.uniform(-22, -5) / 20) / (float(np.sqrt(np.square(tail).sum())) + 1e-9)
    tail[0] = 1.0
    return np.asarray(tail)
