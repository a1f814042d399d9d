"""Differentiable signal processing: oscillators, filtered noise, reverb, amplitude curves.

Pure functions on tensors. B is the batch (notes), n samples, F frames, K partials, M noise magnitudes. Frame f is
centred on sample f * hop. Phases are counted in cycles in float64, so that they do not drift in long notes.

Source: Engel, Hantrakul, Gu, Roberts, "DDSP: Differentiable Digital Signal Processing", ICLR 2020
(arXiv 2001.04643), sections 3 and B; what differs from it is said where it does.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

TAU = 2 * math.pi


def crossfade(hop: int, like: Tensor) -> Tensor:
    """The falling half of a Hann window, shape (hop,): the weight of frame f at the samples up to frame f + 1."""
    return 0.5 + 0.5 * torch.cos(math.pi / hop * torch.arange(hop, dtype=like.dtype, device=like.device))


def upsample_amplitudes(frames: Tensor, hop: int) -> Tensor:
    """Amplitudes at every sample by Hann windows that overlap by half (DDSP, section B.1).

    (B, F, K) at frames -> (B, (F - 1) * hop, K) at samples. Sample f * hop has exactly the value of frame f.
    """
    passed = 1 - crossfade(hop, frames)[:, None]
    between = torch.addcmul(frames[:, :-1, None], torch.diff(frames, dim=1)[:, :, None], passed)
    return between.flatten(1, 2)


def upsample_linear(frames: Tensor, hop: int) -> Tensor:
    """(B, F) at frames -> (B, (F - 1) * hop) at samples by straight lines; for pitch."""
    weight = torch.arange(hop, dtype=frames.dtype, device=frames.device) / hop
    return (frames[:, :-1, None] * (1 - weight) + frames[:, 1:, None] * weight).flatten(1, 2)


def cycles(f0: Tensor, sample_rate: int) -> Tensor:
    """Cycles passed before each sample, not wrapped: (B, n) Hz -> (B, n) float64, 0 at the first sample.

    Added up in blocks, then over the blocks: one long sum would lose 1e-4 of a cycle in ten minutes to rounding.
    """
    batch, samples = f0.shape
    block = 4096
    step = torch.nn.functional.pad(f0.double() / sample_rate, (0, -samples % block)).view(batch, -1, block)
    inside = torch.cumsum(step, dim=-1)
    totals = inside[..., -1]
    before = torch.cumsum(totals, dim=-1) - totals
    return (inside - step + before[..., None]).view(batch, -1)[:, :samples]


def wrap(phase: Tensor) -> Tensor:
    """The fractional part of a phase in cycles, in [0, 1). The gradient passes unchanged."""
    return phase - torch.floor(phase.detach())


def cycles_at_frames(f0: Tensor, hop: int, sample_rate: int) -> Tensor:
    """Cycles passed before each frame: (B, F) Hz -> (B, F) float64, 0 at the first.

    What `cycles` of `upsample_linear` of the same curve has at every hop-th sample, without the samples between.
    """
    f0 = f0.double()
    passed = f0[:, :-1] * (hop + 1) / 2 + f0[:, 1:] * (hop - 1) / 2
    return torch.nn.functional.pad(torch.cumsum(passed / sample_rate, dim=-1), (1, 0))


def phase_between_frames(phase: Tensor, f0: Tensor, hop: int, sample_rate: int) -> Tensor:
    """The phase at every sample of a pitch that moves in straight lines from frame to frame, less whole cycles.

    Args:
        phase: (B, F) cycles at frames, float64, as `cycles_at_frames` gives them.
        f0: (B, F) Hz at frames.
        hop: samples between frames.
        sample_rate: Hz.

    Returns:
        (B, (F - 1) * hop) cycles of f0's kind, which is exact enough since every frame starts below one: the phase of
        `cycles`, in a quarter of its time.
    """
    at = torch.arange(hop, dtype=f0.dtype, device=f0.device)
    terms = torch.stack([torch.ones_like(at), at, at * (at - 1) / (2 * hop)])
    step = f0 / sample_rate
    start = wrap(phase[:, :-1]).to(f0.dtype)
    moves = torch.stack([start, step[:, :-1], step[:, 1:] - step[:, :-1]], dim=-1)
    return (moves @ terms).flatten(1)


def remove_above_nyquist(frequencies: Tensor, amplitudes: Tensor, sample_rate: int) -> Tensor:
    """Amplitudes with those of partials at or above half the sample rate set to zero; shapes broadcast."""
    return amplitudes * (frequencies < sample_rate / 2).to(amplitudes.dtype)


def harmonic_bank(f0: Tensor, amplitudes: Tensor, sample_rate: int, ratios: Tensor | None = None) -> Tensor:
    """A sum of sines whose common pitch moves freely (DDSP, equations 1-3). Exact, and the slowest of the banks.

    Args:
        f0: (B, n) Hz.
        amplitudes: (B, n, K), linear.
        sample_rate: Hz. Partials at or above half of it are silent, sample by sample.
        ratios: (K,) or (B, K), frequency of each partial over f0; 1, 2, ... K when omitted.

    Returns:
        (B, n).
    """
    count = amplitudes.shape[-1]
    if ratios is None:
        ratios = torch.arange(1, count + 1, dtype=torch.float64, device=f0.device)
    ratios = ratios.double().expand(f0.shape[0], count)
    passed = cycles(f0, sample_rate)
    out = torch.zeros_like(amplitudes[..., 0])
    for k in range(count):
        ratio = ratios[:, k, None]
        phase = wrap(passed * ratio).to(amplitudes.dtype)
        audible = remove_above_nyquist(f0 * ratio, amplitudes[..., k], sample_rate)
        out = out + audible * torch.sin(TAU * phase)
    return out


def stationary_bank(frequencies: Tensor, amplitudes: Tensor, hop: int, sample_rate: int) -> Tensor:
    """A sum of sines of fixed frequencies, any ratios: the same numbers as `harmonic_bank`, as matrix products.

    Args:
        frequencies: (B, K) Hz; partials at or above half the sample rate are silent.
        amplitudes: (B, F, K), linear.
        hop: samples between frames.
        sample_rate: Hz.

    Returns:
        (B, (F - 1) * hop); all partials start at phase 0.
    """
    audible = remove_above_nyquist(frequencies[:, None], amplitudes, sample_rate)
    at = torch.arange(amplitudes.shape[1], dtype=torch.float64, device=frequencies.device) * (hop / sample_rate)
    phase = wrap(frequencies.double()[:, None] * at[:, None]).to(amplitudes.dtype)
    basis = stationary_basis(frequencies, hop, sample_rate, amplitudes.dtype)
    weights = stationary_weights(audible * torch.sin(TAU * phase), audible * torch.cos(TAU * phase))
    return (weights @ basis).flatten(1)


def stationary_basis(frequencies: Tensor, hop: int, sample_rate: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Basis functions of steady partials between two frames, for `stationary_weights`: (..., K) -> (..., 4 K, hop).

    Around a frame partial k is sin(phase + step * m) = sin(phase) cos(step * m) + cos(phase) sin(step * m), m the
    sample after or before it. So all samples of a note are one matrix product, 4 K * hop sines are computed in
    place of K * F * hop, and notes of the same pitch share them.
    """
    within = torch.arange(hop, dtype=torch.float64, device=frequencies.device)
    step = frequencies.double()[..., None] / sample_rate
    fade = crossfade(hop, torch.empty(0, dtype=dtype, device=frequencies.device))
    rows = []
    for samples, weight in ((within, fade), (within - hop, 1 - fade)):
        angle = TAU * wrap(step * samples).to(dtype)
        rows += [torch.cos(angle) * weight, torch.sin(angle) * weight]
    return torch.stack(rows, dim=-2).flatten(-3, -2)


def stationary_weights(sines: Tensor, cosines: Tensor) -> Tensor:
    """Amplitude times sine and cosine of the phase at frames, each (..., F, K) -> (..., F - 1, 4 K)."""
    both = torch.stack([sines, cosines], dim=-1)
    return torch.cat([both[..., :-1, :, :], both[..., 1:, :, :]], dim=-1).flatten(-2)


def wavetables(amplitudes: Tensor, size: int) -> Tensor:
    """One period of the wave of each frame: (B, F, K) -> (B, F, size + 1), the last sample repeating the first.

    `size` is more than 2 K. `read_wavetables` reads by straight lines, which soften partial k by sinc(k / size)^2: it
    is made as much louder here. What is left are images of partial k, (k / (size - k))^2 of it: with 8 K those of the
    highest partial are 34 dB under it, and of 16 partials the first one's 84 dB.
    """
    waves = amplitudes.flatten(0, -2) @ _sines(amplitudes.shape[-1], size, amplitudes.dtype, amplitudes.device)
    return waves.view(*amplitudes.shape[:-1], size + 1)


@lru_cache(maxsize=64)
def _sines(count: int, size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # kept beyond this call, maybe for one with gradients
        k = torch.arange(1, count + 1)[:, None]
        turns = k * torch.arange(size + 1) % size
        return (torch.sin(TAU * turns.double() / size) / torch.sinc(k.double() / size) ** 2).to(device, dtype)


def read_wavetables(tables: Tensor, phase: Tensor, hop: int) -> Tensor:
    """Harmonic sound whose pitch moves freely, without paying for each harmonic at each sample.

    Reads the wave of the frames before and after each sample at its phase (straight lines between the table's
    samples) and crossfades the two as `upsample_amplitudes` does.

    Args:
        tables: (B, F, size + 1) from `wavetables`.
        phase: (B, (F - 1) * hop) cycles; in float64 where they are not wrapped yet.
        hop: samples between frames.

    Returns:
        (B, (F - 1) * hop), close to `harmonic_bank` of the same controls.
    """
    batch, frames, _ = tables.shape
    # Table samples and frames are the columns and rows of a picture that is read at points between them.
    at = torch.empty(batch, 1, phase.shape[1], 2, dtype=tables.dtype, device=tables.device)
    at[:, 0, :, 0] = torch.sub(2 * wrap(phase), 1)
    at[..., 1] = _rows(frames, hop, tables.dtype, tables.device)
    read = torch.nn.functional.grid_sample(tables[:, None], at, "bilinear", "border", align_corners=True)
    return read[:, 0, 0]


@lru_cache(maxsize=64)
def _rows(frames: int, hop: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The row of each sample, from -1 to 1: crossfaded from each frame to the next."""
    with torch.inference_mode(False):
        at = torch.arange(frames - 1, dtype=torch.float64)[:, None]
        faded = at + 1 - crossfade(hop, torch.empty(0, dtype=torch.float64))
        return (faded.flatten() * (2 / (frames - 1)) - 1).to(device, dtype)


def filtered_noise(noise: Tensor, magnitudes: Tensor, hop: int) -> Tensor:
    """Noise through a filter that changes at each frame (DDSP, section B.5: frequency sampling, overlap and add).

    Each frame's magnitudes become a linear-phase filter of 2 (M - 1) taps under a Hann window; hop samples of noise
    pass through it and the pieces are added. The filter's delay is taken out.

    Args:
        noise: (B, F * hop), white.
        magnitudes: (B, F, M), linear, evenly spaced from 0 to half the sample rate.
        hop: samples between frames.

    Returns:
        (B, F * hop).
    """
    batch, frames, count = magnitudes.shape
    taps = 2 * (count - 1)
    response = torch.fft.irfft(torch.complex(magnitudes, torch.zeros_like(magnitudes)), n=taps)
    window = torch.hann_window(taps, periodic=True, dtype=noise.dtype, device=noise.device)
    response = torch.roll(response, taps // 2, dims=-1) * window
    size = fft_size(hop + taps)
    pieces = noise.view(batch, frames, hop)
    spectrum = torch.fft.rfft(pieces, n=size) * torch.fft.rfft(response, n=size)
    filtered = torch.fft.irfft(spectrum, n=size)[..., : hop + taps]
    total = frames * hop
    added = torch.nn.functional.fold(
        filtered.transpose(1, 2), (1, total + taps), kernel_size=(1, hop + taps), stride=(1, hop)
    )
    return added.view(batch, total + taps)[:, taps // 2 : taps // 2 + total]


def reverb(dry: Tensor, impulse: Tensor) -> Tensor:
    """Dry sound plus its convolution with an impulse response, by FFT (DDSP, section 3.4).

    The first tap of the response is masked (the direct sound is the dry signal). Differentiable in both.

    Args:
        dry: (..., n).
        impulse: (..., m), leading shapes broadcast.

    Returns:
        (..., n + m - 1): the tail is kept.
    """
    masked = torch.cat([torch.zeros_like(impulse[..., :1]), impulse[..., 1:]], dim=-1)
    length = dry.shape[-1] + impulse.shape[-1] - 1
    size = fft_size(length)
    wet: Tensor = torch.fft.irfft(torch.fft.rfft(dry, n=size) * torch.fft.rfft(masked, n=size), n=size)[..., :length]
    kept: Tensor = torch.nn.functional.pad(dry, (0, impulse.shape[-1] - 1))
    return wet + kept


def fft_size(length: int) -> int:
    """The smallest 2^a, 3 * 2^a or 5 * 2^a that is at least `length`: sizes at which an FFT is fast."""
    return min(factor << max(0, math.ceil(math.log2(length / factor))) for factor in (1, 3, 5))
