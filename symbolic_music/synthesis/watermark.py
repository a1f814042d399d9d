"""An inaudible mark in rendered sound, and its detection.

Time is cut into pairs of blocks of 80 ms and the spectrum from 400 Hz to 6.4 kHz into bands of a sixth of an octave. A
sequence of signs that a key decides, which repeats after 6.4 s, makes a band louder by `STRENGTH` in the first block of
a pair and softer by it in the second, or the other way round. That is spread spectrum on the envelopes of bands
(after Cox, Kilian, Leighton, Shamoon 1997), which codecs, resampling and noise leave.

The detector correlates the differences between neighbouring blocks with the signs at every place where the sequence
may begin, so that a cut sound is found too; places where it does not begin say what chance makes of the correlation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, MissingExtraError
from symbolic_music.synthesis.audio import Audio

STRENGTH = 1.0  # dB
KEY = 20_180_521
THRESHOLD = 5.8  # standard deviations of the correlation by chance; benchmarks/mark.py
SHORTEST = 3.0  # seconds
_BLOCK, _PAIRS, _BANDS = 0.08, 40, 24
_LOWEST, _OCTAVE = 400.0, 6  # Hz; bands an octave
_HOP, _FRAMES = 0.01, 8  # seconds of a frame, frames of a block
_RATE = 16_000  # at which a mark is looked for
_CLIP = 4.0  # dB of a difference over which it says no more
Samples = NDArray[np.float32]
Table = NDArray[np.float64]


@cache
def _signs(key: int) -> Table:
    """The sequence of a key, (pairs, bands), 1 or -1."""
    return np.asarray(np.random.default_rng(key).integers(0, 2, (_PAIRS, _BANDS)) * 2 - 1, np.float64)


def _band_of(hz: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The band of each frequency; -1 for those that carry no mark."""
    with np.errstate(divide="ignore"):
        band = np.floor(_OCTAVE * np.log2(hz / _LOWEST))
    return np.where((band >= 0) & (band < _BANDS), band, -1).astype(np.int64)


class Marker:
    """Marks sound that comes piece by piece; the same samples however it is cut. `add` keeps the last 40 ms until the
    next piece, and `end` gives them out.

    Args:
        sample_rate: Hz, at least 8,000.
        key: of the mark.
        strength: dB by which a band is louder or softer.
    """

    def __init__(self, sample_rate: int, key: int = KEY, strength: float = STRENGTH) -> None:
        if sample_rate < 8000:
            raise AudioError(f"a mark needs at least 8000 Hz, not {sample_rate}")
        self._rate, self._hop = sample_rate, round(2 * _HOP * sample_rate)
        self._window = np.sqrt(np.hanning(2 * self._hop + 1)[:-1])
        band = _band_of(np.fft.rfftfreq(2 * self._hop, 1 / sample_rate))
        self._gains = np.ones((2, _PAIRS, len(band)))
        step = 10 ** (strength / 20 * _signs(key))
        for block, gain in enumerate((step, 1 / step)):
            self._gains[block][:, band >= 0] = gain[:, band[band >= 0]]
        # Of the input, from half a window before the next frame; of the output, the half that the next frame adds to.
        self._waiting: Table | None = None
        self._over = np.zeros(())
        self._frame, self._taken, self._given = 0, 0, 0

    def add(self, samples: Samples) -> Samples:
        """The next (channels, n) samples; gives out those that are ready, (channels, m)."""
        if self._waiting is None:
            self._waiting = self._over = np.zeros((len(samples), self._hop))
        self._taken += samples.shape[1]
        waiting = np.concatenate([self._waiting, samples], axis=1)
        out = [np.zeros((len(samples), 0))]
        while waiting.shape[1] >= 2 * self._hop:
            half = self._next(waiting[:, : 2 * self._hop])
            waiting = waiting[:, self._hop :]
            if self._frame > 1:  # the first half lies before the first sample
                out.append(half)
        self._waiting = waiting
        ready = np.concatenate(out, axis=1).astype(np.float32)
        self._given += ready.shape[1]
        return ready

    def end(self) -> Samples:
        """The last samples."""
        if self._waiting is None:
            return np.zeros((0, 0), np.float32)
        left = self._taken - self._given
        return self.add(np.zeros((len(self._waiting), 2 * self._hop), np.float32))[:, :left]

    def _next(self, frame: Table) -> Table:
        """One frame (channels, 2 hop): the half that is finished by it."""
        # The middle of the frame decides its block.
        seconds = self._frame * self._hop / self._rate
        block = int(seconds / _BLOCK)
        gain = self._gains[block % 2, block // 2 % _PAIRS]
        marked = np.fft.irfft(np.fft.rfft(frame * self._window) * gain, n=2 * self._hop) * self._window
        done = self._over + marked[:, : self._hop]
        self._over = marked[:, self._hop :]
        self._frame += 1
        return done


def marking(blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
    """Blocks (channels, n) of a sound, marked; as many samples in all."""
    marker = Marker(sample_rate)
    for block in blocks:
        yield marker.add(block)
    yield marker.end()


def marked(audio: Audio, key: int = KEY, strength: float = STRENGTH) -> Audio:
    """The sound with the mark of a key, as long as before."""
    marker = Marker(audio.sample_rate, key, strength)
    first = marker.add(audio.samples)
    return Audio(np.concatenate([first, marker.end()], axis=1), audio.sample_rate)


@dataclass(frozen=True)
class MarkFound:
    """What the detector says: `score` in standard deviations of chance; a mark is one over `THRESHOLD`."""

    score: float

    @property
    def is_marked(self) -> bool:
        """Whether the sound has the mark."""
        return self.score > THRESHOLD


def detect_mark(audio: Audio, key: int = KEY) -> MarkFound:
    """Look for the mark of a key.

    Raises:
        AudioError: for less than 3 s of sound.
        MissingExtraError: without soxr, unless the sound has 16 kHz.
    """
    return MarkFound(correlation(differences(audio), key))


def differences(audio: Audio) -> Table:
    """Differences of the levels of each band between the blocks that meet in each frame, (frames, bands)."""
    if audio.duration < SHORTEST:
        raise AudioError(f"a mark is looked for in at least {SHORTEST:g} s of sound, not {audio.duration:.2f}")
    mono = audio.samples.mean(axis=0)
    if audio.sample_rate != _RATE:
        try:
            import soxr
        except ImportError:
            raise MissingExtraError("soxr", "voices") from None
        mono = soxr.resample(mono, audio.sample_rate, _RATE)
    hop = round(_HOP * _RATE)
    size = 4 * hop
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, size // 2), size)[::hop]
    band = _band_of(np.fft.rfftfreq(size, 1 / _RATE))
    power = np.empty((len(frames), _BANDS))
    sums = np.zeros((len(band), _BANDS))
    sums[np.flatnonzero(band >= 0), band[band >= 0]] = 1
    window = np.hanning(size)
    for first in range(0, len(frames), 4096):
        part = slice(first, first + 4096)
        power[part] = np.abs(np.fft.rfft(frames[part] * window)) ** 2 @ sums
    total = np.cumsum(np.pad(power, ((1, 0), (0, 0))), axis=0)
    level = 10 * np.log10(np.maximum(total[_FRAMES:] - total[:-_FRAMES], 0) + 1e-9)
    change = level[:-_FRAMES] - level[_FRAMES:]
    change -= np.median(change, axis=1, keepdims=True)  # an onset, a decay: all bands at a time
    return np.asarray(np.tanh(change / _CLIP))


def correlation(change: Table, key: int) -> float:
    """The largest correlation of differences with the signs of a key, in standard deviations of all of them."""
    period = 2 * _FRAMES * _PAIRS
    folded = np.zeros((period, _BANDS))
    for first in range(0, len(change), period):
        part = change[first : first + period]
        folded[: len(part)] += part
    by_phase = folded.reshape(_PAIRS, 2 * _FRAMES, _BANDS)  # frame 16 k + phase
    spectrum = np.fft.rfft(by_phase, axis=0) * np.conj(np.fft.rfft(_signs(key), axis=0))[:, None]
    found = np.fft.irfft(spectrum.sum(axis=2), n=_PAIRS, axis=0).ravel()
    spread = 1.4826 * float(np.median(np.abs(found - np.median(found))))
    return float((found.max() - np.median(found)) / max(spread, 1e-9))
