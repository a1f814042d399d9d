"""The noise in a voice: breath, bow, hammer, pick. B notes, F frames, n samples."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.partials import DECIBEL, SILENCE
from symbolic_music.synthesis.ddsp.presets import Voice

NOISE_SAMPLES = 1 << 18
NONE = -100.0  # dB at which a voice has none
REFERENCE = 44100  # Hz


@cache
def _noise_source() -> Tensor:
    """White noise, uniform in [-1, 1), always the same, written twice over."""
    generator = torch.Generator().manual_seed(20_180_521)
    once = torch.rand(NOISE_SAMPLES, generator=generator) * 2 - 1
    return once.repeat(2)


@lru_cache(maxsize=48)
def _coloured_source(centre: float, width: float, sample_rate: int) -> Tensor:
    """The noise filtered by a bell around `centre` Hz, `width` octaves wide, with equal power and a seamless loop."""
    spectrum = torch.fft.rfft(_noise_source()[:NOISE_SAMPLES])
    once: Tensor = torch.fft.irfft(spectrum * band(centre, width, sample_rate, len(spectrum)), n=NOISE_SAMPLES)
    return once.repeat(2)


def _read(source: Tensor, key: Tensor, first: Tensor, samples: int) -> Tensor:
    """(B, samples) of a source that repeats, each row from the place of its key and `first` samples on."""
    starts = (key * 40_503 + (key >> 8) * 7_919 + first) % NOISE_SAMPLES
    if samples > NOISE_SAMPLES:
        source = source.repeat(math.ceil(samples / NOISE_SAMPLES))
    return torch.stack([source[start : start + samples] for start in starts.tolist()])


def white_noise(key: Tensor, samples: int) -> Tensor:
    """(B, samples) of noise, uniform in [-1, 1), from a place that the key decides; it repeats after six seconds."""
    return _read(_noise_source(), key, torch.zeros_like(key), samples)


def band(centre: float | Tensor, width: float | Tensor, sample_rate: int, count: int = 65) -> Tensor:
    """Magnitudes (..., count) of a bell around `centre` Hz, `width` octaves at 1/e.

    Of mean power 1 at 44.1 kHz; at other rates as loud in the frequencies that both have.
    """

    def bell(nyquist: float) -> Tensor:
        hz = torch.linspace(0, nyquist, count).clamp(min=nyquist / (4 * 65))
        return torch.exp(-0.5 * (torch.log2(hz / torch.as_tensor(centre)) / torch.as_tensor(width)) ** 2) + 1e-4

    power = torch.mean(bell(REFERENCE / 2) ** 2, dim=-1, keepdim=True)
    return bell(sample_rate / 2) * torch.sqrt(sample_rate / REFERENCE / power)


def audible_frames(voice: Voice, first: int, frames: int, hop: int, sample_rate: int) -> int:
    """How many of the frames from `first` on hold noise: all while a breath lasts, else those of the strike."""
    if voice.breath > NONE:
        return frames
    if voice.strike <= NONE:
        return 0
    return max(0, min(frames, math.ceil(1.2 * voice.strike_time * sample_rate / hop) + 1 - first))


def breath_level(voice: Voice, velocity: Tensor, time: Tensor) -> Tensor:
    """Amplitude of the steady and the striking noise at times (B, F) after the onset."""
    steady, strike = math.exp(DECIBEL * voice.breath), math.exp(DECIBEL * voice.strike)
    after = time.clamp(min=0)
    curve = strike * torch.exp(-SILENCE / voice.strike_time * after) + steady * (after / voice.attack).clamp(max=1)
    if voice.decay > 0 and voice.breath > NONE:
        curve = curve * torch.exp(-SILENCE / voice.decay * after)
    # Uniform noise has the power 1/3, a tone 1/2.
    return curve * math.sqrt(1.5) * torch.exp2(2 * (velocity[:, None] - 1))


def breath(voice: Voice, key: Tensor, first: Tensor, level: Tensor, hop: int, sample_rate: int) -> Tensor:
    """Noise of each note from its frame `first` (B,) on, at these levels (B, F): (B, (F - 1) * hop).

    The noise of a voice has one colour, so that it is filtered once for all and each note reads it from its own place.
    """
    source = _coloured_source(voice.noise_centre, voice.noise_width, sample_rate)
    noise = _read(source, key, first * hop, (level.shape[1] - 1) * hop)
    return dsp.upsample_amplitudes(level[..., None], hop)[..., 0] * noise
