"""Limiter for audio in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from symbolic_music.synthesis.mixing.pan_and_reverb import Samples

CEILING = 0.89  # -1 dB
# Blocks of a millisecond that the limiter looks ahead and back.
REACH = 20


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
