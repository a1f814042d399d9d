"""Loudness meter for audio in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples


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
