"""Windows of a note store, in the ids of any tokenizer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from typing_extensions import override

from symbolic_music import tokenizers
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.corpora.windows import augmentation
from symbolic_music.corpora.windows.batches import Batch as Windowed
from symbolic_music.corpora.windows.batches import Shuffled
from symbolic_music.corpora.windows.dataset import Windows
from symbolic_music.corpora.windows.packed_chunks import Packed
from symbolic_music.corpora.windows.policies import Bars, Chunks, Crops, Policy
from symbolic_music.errors import TrainingError
from symbolic_music.training.config import TrainConfig, WindowsData
from symbolic_music.training.data.base import Held, TokenSource
from symbolic_music.training.task import Share

_VALIDATION_BATCH = 8


class WindowSource(TokenSource):
    """A `TokenSource`. An epoch is every window once, in an order drawn from the seed."""

    def __init__(self, config: TrainConfig, data: WindowsData) -> None:
        self.config, self.data = config, data
        chosen = {} if data.preset is None else {"preset": data.preset}
        self.tokenizer = tokenizers.get(data.tokenizer, **chosen, **data.options)
        store, varied = NoteStore(data.path), augmentation.preset(data.augmentation)
        self.train = Windows(store, self.tokenizer, policy_of(data), varied, split=data.train, seed=config.seed)
        plain = policy_of(data, evaluated=True)
        self.valid = Windows(store, self.tokenizer, plain, split=data.validation)
        if len(self.train) < config.optim.batch:
            raise TrainingError(f"a batch of {config.optim.batch} exceeds the {len(self.train)} windows")
        if not len(self.valid):
            raise TrainingError(f"split {data.validation!r} of {data.path} has no windows")

    @override
    def training(self, first: int, share: Share) -> Iterator[list[Windowed]]:
        size, workers = self.config.optim.batch, self.data.workers
        if size % (share.world * share.parts):
            raise TrainingError(
                f"a batch of {size} does not divide among {share.world} processes in {share.parts} parts each"
            )
        steps = len(self.train) // size
        order = Shuffled(self.train, self.config.seed, share.rank, share.world)
        loader: DataLoader[Any] = DataLoader(
            self.train, size // (share.world * share.parts), sampler=order, num_workers=workers,
            collate_fn=self.train.collate, persistent_workers=workers > 0, worker_init_fn=_deaf,
            generator=torch.Generator(),  # else every epoch takes a number from those that dropout is drawn from
        )  # fmt: skip
        epoch, done = divmod(first, steps)
        while True:
            order.set_epoch(epoch, done * size)
            batches = iter(loader)
            for _ in range(steps - done):
                yield list(islice(batches, share.parts))
            epoch, done = epoch + 1, 0

    @override
    def validation(self, share: Share) -> Iterator[Held]:
        """As many windows as the config says, spread evenly over the split."""
        count = min(self.data.validation_windows, len(self.valid))
        chosen = np.linspace(0, len(self.valid) - 1, count).astype(np.int64)[share.rank :: share.world]
        for start in range(0, len(chosen), _VALIDATION_BATCH):
            windows = [self.valid[int(i)] for i in chosen[start : start + _VALIDATION_BATCH]]
            # Notes and seconds of parts of pieces are not known without decoding; see `evaluate` for whole pieces.
            yield Held(self.valid.collate(windows), 0, 0.0)

    @override
    def provenance(self, step: int) -> str:
        size = self.config.optim.batch
        epoch, done = divmod(step, len(self.train) // size)
        order = Shuffled(self.train, self.config.seed)
        order.set_epoch(epoch, done * size)
        numbers = [number for _, number in islice(order, size)]
        return (
            f"windows {', '.join(map(str, numbers))} of epoch {epoch} of split {self.data.train!r} of {self.data.path}"
        )


def policy_of(data: WindowsData, evaluated: bool = False) -> Policy[Any]:
    """The window policy of a config; to be evaluated, pieces come whole, in chunks, where they can."""
    if data.windows == "packed":
        return Packed(1 if evaluated else data.factor)
    if data.windows == "bars":
        return Bars(data.length)
    return Chunks(data.length) if evaluated or data.windows == "chunks" else Crops(data.length)


def _deaf(worker: int) -> None:
    """Ctrl-C is for the main process, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
