"""Readers of ids for samplers that write several pieces at the same time, with any token model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from typing_extensions import override

from symbolic_music.generation.inference.ragged_families import RaggedWindows
from symbolic_music.generation.inference.ragged_layers import Stack, memory_of, stack_of
from symbolic_music.generation.inference.shared_prefix import reading_once
from symbolic_music.models.checkpoints.memory import free_memory

# Pieces that are written at the same time, at most; their windows take half of what memory is free, at most.
_AT_ONCE = 8


class IdReader(Protocol):
    """Keeps a sequence of ids for each of several pieces. States of n pieces are (n, anything)."""

    def read(self, pieces: Sequence[int], ids: Sequence[Sequence[int]]) -> list[Tensor]:
        """Append ids, at least one to each of some pieces (ascending, each once); the state after the last of each."""
        ...

    def restart(self, pieces: Sequence[int]) -> None:
        """Forget some pieces."""
        ...

    def reread(self, piece: int, ids: Sequence[int], last: int) -> Tensor:
        """Let a piece consist of these ids, of a window at most; the states after the last of them."""
        ...

    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        """Logits (n, last - first) of the ids first..last - 1 after states."""
        ...


def id_reader(network: Any, pieces: int) -> IdReader:
    """The reader of a network."""
    stack = stack_of(network)
    return _OneByOne(network, pieces) if stack is None else StackReader(stack, pieces)


def at_once(network: Any, most: int = _AT_ONCE) -> int:
    """How many pieces are written at the same time, at least one."""
    most = min(most, _AT_ONCE)
    stack, free = stack_of(network), free_memory()
    if stack is None or free is None:
        return most
    return max(1, min(most, free // 2 // memory_of(stack)))


class StackReader(IdReader):
    """All pieces together, each in its window: see `ragged_families`."""

    def __init__(self, stack: Stack[int], pieces: int) -> None:
        self._stack = stack
        self.windows = RaggedWindows(stack, pieces)

    @override
    def read(self, pieces: Sequence[int], ids: Sequence[Sequence[int]]) -> list[Tensor]:
        return [states[-1] for states in self.windows.read(pieces, ids)]

    @override
    def restart(self, pieces: Sequence[int]) -> None:
        self.windows.restart(pieces)

    @override
    def reread(self, piece: int, ids: Sequence[int], last: int) -> Tensor:
        return self.windows.reread(piece, ids, last)

    @override
    @torch.no_grad()
    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        return self._stack.logits(states, first, last)


class _OneByOne(IdReader):
    """One piece after the other, by the network's own `step`: states are logits of all ids.

    What all begin with is read once, where the network's caches can be copied.
    """

    def __init__(self, network: Any, pieces: int) -> None:
        self._network = reading_once(network) if pieces > 1 else network
        self._caches = [network.new_cache(1) for _ in range(pieces)]
        self._device = next(network.parameters()).device

    @override
    def read(self, pieces: Sequence[int], ids: Sequence[Sequence[int]]) -> list[Tensor]:
        found = []
        for piece, own in zip(pieces, ids, strict=True):
            found.append(self._network.step(torch.tensor([own], device=self._device), self._caches[piece])[0])
        return found

    @override
    def restart(self, pieces: Sequence[int]) -> None:
        for piece in pieces:
            self._caches[piece] = self._network.new_cache(1)

    @override
    @torch.no_grad()
    def reread(self, piece: int, ids: Sequence[int], last: int) -> Tensor:
        return torch.as_tensor(self._network(torch.tensor([ids], device=self._device))[0, -last:])

    @override
    def logits(self, states: Tensor, first: int, last: int) -> Tensor:
        return states[:, first:last]
