"""A recorded note taken apart: pitch, amplitudes of its harmonics and noise, frame by frame.

The recording is read at a constant number of samples a period (its vibrato is straightened), so that windows of
whole periods measure each partial without its neighbours, and the noise halfway between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, MissingExtraError
from symbolic_music.synthesis.features import Curve, loudness, track_pitch

RATE = 44100
HOP = 256 / RATE  # seconds between frames, as `voices.hop_size` has it
PARTIALS = 80
BANDS = 65
LOUDNESS_SIZE = 1024
PERIODS = 4
SHORTEST_WINDOW = 0.012
ONSET_DB, RELEASE_DB = -40.0, -16.0
TAIL_SECONDS = 0.35
_SILENT = 1e-6


@dataclass(frozen=True)
class TakenNote:
    """Frames from a note's onset until it has died away; the player lets go of it at frame `held`.

    pitch: the note's own mean, semitones. deviation (F,) semitones from it. amplitudes (F, K) linear, of partials that
    stand at `ratios` (K,) times the pitch; those at or above half the sample rate are 0. noise (F, M) linear
    magnitudes of `dsp.filtered_noise` at 44.1 kHz. start: seconds of the recording at which the onset is. loudness
    (F,): A-weighted, dB.
    """

    pitch: float
    deviation: Curve
    amplitudes: NDArray[np.float32]
    noise: NDArray[np.float32]
    ratios: Curve
    held: int
    start: float
    loudness: Curve


def take_sustained(samples: NDArray[np.float32], near: float | None = None) -> TakenNote:
    """A note that is held and let go: bowed or blown, with partials at whole multiples.

    Args:
        samples: (n,) at 44.1 kHz, one note.
        near: its pitch in semitones as far as it is known; the search is then 2.5 semitones either way.

    Raises:
        AudioError: when no pitch is found, or the note lasts less than 0.1 s.
        MissingExtraError: without librosa.
    """
    lowest, highest = (50.0, 2200.0) if near is None else (_hertz(near - 2.5), _hertz(near + 2.5))
    quiet = samples - samples.mean()
    tracked, voiced = track_pitch(quiet, RATE, round(HOP * RATE), lowest, highest)
    level = _level(quiet, 0.006, len(tracked))
    onset, held, end = _extent(level, sustained=True)
    inside = np.flatnonzero(voiced[onset:held]) + onset
    if len(inside) * HOP < 0.1:
        raise AudioError("no note of at least 0.1 s with a clear pitch is heard")
    middle = float(np.median(tracked[inside]))
    kept = inside[np.abs(tracked[inside] - middle) < 1.5]
    coarse = _smooth(np.interp(np.arange(len(tracked)), kept, tracked[kept]), 5)
    pitch = coarse + _refinement(quiet, coarse)
    own = float(pitch[kept].mean())
    ratios = np.arange(1.0, PARTIALS + 1)
    cycles = _cycles(pitch, len(quiet))
    amplitudes, noise = _measure(quiet, cycles, pitch, ratios)
    part = slice(onset, end)
    short = _level(quiet, max(0.006, 2 / _hertz(own)), len(tracked))
    amplitudes, noise = _sharpened(amplitudes, noise, short, _window_seconds(own))
    heard = _loudness(quiet)[part]
    return TakenNote(own, (pitch - own)[part], amplitudes[part], noise[part], ratios, held - onset, onset * HOP, heard)


def take_struck(samples: NDArray[np.float32], near: float, seconds: float = 8.0) -> TakenNote:
    """A struck or plucked string, left to ring: stiff, so that partial k is at k f0 sqrt((1 + B k^2) / (1 + B)).

    Args:
        samples: (n,) at 44.1 kHz, one note.
        near: its pitch in semitones; the search is 0.4 semitones either way.
        seconds: what is looked at.
    """
    quiet = samples[: int((seconds + 1) * RATE)] - samples.mean()
    count = int(len(quiet) / (HOP * RATE)) + 1
    onset, _, end = _extent(_level(quiet, 0.006, count), sustained=False)
    own, stiffness = _stiffness(quiet[int(onset * HOP * RATE) :], near)
    number = np.arange(1.0, PARTIALS + 1)
    ratios = number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
    pitch = np.full(count, own)
    amplitudes, noise = _measure(quiet, _cycles(pitch, len(quiet)), pitch, ratios)
    short = _level(quiet, max(0.006, 1 / _hertz(own)), count)
    amplitudes, noise = _sharpened(amplitudes, noise, short, _window_seconds(own))
    end = min(end, onset + int(seconds / HOP))
    part = slice(onset, end)
    still, heard = np.zeros(end - onset), _loudness(quiet)[part]
    return TakenNote(own, still, amplitudes[part], noise[part], ratios, end - onset, onset * HOP, heard)


def _loudness(samples: NDArray[np.float32]) -> Curve:
    found = loudness(torch.from_numpy(samples.astype(np.float32))[None], RATE, round(HOP * RATE), LOUDNESS_SIZE)
    return found[0].double().numpy()


def _hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _window_seconds(pitch: float) -> float:
    """Of a measurement: whole periods, an even number of them, and at least 12 ms."""
    hertz = _hertz(pitch)
    return max(PERIODS, 2 * math.ceil(SHORTEST_WINDOW * hertz / 2)) / hertz


def _level(samples: NDArray[np.float32], seconds: float, count: int) -> Curve:
    """Root mean square around each frame under a Hann window, (count,)."""
    return np.sqrt(np.maximum(_at_frames(samples.astype(np.float64) ** 2, seconds, count), _SILENT**2))


def _at_frames(curve: Curve, seconds: float, count: int) -> Curve:
    """The mean of a curve of samples under a Hann window around each frame."""
    size = max(3, round(seconds * RATE)) | 1
    window = np.hanning(size + 2)[1:-1]
    from scipy.signal import fftconvolve

    smooth = fftconvolve(curve, window / window.sum(), mode="same")
    at = np.minimum(np.rint(np.arange(count) * HOP * RATE).astype(np.int64), len(curve) - 1)
    found: Curve = smooth[at]
    return found


def _extent(level: Curve, sustained: bool) -> tuple[int, int, int]:
    """Frames of the onset, of where the player lets go, and of the end of a note."""
    db = 20 * np.log10(level / level.max())
    loud = int(np.argmax(db > -6 if sustained else db > -3))
    before = np.flatnonzero(db[: loud + 1] < ONSET_DB)
    onset = int(before[-1]) + 1 if len(before) else 0
    middle = np.median(db[db > -30])
    after = np.flatnonzero(db > middle + RELEASE_DB)
    held = int(after[-1]) + 1
    quiet = np.flatnonzero(db[held:] < middle - 60)
    end = held + int(quiet[0]) if len(quiet) else len(db)
    if sustained:
        end = min(end, held + round(TAIL_SECONDS / HOP))
    return onset, held, min(end, len(db) - 1)


def _smooth(curve: Curve, frames: int) -> Curve:
    """Mean over an odd number of frames, the ends repeated."""
    wide = np.pad(curve, frames // 2, mode="edge")
    found: Curve = np.convolve(wide, np.ones(frames) / frames, mode="valid")
    return found


def _cycles(pitch: Curve, samples: int) -> Curve:
    """Cycles of the pitch passed at each sample, (samples,)."""
    hertz = 440 * 2 ** ((np.interp(np.arange(samples) / RATE, np.arange(len(pitch)) * HOP, pitch) - 69) / 12)
    found: Curve = np.cumsum(hertz / RATE)
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


def _refinement(samples: NDArray[np.float32], pitch: Curve) -> Curve:
    """Semitones to add to a tracked pitch, by the phase that the first partials gain from frame to frame."""
    cycles = _cycles(pitch, len(samples))
    centres = _centres(cycles, len(pitch))
    number = np.arange(1.0, 5.0)
    found = _demodulated(samples, cycles, number, centres, PERIODS)
    # The window moves with the pitch: a partial in tune keeps its phase but for the whole cycles passed.
    found = found * np.exp(-2j * np.pi * np.outer(centres, number))
    step = found[1:] * np.conj(found[:-1])
    gained = np.sum(np.abs(step) * np.angle(step) / number, axis=1) / np.maximum(np.abs(step).sum(1), _SILENT)
    gained = np.concatenate([gained[:1], (gained[1:] + gained[:-1]) / 2, gained[-1:]])
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    relative = gained / (2 * np.pi * HOP) / hertz
    return np.clip(_smooth(12 * np.log2(np.maximum(1 + relative, 0.5)), 7), -0.5, 0.5)


def _measure(
    samples: NDArray[np.float32], cycles: Curve, pitch: Curve, ratios: Curve
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Amplitudes (F, K) and noise magnitudes (F, M) at all frames."""
    centres = _centres(cycles, len(pitch))
    middle = float(np.median(pitch))
    width = _window_seconds(middle) * _hertz(middle)
    below = ratios * _hertz(float(pitch.max())) < RATE / 2 - 200
    amplitudes = np.zeros((len(pitch), len(ratios)), np.float32)
    amplitudes[:, below] = np.abs(_demodulated(samples, cycles, ratios[below], centres, width))
    # Halfway between partials, as far as there are any, up to half the sample rate.
    last = int(RATE / 2 / _hertz(middle))
    above = np.arange(len(ratios) + 1, max(len(ratios) + 1, last))
    between = np.concatenate([[0.5], (ratios[1:] + ratios[:-1])[below[1:]] / 2, above + 0.5])
    between = between[between * _hertz(middle) < RATE / 2]
    power = np.abs(_demodulated(samples, cycles, between, centres, width)) ** 2
    # A sine of amplitude a has a^2 here; noise of power p a sample has 4 p sum(w^2) / sum(w)^2 = 6 p / size.
    size = width / _hertz(middle) * RATE
    density = np.sqrt(_smooth_frames(power, 5) * size / 6)
    bands = np.linspace(0, RATE / 2, BANDS)
    spread = np.stack([np.interp(bands, between * _hertz(middle), row) for row in density])
    # Our source is uniform in [-1, 1), of power 1/3.
    return amplitudes, (spread * math.sqrt(3.0)).astype(np.float32)


def _smooth_frames(values: Curve, frames: int) -> Curve:
    return np.stack([_smooth(column, frames) for column in values.T], axis=1)


def _sharpened(
    amplitudes: NDArray[np.float32], noise: NDArray[np.float32], level: Curve, seconds: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both with the attacks that long windows have blurred, by the level of short ones."""
    frames = max(3, round(seconds / HOP)) | 1
    window = np.hanning(frames + 2)[1:-1]
    blurred = np.sqrt(np.convolve(np.pad(level**2, frames // 2, mode="edge"), window / window.sum(), mode="valid"))
    gain = np.minimum(level / blurred, 2.0).astype(np.float32)[:, None]
    return amplitudes * gain, noise * gain


def _stiffness(samples: NDArray[np.float32], near: float) -> tuple[float, float]:
    """Pitch in semitones and B of a stiff string: the pair whose partials hold the most of the spectrum."""
    part = samples[int(0.05 * RATE) : int(2.05 * RATE)]
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    floor = np.median(spectrum)
    score = np.log(np.maximum(spectrum, floor))
    best = (-np.inf, near, 0.0)
    count = int(np.clip(6000 / _hertz(near), 2, 24))
    number = np.arange(1, count + 1)
    for stiffness in np.concatenate([[0.0], np.geomspace(2e-5, 2e-2, 80)]):
        ratios = number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
        for cents in np.arange(-40, 41, 2):
            at = np.rint(_hertz(near + cents / 100) * ratios * size / RATE).astype(np.int64)
            at = at[at < len(score)]
            total = float(score[at].sum() / np.sqrt(len(at)))
            if total > best[0]:
                best = (total, near + cents / 100, float(stiffness))
    return best[1], best[2]


def resampled(samples: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """(n,) from `rate` Hz to 44.1 kHz by soxr. MissingExtraError without it."""
    if rate == RATE:
        return samples
    try:
        import soxr
    except ImportError:
        raise MissingExtraError("soxr", "voices") from None
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)
