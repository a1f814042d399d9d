"""From tracks to a finished stereo mix: place, room, loudness, peaks."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import MissingExtraError
from symbolic_music.synthesis import dsp

Samples = NDArray[np.float32]
CEILING = 0.89  # -1 dB
ROOM_SECONDS = 1.1


def place(sound: Samples, position: NDArray[np.float64]) -> Samples:
    """Mono (n,) to stereo (2, n) at positions (n,) between -1 (left) and 1 (right), of the same power everywhere."""
    angle = ((position + 1) * (np.pi / 4)).astype(np.float32)
    return np.stack([np.cos(angle) * sound, np.sin(angle) * sound])


@cache
def room(sample_rate: int) -> Tensor:
    """Impulse response of a small hall, (2, m), of energy 1: early echoes, then noise whose treble dies first.

    Made here, not measured: the same at every call. The two ears hear different noise.
    """
    generator = torch.Generator().manual_seed(20_180_521)
    samples = int(ROOM_SECONDS * sample_rate)
    time = torch.arange(samples) / sample_rate
    noise = torch.randn(2, samples, generator=generator)
    spectrum = torch.fft.rfft(noise)
    hz = torch.fft.rfftfreq(samples, 1 / sample_rate)
    out = torch.zeros(2, samples)
    # Octave bands, each with its own time to silence.
    for centre, seconds in ((125, 1.1), (250, 1.1), (500, 1.05), (1000, 0.95), (2000, 0.8), (4000, 0.6), (8000, 0.4)):
        bell = torch.exp(-0.5 * (torch.log2(hz.clamp(min=1.0) / centre) / 0.5) ** 2)
        level = 0.45 if centre < 200 else 1.0
        out += level * torch.fft.irfft(spectrum * bell, n=samples) * torch.exp(-6.908 / seconds * time)
    out *= (time / 0.025).clamp(max=1)
    for side, echoes in enumerate(
        (((0.011, 0.5), (0.019, -0.4), (0.031, 0.35)), ((0.013, 0.5), (0.023, -0.4), (0.029, 0.35)))
    ):
        for seconds, level in echoes:
            out[side, int(seconds * sample_rate)] += level * float(out.abs().max()) * 4
    return out / torch.sqrt((out**2).sum(dim=1, keepdim=True))


def add_room(dry: Samples, sample_rate: int, amount: float, block_seconds: float = 20.0) -> Samples:
    """Stereo (2, n) plus `amount` of the room's sound; n stays, so leave silence at the end for the tail."""
    if amount <= 0:
        return dry
    response = amount * room(sample_rate)
    total, block = dry.shape[1], int(block_seconds * sample_rate)
    out = np.zeros_like(dry)
    for start in range(0, total, block):
        piece = dsp.reverb(torch.from_numpy(dry[:, start : start + block]), response).numpy()
        end = min(total, start + piece.shape[1])
        out[:, start:end] += piece[:, : end - start]
    return out


def loudness(sound: Samples, sample_rate: int) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4) by pyloudnorm; -inf for silence.

    Raises:
        MissingExtraError: without pyloudnorm.
    """
    try:
        import pyloudnorm
    except ImportError:
        raise MissingExtraError("pyloudnorm", "audio") from None
    short = int(0.4 * sample_rate) + 1 - sound.shape[1]
    if short > 0:
        sound = np.pad(sound, ((0, 0), (0, short)))
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(sound.T))


def loudness_gain(sound: Samples, sample_rate: int, target: float) -> float:
    """The factor that brings this sound to `target` LUFS; 1 for silence."""
    measured = loudness(sound, sample_rate)
    return float(10 ** ((target - measured) / 20)) if np.isfinite(measured) else 1.0


def limiter_gain(sound: Samples, sample_rate: int, ceiling: float = CEILING) -> Samples:
    """A gain for each sample, (n,), that keeps every channel under `ceiling`: smooth, and looking ahead 20 ms."""
    total = sound.shape[1]
    block = max(1, sample_rate // 1000)
    reach = 20
    peaks = np.zeros(-(-total // block) * block, np.float32)
    np.maximum.reduce(np.abs(sound), axis=0, out=peaks[:total])
    needed = ceiling / np.maximum(peaks.reshape(-1, block).max(axis=1), ceiling)
    if needed.min(initial=1.0) >= 1.0:
        return np.ones(total, np.float32)
    padded = np.pad(needed, 2 * reach, constant_values=1.0)
    # The lowest gain within reach, then its average within less: never above what a block needs.
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * reach + 1)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="same")[reach:-reach]
    centres = (np.arange(len(smooth)) + 0.5) * block
    return np.interp(np.arange(total), centres, smooth).astype(np.float32)
