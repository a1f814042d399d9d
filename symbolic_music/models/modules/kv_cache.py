"""Caches for sequences longer than the window: one that slides, one that jumps."""

from __future__ import annotations

import torch
from torch import Tensor


class KeyValues:
    """Preallocated keys and values of one layer, each (B, H, window, D); `length` positions are filled.

    What is not filled yet takes address space alone.
    """

    def __init__(self, batch: int, heads: int, window: int, width: int, like: Tensor) -> None:
        self.keys = like.new_empty(batch, heads, window, width)
        self.values = torch.empty_like(self.keys)
        self.length = 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add positions at the end; returns all that are filled."""
        end = self.length + keys.shape[-2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def take(self, other: KeyValues, length: int | None = None) -> None:
        """Hold the first positions of another layer of this shape."""
        self.length = length = other.length if length is None else length
        self.keys[:, :, :length] = other.keys[:, :, :length]
        self.values[:, :, :length] = other.values[:, :, :length]


class SlidingKeyValues:
    """Keys and values of one layer at the last positions, for attention by distance: each position sees `window`.

    They lie one after the other in a buffer of window - 1 + room positions. When the next do not fit, the last
    window - 1 move to its front, once in `room` positions, so that what a query reads is always a view in order.
    """

    def __init__(self, batch: int, heads: int, window: int, room: int, width: int, like: Tensor) -> None:
        self.window, self.room = window, room
        self.keys = like.new_zeros(batch, heads, window - 1 + room, width)
        self.values = torch.zeros_like(self.keys)
        self.end = 0

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add L positions, at most `room`, each (B, H, L, D); returns the window - 1 before them and them."""
        length = keys.shape[-2]
        if self.end + length > self.keys.shape[-2]:
            kept = self.window - 1
            for buffer in (self.keys, self.values):
                # The two may overlap when the buffer is short.
                buffer[:, :, :kept] = buffer[:, :, self.end - kept : self.end].clone()
            self.end = kept
        first, start = max(0, self.end - self.window + 1), self.end
        self.end += length
        self.keys[:, :, start : self.end] = keys
        self.values[:, :, start : self.end] = values
        return self.keys[:, :, first : self.end], self.values[:, :, first : self.end]

    def take_rows(self, rows: Tensor) -> None:
        """Let each row of the batch hold what another row, or itself, has held."""
        rows = rows.to(self.keys.device)
        for buffer in (self.keys, self.values):
            buffer[:, :, : self.end] = buffer[rows, :, : self.end]

    def last(self) -> tuple[Tensor, Tensor]:
        """The cached entries that the last position attends to, itself included."""
        first = max(0, self.end - self.window)
        return self.keys[:, :, first : self.end], self.values[:, :, first : self.end]


class SlidingCache:
    """A `SlidingKeyValues` a layer, and of each of the last `window` positions a number: an id, or a time.

    `length` is how many positions have been read.
    """

    def __init__(self, layers: int, batch: int, heads: int, window: int, width: int, like: Tensor) -> None:
        self.window, self.room = window, min(window, 256)
        self.layers = [SlidingKeyValues(batch, heads, window, self.room, width, like) for _ in range(layers)]
        self.numbers = torch.zeros(batch, 0, dtype=torch.long, device=like.device)
        self.length = 0

    def append(self, numbers: Tensor) -> Tensor:
        """Add those of L positions, (B, L); returns the window - 1 before them and them."""
        before = self.numbers[:, max(0, self.numbers.shape[1] - self.window + 1) :]
        seen = torch.cat([before, numbers], dim=1)
        self.numbers = seen[:, max(0, seen.shape[1] - self.window) :]
        self.length += numbers.shape[1]
        return seen

    def take_rows(self, rows: Tensor) -> None:
        """Let each row of the batch hold what another row, or itself, has held: the numbers of those rows."""
        for layer in self.layers:
            layer.take_rows(rows)
        self.numbers = self.numbers[rows.to(self.numbers.device)]


class JumpingCache:
    """Keys and values of each layer from the start of the window on, and the window's ids: see `windows`."""

    def __init__(
        self, layers: int, batch: int, heads: int, window: int, width: int, like: Tensor, fields: tuple[int, ...] = ()
    ) -> None:
        self.layers = [KeyValues(batch, heads, window, width, like) for _ in range(layers)]
        self.ids = WindowIds(batch, window, like.device, fields)

    @property
    def length(self) -> int:
        """Ids read so far."""
        return self.ids.length

    def restart(self) -> None:
        """Forget keys and values."""
        for layer in self.layers:
            layer.length = 0

    def take(self, other: JumpingCache, length: int | None = None) -> None:
        """Hold the first positions that another cache of this shape holds, all by default."""
        for own, given in zip(self.layers, other.layers, strict=True):
            own.take(given, length)
        self.ids.take(other.ids)


class WindowIds:
    """The ids (B, window, *fields) of a window that jumps by half of itself: `filled` of them are held."""

    def __init__(self, batch: int, window: int, device: torch.device, fields: tuple[int, ...] = ()) -> None:
        self.held = torch.zeros(batch, window, *fields, dtype=torch.long, device=device)
        self.filled = 0
        self.length = 0

    @property
    def room(self) -> int:
        """Ids that fit before the window jumps."""
        return self.held.shape[1] - self.filled

    def append(self, ids: Tensor) -> None:
        """Add ids, at most `room`."""
        self.held[:, self.filled : self.filled + ids.shape[1]] = ids
        self.filled += ids.shape[1]
        self.length += ids.shape[1]

    def take(self, other: WindowIds) -> None:
        """Hold what another window of this size holds."""
        self.filled, self.length = other.filled, other.length
        self.held[:, : self.filled] = other.held[:, : self.filled]

    def jump(self) -> Tensor:
        """Forget the older half of a full window; returns the rest, which now begins it."""
        hop = hop_of(self.held.shape[1])
        kept = self.held[:, hop:].clone()
        self.filled = kept.shape[1]
        self.held[:, : self.filled] = kept
        return kept


def hop_of(window: int) -> int:
    """How far a window that jumps moves: half of it."""
    return max(1, window // 2)
