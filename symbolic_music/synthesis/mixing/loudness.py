"""Loudness meter and limiter for audio in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from symbolic_music.synthesis.mixing.pan_and_reverb import Samples

if TYPE_CHECKING:
    pass

from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError

CEILING = 0.89  # -1 dB
# Blocks of a millisecond that the limiter looks ahead and back.
REACH = 20


class Meter:
    """Integrated loudness of stereo in LUFS (ITU-R BS.1770-4): the figure of pyloudnorm, in bounded memory.

    Raises:
        MissingExtraError: without pyloudnorm, whose filters it uses, and SciPy.
    """

    def __init__(self, sample_rate: int) -> None:
        try:
            from pyloudnorm.iirfilter import IIRfilter
            from scipy.signal import sosfilt
        except ImportError:
            raise MissingExtraError("pyloudnorm", "audio") from None
        stages = (IIRfilter(4.0, 0.5**0.5, 1500.0, sample_rate, "high_shelf"),
                  IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass"))  # fmt: skip
        self.sample_rate = sample_rate
        self._sections = np.array([np.concatenate([one.passband_gain * one.b, one.a]) for one in stages])
        self._filter = sosfilt
        self._state = np.zeros((2, 2, 2))
        self._left = np.zeros((2, 0))
        self._energies: list[NDArray[np.float64]] = []
        self._tenths = 0
        self._passed = 0

    def add(self, sound: Samples) -> None:
        """The next (2, n)."""
        weighted, self._state = self._filter(self._sections, sound.astype(np.float64), zi=self._state)
        begin = self._passed - self._left.shape[1]
        weighted = np.concatenate([self._left, weighted], axis=1)
        self._passed += sound.shape[1]
        # Every gating block of 400 ms is four tenths of a second.
        edges = [int(0.4 * (j * 0.25) * self.sample_rate) - begin for j in range(self._tenths, self._edge() + 1)]
        if len(edges) > 1:
            power = np.square(weighted[:, edges[0] : edges[-1]]).sum(axis=0)
            self._energies.append(np.add.reduceat(power, np.array(edges[:-1]) - edges[0]))
            self._tenths += len(edges) - 1
        self._left = weighted[:, edges[-1] :]

    def _edge(self) -> int:
        """How many tenths of a second are complete."""
        count = int(self._passed / (0.1 * self.sample_rate))
        return count if int(0.4 * (count * 0.25) * self.sample_rate) <= self._passed else count - 1

    def loudness(self, gain: float = 0.0) -> float:
        """LUFS of the samples so far, plus `gain` dB; -inf for silence.

        Sound of less than 0.4 s is filled up with silence.
        """
        parts = np.concatenate([*self._energies, [np.square(self._left).sum()]])
        tenths = self._passed / self.sample_rate * 10
        count = max(1, round(tenths - 4) + 1)
        parts = np.pad(parts, (0, max(0, count + 3 - len(parts))))
        power = np.lib.stride_tricks.sliding_window_view(parts, 4).sum(axis=1)[:count]
        power = power * (10 ** (gain / 10) / (0.4 * self.sample_rate))
        with np.errstate(divide="ignore"):
            level = -0.691 + 10 * np.log10(power)
            loud = power[level >= -70]
            if not len(loud):
                return -np.inf
            gate = -0.691 + 10 * np.log10(loud.mean()) - 10
            kept = power[(level > gate) & (level > -70)]
            return float(-0.691 + 10 * np.log10(kept.mean())) if len(kept) else -np.inf


class Limiter:
    """Holds peaks under the ceiling by a smooth gain that looks 40 ms ahead, so its output comes that much later.

    Sound is (2, n), or (tracks, 2, n): then it is the tracks' sum that is held, and all get the same gain.
    """

    def __init__(self, sample_rate: int, ceiling: float = CEILING) -> None:
        self.ceiling = ceiling
        self._block = max(1, sample_rate // 1000)
        window = np.hanning(2 * REACH + 1)[1:-1]
        self._window = window / window.sum()
        # Gains that blocks need, from REACH + REACH - 1 before the next to come out; what has come in from there on.
        self._needed = np.ones(2 * REACH - 1)
        self._held: Samples | None = None
        self._read = 0

    def limit(self, sound: Samples, last: bool = False) -> Samples:
        """The next samples in; those whose gain is known by now out. With `last`, all that are left."""
        held = sound if self._held is None else np.concatenate([self._held, sound], axis=-1)
        self._look(held[..., self._read :], last)
        blocks = max(0, len(self._needed) - (4 * REACH - 1))
        samples = min(blocks * self._block, held.shape[-1])
        out = held[..., :samples]
        if blocks and self._needed.min() < 1:
            # The lowest gain within reach, then its average within less: never above what a block or its neighbour
            # needs, so that the straight line from a block's value to the next is not either.
            lowest = np.lib.stride_tricks.sliding_window_view(self._needed, 2 * REACH + 1).min(axis=1)
            gain = np.convolve(lowest, self._window, mode="valid")
            curve = gain[:-1, None] + np.diff(gain)[:, None] * (np.arange(self._block) / self._block)
            out = out * curve.ravel()[:samples].astype(np.float32)
        self._needed = self._needed[blocks:]
        self._held = held[..., samples:]
        self._read -= samples
        return out

    def _look(self, fresh: Samples, last: bool) -> None:
        """Note what gain each whole block of new samples needs."""
        mix = fresh if fresh.ndim == 2 else fresh.sum(axis=0)
        if last:
            mix = np.pad(mix, ((0, 0), (0, -mix.shape[1] % self._block)))
        count = mix.shape[1] // self._block
        peaks = np.abs(mix[:, : count * self._block]).max(axis=0).reshape(count, self._block).max(axis=1)
        needed = self.ceiling / np.maximum(peaks, self.ceiling)
        self._needed = np.concatenate([self._needed, needed, np.ones(4 * REACH if last else 0)])
        self._read += count * self._block


def levelled(blocks: Iterable[Samples], gain: float, sample_rate: int) -> Iterator[Samples]:
    """Blocks (..., n) made louder by `gain` dB and their peaks held under -1 dB."""
    limiter, factor = Limiter(sample_rate), np.float32(10 ** (gain / 20))
    block = None
    # No block waits for the next one: the first is heard as soon as it is made.
    for block in blocks:
        yield limiter.limit(block * factor)
    if block is not None:
        yield limiter.limit(block[..., :0], last=True)
