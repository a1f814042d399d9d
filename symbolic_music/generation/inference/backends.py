"""Inference backends for samplers: one for each architecture over the anticipatory ids.

A reader keeps a sequence of ids for each of many lines. `read` appends to some of them and returns the state after the
last id of each; the other methods compute the logits of a block of ids from it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from symbolic_music.errors import ModelError
from symbolic_music.generation.inference.draft_model import DraftedGPT2
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.generation.inference.ragged_gpt2 import RaggedGPT2
from symbolic_music.generation.inference.weight_formats import Matrix
from symbolic_music.models.architectures.anticipatory import AnticipatoryTransformer
from symbolic_music.models.architectures.gpt2 import GPT2
from symbolic_music.tokenizers.anticipation import vocabulary as v

Network = GPT2 | PreparedGPT2 | DraftedGPT2 | AnticipatoryTransformer
Instruments = tuple[int, ...] | None


class Reader(Protocol):
    """See the module's docstring. The states of n lines are (n, anything)."""

    def read(self, places: Sequence[int], ids: Sequence[Sequence[int]], nows: Sequence[int]) -> Tensor:
        """Append ids to lines (ascending, each once); `nows`: the time id of the newest event of each. Their states."""
        ...

    def restart(self, place: int) -> None:
        """Forget a line."""
        ...

    def copy(self, source: int, targets: Sequence[int]) -> None:
        """Let some lines be what another is."""
        ...

    def times(self, states: Tensor, first: int, last: int) -> Tensor:
        """Logits of the time ids `first` to `last` - 1."""
        ...

    def separator(self, states: Tensor) -> Tensor:
        """Logits of SEPARATOR, (n, 1)."""
        ...

    def durations(self, states: Tensor) -> Tensor:
        """Logits of all durations, (n, 1000)."""
        ...

    def notes(self, states: Tensor, instruments: Instruments) -> Tensor:
        """Logits of the notes of some instruments, None for all, and of REST at the end."""
        ...


@singledispatch
def reader_of(network: Any, lines: int) -> Reader:
    """The reader of a network, for this many lines. For another architecture: `reader_of.register`.

    Raises:
        ModelError: when there is none, or the network has another vocabulary.
    """
    raise ModelError(f"a {type(network).__name__} cannot write into a piece: it has no inference backend")


def can_be_read(network: Any) -> bool:
    """Whether `reader_of` supports the architecture of a network."""
    return reader_of.dispatch(type(network)) is not reader_of.dispatch(object)


def context_of(network: Any) -> int:
    """Ids that a network is shown at once."""
    events = getattr(network.config, "window", None)
    return int(network.config.context) if events is None else 3 * int(events) - 2


def note_ids(instruments: Instruments) -> Tensor:
    """The ids of all notes of some instruments, then REST's, counted from v.NOTE."""
    chosen = range(v.INSTRUMENTS) if instruments is None else instruments
    return torch.as_tensor(np.append(np.concatenate([np.arange(128 * i, 128 * i + 128) for i in chosen]), v.MAX_NOTE))


class GPT2Reader(Reader):
    """Reads all lines side by side, and computes the logits that are requested alone: states are the final ones."""

    def __init__(self, network: GPT2 | PreparedGPT2, lines: int) -> None:
        self._model = network if isinstance(network, PreparedGPT2) else PreparedGPT2(network)
        self._reader = RaggedGPT2(self._model, lines)
        self._separator = self._model.output.rows(v.SEPARATOR, v.SEPARATOR + 1)
        self._notes: dict[Instruments, Matrix] = {None: self._model.notes}

    @override
    def read(self, places: Sequence[int], ids: Sequence[Sequence[int]], nows: Sequence[int]) -> Tensor:
        return self._reader.read(places, ids)

    @override
    def restart(self, place: int) -> None:
        self._reader.restart(place)

    @property
    def sequences(self) -> RaggedGPT2:
        """What reads its lines."""
        return self._reader

    @override
    def copy(self, source: int, targets: Sequence[int]) -> None:
        self._reader.copy(source, targets)

    @override
    def times(self, states: Tensor, first: int, last: int) -> Tensor:
        return self._model.output.rows(first, last)(states)

    @override
    def separator(self, states: Tensor) -> Tensor:
        return self._separator(states)

    @override
    def durations(self, states: Tensor) -> Tensor:
        return self._model.durations(states)

    @override
    def notes(self, states: Tensor, instruments: Instruments) -> Tensor:
        if instruments not in self._notes:
            self._notes[instruments] = self._model.notes.take(note_ids(instruments))
        return self._notes[instruments](states)


class RowReader(Reader):
    """Reads line by line: states are the log-probabilities of all ids."""

    def __init__(self, network: AnticipatoryTransformer, lines: int) -> None:
        self._network = network
        self._caches = [network.new_cache() for _ in range(lines)]

    @override
    @torch.inference_mode()
    def read(self, places: Sequence[int], ids: Sequence[Sequence[int]], nows: Sequence[int]) -> Tensor:
        states = []
        for place, own, now in zip(places, ids, nows, strict=True):
            cache, device = self._caches[place], self._network.kind.weight.device
            found = self._network.step(torch.tensor([own], device=device), cache)
            if not cache.pending.shape[1] and int(cache.now) != now:
                # With no event among the rows shown, the next one is counted from the present.
                cache.now[:] = now
                found = self._network._time_logits(cache.state, cache.now)
            states.append(found)
        return torch.cat(states)

    @override
    def restart(self, place: int) -> None:
        self._caches[place] = self._network.new_cache()

    @override
    def copy(self, source: int, targets: Sequence[int]) -> None:
        for target in targets:
            self._caches[target] = copy.deepcopy(self._caches[source])

    @override
    def times(self, states: Tensor, first: int, last: int) -> Tensor:
        return states[:, first:last]

    @override
    def separator(self, states: Tensor) -> Tensor:
        return states[:, v.SEPARATOR : v.SEPARATOR + 1]

    @override
    def durations(self, states: Tensor) -> Tensor:
        return states[:, v.DURATION : v.NOTE]

    @override
    def notes(self, states: Tensor, instruments: Instruments) -> Tensor:
        return states[:, v.NOTE + note_ids(instruments)]


@reader_of.register
def _(network: AnticipatoryTransformer, lines: int) -> Reader:
    return RowReader(network, lines)


@reader_of.register(GPT2)
@reader_of.register(PreparedGPT2)
def _(network: GPT2 | PreparedGPT2, lines: int) -> Reader:
    if network.config.vocabulary != v.SIZE:
        raise ModelError(f"the model has {network.config.vocabulary:,} ids; {v.SIZE:,} are needed")
    return GPT2Reader(network, lines)


@reader_of.register
def _(network: DraftedGPT2, lines: int) -> Reader:
    return reader_of(network.network, lines)
