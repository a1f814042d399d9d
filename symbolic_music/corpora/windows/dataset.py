"""Windows of a note store as a torch dataset: read, augmented and encoded on access.

    store = NoteStore("maestro.store")
    windows = Windows(store, tokenizers.get("performance"), Crops(2048), preset("music-transformer"), split="train")
    order = Shuffled(windows, seed=0)
    for epoch in range(10):
        order.set_epoch(epoch)
        for batch in DataLoader(windows, 32, sampler=order, num_workers=2, collate_fn=windows.collate):
            batch.ids, batch.mask

What window i of epoch e holds depends on (seed, e, i) alone: not on workers, ranks, or what was requested before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows.augmentation import NONE, Augmentation
from symbolic_music.corpora.windows.batches import Collate
from symbolic_music.corpora.windows.policies import Ints, Policy, Source
from symbolic_music.errors import CorpusError, EmptyScoreError, OptionError, RegionError, TokenError
from symbolic_music.tokenizers.base import Ids, Tokenizer

CACHE = 24 << 20


class Windows(Dataset[Tensor]):
    """A map-style dataset: `windows[i]` is int64, shape (n,), or (n, fields) of compound words; n at most the length.

    `windows[e, i]` is window i of epoch e, `windows[i]` of the epoch that was set. `Shuffled` requests both, so that
    persistent workers need no notice of a new epoch.

    Args:
        store: of notes.
        tokenizer: of the ids.
        policy: Crops, Chunks, Bars or Packed.
        augmentation: what is varied; none when it is left out.
        split: the pieces of this split.
        pieces: these pieces (indices into the store); of both, those of the split among them. None for all.
        seed: of all that is drawn.
        cache: bytes of prepared pieces that a process holds.

    Raises:
        OptionError: when policy, tokenizer and augmentation do not go together, or a seed is negative.
        CorpusError: when the store has no such split or no such piece.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> windows = sm.corpora.Windows(store, sm.tokenizers.get("performance"), sm.corpora.Crops(64))
        >>> windows[0].shape
        torch.Size([64])
    """

    def __init__(
        self,
        store: NoteStore,
        tokenizer: Tokenizer,
        policy: Policy[Any],
        augmentation: Augmentation = NONE,
        split: str | None = None,
        pieces: Sequence[int] | Ints | None = None,
        seed: int = 0,
        cache: int = CACHE,
    ) -> None:
        if seed < 0:
            raise OptionError(f"a seed is at least 0, not {seed}")
        self.policy, self.seed, self.epoch = policy, seed, 0
        self.source = Source(store, tokenizer, _chosen(store, split, pieces), augmentation)
        policy.check(self.source)
        units = policy.units(self.source)
        # Only units that give windows.
        self._given = np.flatnonzero(units.windows > 0)
        self._first = units.first
        self._ends = np.cumsum(units.windows[self._given])
        self.unit_windows: Ints = units.windows[self._given]
        self.unit_bytes: Ints = units.nbytes[self._given]
        self._cache = _Cache(cache)
        self.collate = Collate(tokenizer.padding)

    def __repr__(self) -> str:
        source, policy = self.source, type(self.policy).__name__
        return f"Windows({len(self):,} windows of {len(source.pieces):,} pieces, {source.tokenizer.name}, {policy})"

    def __len__(self) -> int:
        """Windows of an epoch."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def piece_of(self, number: int) -> int:
        """The index in the store of the (first) piece that a window is of."""
        unit = int(np.searchsorted(self._ends, number, side="right"))
        return int(self.source.pieces[self._first[self._given[unit]]])

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of `windows[i]`. Running workers are not notified; with `Shuffled` they need not be."""
        self.epoch = epoch

    def __getitem__(self, index: int | tuple[int, int]) -> Tensor:
        """A window. IndexError for an unknown number, EmptyScoreError when no unit has any."""
        epoch, number = index if isinstance(index, tuple) else (self.epoch, index)
        epoch, number = int(epoch), int(number)
        if not 0 <= number < len(self):
            raise IndexError(f"no window {number}: an epoch has {len(self)}")
        unit = int(np.searchsorted(self._ends, number, side="right"))
        within = number - (int(self._ends[unit - 1]) if unit else 0)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, epoch, number])))
        for other in range(len(self._ends)):
            ids = self._window(epoch, (unit + other) % len(self._ends), within, rng)
            if ids is not None and len(ids):
                return torch.from_numpy(ids.astype(np.int64))
        raise EmptyScoreError("no piece of this dataset can be cut into windows")

    def _window(self, epoch: int, unit: int, number: int, rng: np.random.Generator) -> Ids | None:
        """A window of a unit; None when it has none, as where the tokenizer refuses a piece."""
        key = (epoch, unit) if self.policy.per_epoch else unit
        prepared = self._cache.get(key)
        if prepared is None:
            given = self._given[unit]
            pieces = self.source.pieces[self._first[given] : self._first[given + 1]]
            # Another stream than that of any window.
            seeds = np.random.SeedSequence([self.seed, epoch, unit], spawn_key=(1,))
            prepared = self.policy.prepared(self.source, pieces, np.random.Generator(np.random.PCG64(seeds)))
            self._cache.put(key, prepared)
        try:
            return self.policy.window(self.source, prepared, number, rng)
        except (RegionError, TokenError):
            return None


def _chosen(store: NoteStore, split: str | None, pieces: Sequence[int] | Ints | None) -> Ints:
    chosen = np.arange(len(store)) if pieces is None else np.asarray(pieces, np.int64).reshape(-1)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(store)):
        raise CorpusError(f"{store.path} has pieces 0 to {len(store) - 1}, not {chosen.min()} to {chosen.max()}")
    if split is None:
        return chosen
    if split not in store.splits:
        raise CorpusError(
            f"{store.path} has no split {split!r}; it has {', '.join(store.splits) or 'none'}: "
            "add pieces, or prepare it again with other --splits, such as 80/10/10"
        )
    return chosen[np.isin(chosen, store.splits[split])]


class _Cache:
    """The last things used, as many as fit; always the last one."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._used = capacity, 0
        self._held: OrderedDict[Hashable, Any] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Another process begins with nothing."""
        return {"_capacity": self._capacity, "_used": 0, "_held": OrderedDict()}

    def get(self, key: Hashable) -> Any:
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        self._used += value.nbytes
        self._held[key] = value
        while self._used > self._capacity and len(self._held) > 1:
            _, old = self._held.popitem(last=False)
            self._used -= old.nbytes
