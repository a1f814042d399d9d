"""Networks of the public families over several pieces of different lengths at once: as `ragged_gpt2` is for GPT-2.

Each piece has a window that jumps by half of itself, as in `long_sequences`. An item is what a network reads at a
position: an id, or of SkyTNT's models a row of them.

Shapes: R pieces, N new items of all pieces together, H heads of the keys, D head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from symbolic_music.generation.inference.ragged_gpt2 import LEAST_SHARED, Mixer
from symbolic_music.generation.inference.ragged_layers import Stack
from symbolic_music.models.modules.kv_cache import hop_of

Item = TypeVar("Item")


class RaggedWindows(Generic[Item]):
    """A reader of R pieces.

    Args:
        stack: that reads.
        pieces: R. Memory is taken as items are read: `stack.memory` bytes for a full window of each piece.
    """

    def __init__(self, stack: Stack[Item], pieces: int) -> None:
        self._stack = stack
        shape = (pieces, stack.key_heads, stack.context, stack.head_width)
        self._keys = [stack.like.new_empty(shape) for _ in range(stack.layers)]
        self._values = [stack.like.new_empty(shape) for _ in range(stack.layers)]
        # How many first positions of each piece hold numbers; the others hold whatever was in the memory.
        self._numbers = [0] * pieces
        self._windows: list[list[Item]] = [[] for _ in range(pieces)]
        # All pieces have this many first positions in common with the first piece.
        self._shared = 0
        # Positions before those of the window, which stay.
        self._first = 0
        if stack.opening is not None:
            with torch.no_grad():
                self._read_opening(stack.opening)

    @torch.no_grad()
    def read(self, pieces: Sequence[int], items: Sequence[Sequence[Item]]) -> list[Tensor]:
        """Append items, at least one to each of some pieces; the states (items, width) after them.

        Args:
            pieces: which, ascending, each once.
            items: of each of them.
        """
        left = [list(own) for own in items]
        found: list[list[Tensor]] = [[] for _ in pieces]
        if len(pieces) == len(self._windows) > 1 and not any(self._windows):
            same = _in_common(left)
            if same >= LEAST_SHARED:
                found = self._begin(left, same)
                left = [own[same:] for own in left]
        while any(left):
            turn = [at for at, own in enumerate(left) if own]
            chunks, again = [], []
            for at in turn:
                kept = self._make_room(pieces[at])
                room = self._most - len(self._windows[pieces[at]]) - len(kept)
                chunks.append([*kept, *left[at][:room]])
                again.append(len(kept))
                left[at] = left[at][room:]
            states = self._run([pieces[at] for at in turn], chunks)
            for at, own, skipped in zip(turn, states, again, strict=True):
                found[at].append(own[skipped:])
        return [torch.cat(own) for own in found]

    def restart(self, pieces: Sequence[int]) -> None:
        """Forget some pieces."""
        for piece in pieces:
            self._windows[piece] = []
        if pieces:
            self._shared = min(self._shared, self._first)

    @torch.no_grad()
    def reread(self, piece: int, items: Sequence[Item], last: int) -> Tensor:
        """Let a piece consist of these items, as many as fit at most; states (last, width) after the last of them.

        What its window has in common with the first of them is not read again.
        """
        window = self._windows[piece]
        most = min(len(items) - last, len(window))
        same = next((at for at in range(most) if window[at] != items[at]), most)
        self._windows[piece] = window[:same]
        self._shared = min(self._shared, self._first + same)
        return self._run([piece], [list(items[same:])])[0][-last:]

    @property
    def _most(self) -> int:
        """Items of a full window."""
        return self._stack.context - self._first

    def _read_opening(self, x: Tensor) -> None:
        """What stands before all pieces."""
        self._through([0], [0], x)
        self._first = self._shared = len(x)
        self._copy(self._first)

    def _begin(self, items: Sequence[Sequence[Item]], same: int) -> list[list[Tensor]]:
        """What all pieces begin with alike is read once, as far as the window holds it, and copied."""
        states = self._run([0], [list(items[0][: min(same, self._most)])])[0]
        held = len(self._windows[0])
        self._copy(self._first + held)
        for piece in range(1, len(self._windows)):
            self._windows[piece] = list(self._windows[0])
        self._shared = self._first + held
        found = [[states] for _ in self._windows]
        if same > held:
            pieces = range(len(self._windows))
            for own, more in zip(found, self.read(pieces, [own[held:same] for own in items]), strict=True):
                own.append(more)
        return found

    def _copy(self, length: int) -> None:
        """Let all pieces hold the first positions of the first piece."""
        for buffer in (*self._keys, *self._values):
            buffer[1:, :, :length] = buffer[:1, :, :length]
        self._numbers[1:] = [max(length, own) for own in self._numbers[1:]]

    def _make_room(self, piece: int) -> list[Item]:
        """Make room where a window is full: the items that begin the next one, which are read again."""
        window = self._windows[piece]
        if len(window) < self._most:
            return []
        self._windows[piece], self._shared = [], min(self._shared, self._first)
        return window[hop_of(len(window)) :]

    def _clear(self, pieces: Sequence[int], end: int) -> None:
        """Zero what was never written before a position: attention masks it, and 0 times NaN is NaN."""
        for piece in pieces:
            if (begin := self._numbers[piece]) < end:
                for buffer in (*self._keys, *self._values):
                    buffer[piece, :, begin:end] = 0
                self._numbers[piece] = end

    def _run(self, pieces: Sequence[int], chunks: Sequence[list[Item]]) -> list[Tensor]:
        befores = [self._first + len(self._windows[piece]) for piece in pieces]
        items = [item for chunk in chunks for item in chunk]
        states = self._through(pieces, befores, self._stack.embedded(items), [len(chunk) for chunk in chunks])
        for piece, chunk in zip(pieces, chunks, strict=True):
            self._windows[piece] = self._windows[piece] + chunk
        return states

    def _through(
        self, pieces: Sequence[int], befores: Sequence[int], x: Tensor, counts: Sequence[int] | None = None
    ) -> list[Tensor]:
        """Embedded items (N, width) of some pieces through the layers; states of each piece."""
        counts = [len(x)] if counts is None else counts
        self._clear(pieces, max(b + n for b, n in zip(befores, counts, strict=True)))
        places = [p for b, n in zip(befores, counts, strict=True) for p in range(b, b + n)]
        common = (0, self._shared) if min(befores) >= self._shared > 0 else (0, 0)
        mix = Mixer(pieces, befores, counts, common, x.device)

        def mixed(layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
            return mix(q, k, v, self._keys[layer], self._values[layer], scale).flatten(1)

        return list(torch.split(self._stack.states(x, torch.tensor(places, device=x.device), mixed), list(counts)))


def _in_common(items: Sequence[Sequence[object]]) -> int:
    """How many first items are alike, of which each keeps one at least."""
    most = min(map(len, items)) - 1
    return next((at for at in range(most) if any(own[at] != items[0][at] for own in items[1:])), most)
