"""Loudness meter for audio in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples

# Samples that are filtered by one product of matrices, and such blocks whose states are found by another.
BLOCK, GROUP = 64, 32


@dataclass(frozen=True, eq=False)
class _Weighting:
    """The two filters of BS.1770-4 as matrices: a block of samples (BLOCK,) and a state (4,) to output and next state.

    `output` (BLOCK, BLOCK + 4) has the output from state 0 and what the block adds to the state; `ringing` (4, BLOCK)
    the output of a state; `states` (4 * GROUP, 4 * GROUP + 4) the states before each block of a group and after it
    from what its blocks add; `onward` (4, 4 * GROUP + 4) the same from the state before the group.
    """

    sections: NDArray[np.float64]
    output: torch.Tensor
    ringing: torch.Tensor
    states: torch.Tensor
    onward: NDArray[np.float64]


@cache
def _weighting(sample_rate: int) -> _Weighting:
    from pyloudnorm.iirfilter import IIRfilter
    from scipy.signal import sosfilt

    stages = (IIRfilter(4.0, 0.5**0.5, 1500.0, sample_rate, "high_shelf"),
              IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass"))  # fmt: skip
    sections = np.array([np.concatenate([one.passband_gain * one.b, one.a]) for one in stages])
    rest = np.zeros((2, 4, 2))
    rest[[0, 0, 1, 1], np.arange(4), [0, 1, 0, 1]] = 1
    ringing, after = sosfilt(sections, np.zeros((4, BLOCK)), zi=rest)
    answer, added = sosfilt(sections, np.eye(BLOCK), zi=np.zeros((2, BLOCK, 2)))
    step, added = (one.transpose(1, 0, 2).reshape(-1, 4) for one in (after, added))
    powers = [np.eye(4)]
    for _ in range(GROUP):
        powers.append(powers[-1] @ step)
    states = np.zeros((GROUP, 4, GROUP + 1, 4))
    for block in range(GROUP):
        for later in range(block + 1, GROUP + 1):
            states[block, :, later] = powers[later - block - 1]
    return _Weighting(
        sections,
        torch.from_numpy(np.concatenate([answer, added], axis=1).astype(np.float32)),
        torch.from_numpy(ringing.astype(np.float32)),
        torch.from_numpy(states.reshape(4 * GROUP, -1)),
        np.concatenate(powers, axis=1),
    )


class Meter:
    """Integrated loudness of stereo in LUFS (ITU-R BS.1770-4): the figure of pyloudnorm, in bounded memory.

    Raises:
        MissingExtraError: without pyloudnorm, whose filters it uses, and SciPy.
    """

    def __init__(self, sample_rate: int) -> None:
        try:
            from scipy.signal import sosfilt

            self._weighting = _weighting(sample_rate)
        except ImportError:
            raise MissingExtraError("pyloudnorm", "audio") from None
        self.sample_rate = sample_rate
        self._filter = sosfilt
        self._state = np.zeros((2, 2, 2))
        self._left = np.zeros((2, 0), np.float32)
        self._energies: list[NDArray[np.float64]] = []
        self._tenths = 0
        self._passed = 0

    def add(self, sound: Samples) -> None:
        """The next (2, n)."""
        whole = sound.shape[1] // (BLOCK * GROUP) * (BLOCK * GROUP)
        begin = self._passed - self._left.shape[1]
        weighted = np.concatenate([self._left, self._by_blocks(sound[:, :whole]), self._rest(sound[:, whole:])], axis=1)
        self._passed += sound.shape[1]
        # Every gating block of 400 ms is four tenths of a second.
        edges = [int(0.4 * (j * 0.25) * self.sample_rate) - begin for j in range(self._tenths, self._edge() + 1)]
        if len(edges) > 1:
            power = np.square(weighted[:, edges[0] : edges[-1]])
            places = np.array(edges[:-1]) - edges[0]
            self._energies.append(np.add.reduceat(power, places, axis=1, dtype=np.float64).sum(axis=0))
            self._tenths += len(edges) - 1
        self._left = weighted[:, edges[-1] :]

    def _by_blocks(self, sound: Samples) -> Samples:
        """Weighted sound (2, n) of whole groups of blocks."""
        if not sound.shape[1]:
            return sound
        own = self._weighting
        blocks = torch.from_numpy(np.ascontiguousarray(sound, np.float32)).view(-1, BLOCK)
        found = blocks @ own.output
        # By PyTorch: NumPy's threads would spin for a while after such a product, on cores that others need.
        states = (found[:, BLOCK:].double().reshape(-1, 4 * GROUP) @ own.states).view(2, -1, 4 * (GROUP + 1)).numpy()
        state = self._state.transpose(1, 0, 2).reshape(2, 4)
        for group in range(states.shape[1]):
            states[:, group] += state @ own.onward
            state = states[:, group, -4:]
        self._state = state.reshape(2, 2, 2).transpose(1, 0, 2)
        before = torch.from_numpy(states[:, :, :-4].astype(np.float32)).reshape(-1, 4)
        weighted: Samples = torch.addmm(found[:, :BLOCK], before, own.ringing).view(2, -1).numpy()
        return weighted

    def _rest(self, sound: Samples) -> Samples:
        """Weighted sound of fewer samples than a group."""
        if not sound.shape[1]:
            return sound
        weighted, self._state = self._filter(self._weighting.sections, sound.astype(np.float64), zi=self._state)
        return np.asarray(weighted, np.float32)

    def _edge(self) -> int:
        """How many tenths of a second are complete."""
        count = int(self._passed / (0.1 * self.sample_rate))
        return count if int(0.4 * (count * 0.25) * self.sample_rate) <= self._passed else count - 1

    def loudness(self, gain: float = 0.0) -> float:
        """LUFS of the samples so far, plus `gain` dB; -inf for silence.

        Sound of less than 0.4 s is filled up with silence.
        """
        parts = np.concatenate([*self._energies, [np.square(self._left, dtype=np.float64).sum()]])
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
