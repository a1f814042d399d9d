"""Partials and the noise between them, measured in windows of whole periods.

F frames, K partials, n samples at 44.1 kHz. `pitch` (F,) is in semitones at frames.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from symbolic_music.synthesis.analysis.features import Curve
from symbolic_music.theory import hertz

RATE = 44100
HOP = 256 / RATE  # seconds between frames
PARTIALS = 80
BANDS = 65
PERIODS = 4
SHORTEST_WINDOW = 0.012
SILENT = 1e-6


def window_seconds(pitch: float) -> float:
    """The window of a measurement: an even number of whole periods, at least 12 ms."""
    own = hertz(pitch)
    return max(PERIODS, 2 * math.ceil(SHORTEST_WINDOW * own / 2)) / own


def smooth(curve: Curve, frames: int) -> Curve:
    """Mean over an odd number of frames, the ends repeated."""
    wide = np.pad(curve, frames // 2, mode="edge")
    found: Curve = np.convolve(wide, np.ones(frames) / frames, mode="valid")
    return found


def cycles_passed(pitch: Curve, samples: int) -> Curve:
    """Cycles of the pitch passed at each sample, (samples,)."""
    moving = hertz(np.interp(np.arange(samples) / RATE, np.arange(len(pitch)) * HOP, pitch))
    found: Curve = np.cumsum(moving / RATE)
    return found


def _demodulated(
    samples: NDArray[np.float32], cycles: Curve, ratios: Curve, centres: Curve, width: float
) -> NDArray[np.complex128]:
    """Complex amplitudes of partials around frames: (frames, partials).

    Args:
        samples: (n,).
        cycles: (n,) of the pitch at each sample.
        ratios: partials over the pitch.
        centres: cycles at the frames.
        width: cycles of the Hann window.
    """
    from scipy.ndimage import map_coordinates

    period = 2 * math.ceil(max(16.0, RATE * len(cycles) / RATE / max(cycles[-1], 1.0)) / 2)
    grid = np.arange(cycles[0], cycles[-1], 1 / period)
    straight = map_coordinates(samples.astype(np.float64), [np.interp(grid, cycles, np.arange(len(cycles)))], order=3)
    half = int(width * period / 2)
    window = np.hanning(2 * half + 1)
    straight = np.pad(straight, half)
    first = np.clip(np.rint((centres - cycles[0]) * period).astype(np.int64), 0, len(grid) - 1)
    pieces = np.lib.stride_tricks.sliding_window_view(straight, 2 * half + 1)[first]
    turns = np.exp(-2j * np.pi * np.outer(np.arange(-half, half + 1) / period, ratios))
    found: NDArray[np.complex128] = pieces @ (turns * window[:, None]) * (2 / window.sum())
    return found


def _centres(cycles: Curve, count: int) -> Curve:
    at = np.arange(count) * HOP * RATE
    found: Curve = np.interp(at, np.arange(len(cycles)), cycles)
    return found


def refinement(samples: NDArray[np.float32], pitch: Curve) -> Curve:
    """Semitones to add to a tracked pitch, by the phase that the first partials gain from frame to frame."""
    cycles = cycles_passed(pitch, len(samples))
    centres = _centres(cycles, len(pitch))
    number = np.arange(1.0, 5.0)
    found = _demodulated(samples, cycles, number, centres, PERIODS)
    # The window moves with the pitch: a partial in tune keeps its phase but for the whole cycles passed.
    found = found * np.exp(-2j * np.pi * np.outer(centres, number))
    step = found[1:] * np.conj(found[:-1])
    gained = np.sum(np.abs(step) * np.angle(step) / number, axis=1) / np.maximum(np.abs(step).sum(1), SILENT)
    gained = np.concatenate([gained[:1], (gained[1:] + gained[:-1]) / 2, gained[-1:]])
    relative = gained / (2 * np.pi * HOP) / hertz(pitch)
    return np.clip(smooth(12 * np.log2(np.maximum(1 + relative, 0.5)), 7), -0.5, 0.5)


def measure(
    samples: NDArray[np.float32], cycles: Curve, pitch: Curve, ratios: Curve
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Amplitudes (F, K) and noise magnitudes (F, M) at all frames."""
    centres = _centres(cycles, len(pitch))
    middle = float(np.median(pitch))
    width = window_seconds(middle) * hertz(middle)
    below = ratios * hertz(float(pitch.max())) < RATE / 2 - 200
    amplitudes = np.zeros((len(pitch), len(ratios)), np.float32)
    amplitudes[:, below] = np.abs(_demodulated(samples, cycles, ratios[below], centres, width))
    # Halfway between partials, as far as there are any, up to half the sample rate.
    last = int(RATE / 2 / hertz(middle))
    above = np.arange(len(ratios) + 1, max(len(ratios) + 1, last))
    between = np.concatenate([[0.5], (ratios[1:] + ratios[:-1])[below[1:]] / 2, above + 0.5])
    between = between[between * hertz(middle) < RATE / 2]
    power = np.abs(_demodulated(samples, cycles, between, centres, width)) ** 2
    # A sine of amplitude a has a^2 here; noise of power p a sample has 4 p sum(w^2) / sum(w)^2 = 6 p / size.
    size = width / hertz(middle) * RATE
    density = np.sqrt(_smooth_frames(power, 5) * size / 6)
    bands = np.linspace(0, RATE / 2, BANDS)
    spread = np.stack([np.interp(bands, between * hertz(middle), row) for row in density])
    # Our source is uniform in [-1, 1), of power 1/3.
    return amplitudes, (spread * math.sqrt(3.0)).astype(np.float32)


def _smooth_frames(values: Curve, frames: int) -> Curve:
    return np.stack([smooth(column, frames) for column in values.T], axis=1)


def sharpened(
    amplitudes: NDArray[np.float32], noise: NDArray[np.float32], level: Curve, seconds: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both with the attacks that long windows have blurred, by the level of short ones."""
    frames = max(3, round(seconds / HOP)) | 1
    window = np.hanning(frames + 2)[1:-1]
    blurred = np.sqrt(np.convolve(np.pad(level**2, frames // 2, mode="edge"), window / window.sum(), mode="valid"))
    gain = np.minimum(level / blurred, 2.0).astype(np.float32)[:, None]
    return amplitudes * gain, noise * gain


def stiffness(samples: NDArray[np.float32], near: float) -> tuple[float, float]:
    """Pitch in semitones and B of a stiff string: the pair whose partials hold the most of the spectrum."""
    part = samples[int(0.05 * RATE) : int(2.05 * RATE)]
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    floor = np.median(spectrum)
    score = np.log(np.maximum(spectrum, floor))
    best = (-np.inf, near, 0.0)
    count = int(np.clip(6000 / hertz(near), 2, 24))
    number = np.arange(1, count + 1)
    for stiffness in np.concatenate([[0.0], np.geomspace(2e-5, 2e-2, 80)]):
        ratios = number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
        for cents in np.arange(-40, 41, 2):
            at = np.rint(hertz(near + cents / 100) * ratios * size / RATE).astype(np.int64)
            at = at[at < len(score)]
            total = float(score[at].sum() / np.sqrt(len(at)))
            if total > best[0]:
                best = (total, near + cents / 100, float(stiffness))
    return best[1], best[2]
