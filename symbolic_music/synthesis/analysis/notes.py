"""Analysis of a recorded note: pitch, amplitudes of harmonics, and noise, frame by frame.

The recording is read at a constant number of samples a period (its vibrato is straightened), so that windows of
whole periods measure each partial without its neighbours, and the noise halfway between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, MissingExtraError
from symbolic_music.synthesis.analysis.features import Curve, loudness, track_pitch
from symbolic_music.synthesis.analysis.harmonics import (
    HOP,
    PARTIALS,
    RATE,
    SILENT,
    cycles_passed,
    measure,
    refinement,
    sharpened,
    smooth,
    stiffness,
    window_seconds,
)
from symbolic_music.theory import hertz

LOUDNESS_SIZE = 1024
ONSET_DB, RELEASE_DB = -40.0, -16.0
TAIL_SECONDS = 0.35


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
    lowest, highest = (50.0, 2200.0) if near is None else (hertz(near - 2.5), hertz(near + 2.5))
    quiet = samples - samples.mean()
    tracked, voiced = track_pitch(quiet, RATE, round(HOP * RATE), lowest, highest)
    level = _level(quiet, 0.006, len(tracked))
    onset, held, end = _extent(level, sustained=True)
    inside = np.flatnonzero(voiced[onset:held]) + onset
    if len(inside) * HOP < 0.1:
        raise AudioError("no note of at least 0.1 s with a clear pitch was found")
    middle = float(np.median(tracked[inside]))
    kept = inside[np.abs(tracked[inside] - middle) < 1.5]
    coarse = smooth(np.interp(np.arange(len(tracked)), kept, tracked[kept]), 5)
    pitch = coarse + refinement(quiet, coarse)
    own = float(pitch[kept].mean())
    ratios = np.arange(1.0, PARTIALS + 1)
    cycles = cycles_passed(pitch, len(quiet))
    amplitudes, noise = measure(quiet, cycles, pitch, ratios)
    part = slice(onset, end)
    short = _level(quiet, max(0.006, 2 / hertz(own)), len(tracked))
    amplitudes, noise = sharpened(amplitudes, noise, short, window_seconds(own))
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
    own, stiff = stiffness(quiet[int(onset * HOP * RATE) :], near)
    number = np.arange(1.0, PARTIALS + 1)
    ratios = number * np.sqrt((1 + stiff * number**2) / (1 + stiff))
    pitch = np.full(count, own)
    amplitudes, noise = measure(quiet, cycles_passed(pitch, len(quiet)), pitch, ratios)
    short = _level(quiet, max(0.006, 1 / hertz(own)), count)
    amplitudes, noise = sharpened(amplitudes, noise, short, window_seconds(own))
    end = min(end, onset + int(seconds / HOP))
    part = slice(onset, end)
    still, heard = np.zeros(end - onset), _loudness(quiet)[part]
    return TakenNote(own, still, amplitudes[part], noise[part], ratios, end - onset, onset * HOP, heard)


def _loudness(samples: NDArray[np.float32]) -> Curve:
    found = loudness(torch.from_numpy(samples.astype(np.float32))[None], RATE, round(HOP * RATE), LOUDNESS_SIZE)
    return found[0].double().numpy()


def _level(samples: NDArray[np.float32], seconds: float, count: int) -> Curve:
    """Root mean square around each frame under a Hann window, (count,)."""
    return np.sqrt(np.maximum(_at_frames(samples.astype(np.float64) ** 2, seconds, count), SILENT**2))


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


def resampled(samples: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """(n,) from `rate` Hz to 44.1 kHz by soxr. MissingExtraError without it."""
    if rate == RATE:
        return samples
    try:
        import soxr
    except ImportError:
        raise MissingExtraError("soxr", "voices") from None
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)
