"""The order of windows in an epoch, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from symbolic_music.errors import OptionError

Ints = NDArray[np.int64]
POOL = 16 << 20


class _InUnits(Protocol):
    @property
    def unit_windows(self) -> Ints: ...

    @property
    def unit_bytes(self) -> Ints: ...


class Shuffled(Sampler[tuple[int, int]]):
    """An order of all windows of an epoch, as (epoch, number), for one of several ranks.

    It depends on the seed, the epoch and the pool. Rank r of w gets places r, r + w, r + 2w, ... of that order: all
    ranks together have the order of one. Each has as many; so when the windows do not divide among them, the last few
    of the order are left out.

    Windows are mixed within pools: units (pieces, or groups of them) are shuffled and put in pools of this many bytes,
    and all windows of a pool are shuffled. So a worker reads each unit once, not for each window, if the pool fits the
    cache of `Windows`.

    Args:
        dataset: the windows.
        seed: of the order; it need not be that of the dataset.
        rank: of this process, from 0.
        world: number of ranks.
        pool: bytes; None for all units in one.

    Raises:
        OptionError: when there is no such rank, or a seed is negative.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Crops(64))
        >>> order = list(sm.corpora.Shuffled(windows, seed=1))
        >>> sorted(number for epoch, number in order) == list(range(len(windows)))
        True
    """

    def __init__(
        self, dataset: _InUnits, seed: int = 0, rank: int = 0, world: int = 1, pool: int | None = POOL
    ) -> None:
        if not 0 <= rank < world:
            raise OptionError(f"no rank {rank}: of {world} ranks the first is 0, the last {world - 1}")
        if seed < 0:
            raise OptionError(f"a seed is at least 0, not {seed}")
        self.seed, self.rank, self.world, self.pool = seed, rank, world, pool
        self._windows, self._bytes = dataset.unit_windows, dataset.unit_bytes
        self._first = np.cumsum(self._windows) - self._windows
        self.epoch, self.done = 0, 0

    def set_epoch(self, epoch: int, done: int = 0) -> None:
        """Go to an epoch; to resume within one, say how many of its windows all ranks together have been given."""
        if not 0 <= done <= self._total():
            raise OptionError(f"an epoch has {self._total()} windows; {done} cannot be done")
        self.epoch, self.done = epoch, done

    def _total(self) -> int:
        return int(self._windows.sum())

    def __len__(self) -> int:
        """Windows that this rank is still to be given in this epoch."""
        return (self._total() - self.done) // self.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """(epoch, number of a window), from the first that is not done."""
        epoch, at = self.epoch, 0  # at: place in the order of all ranks
        mine, end = self.done + self.rank, self.done + len(self) * self.world
        for number, units in enumerate(self._pools(epoch)):
            size = int(self._windows[units].sum())
            if mine < min(at + size, end):
                windows = self._mixed(units, np.random.SeedSequence([self.seed, epoch], spawn_key=(number,)))
                for window in windows[mine - at : end - at : self.world].tolist():
                    yield epoch, window
                    mine += self.world
            at += size

    def _pools(self, epoch: int) -> list[Ints]:
        """The units in random order, in as many as a pool holds, at least one."""
        units = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, epoch]))).permutation(
            len(self._windows)
        )
        if self.pool is None or not len(units):
            return [units]
        number = (np.cumsum(self._bytes[units]) - 1) // max(1, self.pool)
        return np.split(units, np.flatnonzero(np.diff(number)) + 1)

    def _mixed(self, units: Ints, seeds: np.random.SeedSequence) -> Ints:
        """All windows of these units in random order."""
        count = self._windows[units]
        windows = np.repeat(self._first[units] - (np.cumsum(count) - count), count) + np.arange(count.sum())
        np.random.Generator(np.random.PCG64(seeds)).shuffle(windows)
        return windows


class Batch(NamedTuple):
    """Windows side by side.

    Args:
        ids: int64, (batch, length), or (batch, length, fields) of compound words; what is shorter is padded at its end.
        mask: bool, (batch, length): where there are ids, not padding.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Chunks(512))
        >>> from symbolic_music.corpora.windows.batches import Collate
        >>> batch = Collate()([windows[0], windows[len(windows) - 1]])
        >>> batch.ids.shape, batch.mask.shape
        (torch.Size([2, 512]), torch.Size([2, 512]))
    """

    ids: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Collate:
    """Makes a batch of windows: `collate_fn` of a DataLoader.

    Args:
        padding: id that fills up, one a field.
        length: of all batches; None for that of the longest window of each.
    """

    padding: tuple[int, ...] = (0,)
    length: int | None = None

    def __call__(self, windows: Sequence[Tensor]) -> Batch:
        """Windows of shapes (n,) or (n, fields) as a batch. OptionError when one is longer than `length`."""
        longest = max(len(window) for window in windows)
        length = longest if self.length is None else self.length
        if longest > length:
            raise OptionError(f"a window of {longest} ids does not fit a batch of length {length}")
        if all(len(window) == length for window in windows):
            return Batch(torch.stack(list(windows)), torch.ones(len(windows), length, dtype=torch.bool))
        fields = windows[0].shape[1:]
        ids = torch.tensor(self.padding).expand(len(windows), length, len(self.padding)).clone()
        ids = ids if fields else ids[:, :, 0].contiguous()
        mask = torch.zeros(len(windows), length, dtype=torch.bool)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = True
        return Batch(ids, mask)
