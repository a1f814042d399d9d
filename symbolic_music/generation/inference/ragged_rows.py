"""SkyTNT's transformer over events for several pieces of different lengths at once: as `ragged_batch` is for GPT-2.

Shapes: R pieces, N new rows of all pieces together, F ids of a row, H heads, D head width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from symbolic_music.generation.inference.ragged_batch import LEAST_SHARED, Mixer
from symbolic_music.models.architectures.skytnt import SkyTnt
from symbolic_music.models.modules.kv_cache import hop_of
from symbolic_music.models.modules.llama_block import LlamaBlock
from symbolic_music.models.modules.rotary import Stretch, turned, turns

Row = list[int]
_PLAIN = Stretch()


class RaggedRows:
    """A reader of R pieces; each has a window that jumps by half of itself, as in `long_sequences`.

    Args:
        network: that reads.
        pieces: R. Memory is taken as rows are read: at the published shape 98 kB a row and piece.
    """

    def __init__(self, network: SkyTnt, pieces: int) -> None:
        self._network, c = network, network.config
        shape = (pieces, c.heads, c.context, c.width // c.heads)
        like = network.embedding.weight
        self._keys = [like.new_empty(shape) for _ in range(c.layers)]
        self._values = [like.new_empty(shape) for _ in range(c.layers)]
        # So many first positions of each piece hold numbers; the others hold whatever was in the memory.
        self._numbers = [0] * pieces
        self._windows: list[list[Row]] = [[] for _ in range(pieces)]
        # All pieces have this many first rows of their windows in common with the first piece.
        self._shared = 0

    @torch.no_grad()
    def read(self, pieces: Sequence[int], rows: Sequence[Sequence[Row]]) -> list[Tensor]:
        """Append rows, at least one to each of some pieces; the states (rows, width) after them.

        Args:
            pieces: which, ascending, each once.
            rows: of each of them.
        """
        left = [list(own) for own in rows]
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
                kept = self._room(pieces[at])
                room = self._network.config.context - len(self._windows[pieces[at]]) - len(kept)
                chunks.append([*kept, *left[at][:room]])
                again.append(len(kept))
                left[at] = left[at][room:]
            states = self._run([pieces[at] for at in turn], chunks)
            for at, own, skipped in zip(turn, states, again, strict=True):
                found[at].append(own[skipped:])
        return [torch.cat(own) for own in found]

    def _begin(self, rows: Sequence[Sequence[Row]], same: int) -> list[list[Tensor]]:
        """What all pieces begin with alike is read once, as far as the window holds it, and copied."""
        context = self._network.config.context
        states = self._run([0], [list(rows[0][: min(same, context)])])[0]
        held = len(self._windows[0])
        for buffer in (*self._keys, *self._values):
            buffer[1:, :, :held] = buffer[:1, :, :held]
        for piece in range(1, len(self._windows)):
            self._windows[piece], self._numbers[piece] = list(self._windows[0]), held
        self._shared = held
        found = [[states] for _ in self._windows]
        if same > held:
            pieces = range(len(self._windows))
            for own, more in zip(found, self.read(pieces, [own[held:same] for own in rows]), strict=True):
                own.append(more)
        return found

    def _room(self, piece: int) -> list[Row]:
        """Make room where a window is full: the rows that begin the next one, which are read again."""
        window = self._windows[piece]
        if len(window) < self._network.config.context:
            return []
        self._windows[piece], self._shared = [], 0
        return window[hop_of(len(window)) :]

    def _clear(self, pieces: Sequence[int], end: int) -> None:
        """Zero what was never written before a position: attention masks it, and 0 times NaN is NaN."""
        for piece in pieces:
            if (begin := self._numbers[piece]) < end:
                for buffer in (*self._keys, *self._values):
                    buffer[piece, :, begin:end] = 0
                self._numbers[piece] = end

    def _run(self, pieces: Sequence[int], chunks: Sequence[list[Row]]) -> list[Tensor]:
        net, c = self._network, self._network.config
        device = net.embedding.weight.device
        befores = [len(self._windows[piece]) for piece in pieces]
        counts = [len(chunk) for chunk in chunks]
        self._clear(pieces, max(b + n for b, n in zip(befores, counts, strict=True)))
        places = [p for b, n in zip(befores, counts, strict=True) for p in range(b, b + n)]
        cosine, sine = turns(torch.tensor(places, device=device), c.width // c.heads, c.base, _PLAIN)
        x = net.embedding(torch.tensor([row for chunk in chunks for row in chunk], device=device)).sum(-2)
        turn = cosine.to(x.dtype), sine.to(x.dtype)
        common = (0, self._shared) if min(befores) >= self._shared > 0 else (0, 0)
        mix = Mixer(pieces, befores, counts, common, device)
        for number, block in enumerate(net.blocks):
            assert isinstance(block, LlamaBlock)  # also where its linear layers are light
            parts = block.attention.query_key_value(block.attention_norm(x)).view(len(x), 3, c.heads, -1)
            q, k, v = parts.unbind(1)  # (N, H, D)
            q, k = (turned(one.transpose(0, 1), *turn).transpose(0, 1) for one in (q, k))
            scale = q.shape[-1] ** -0.5
            mixed = mix(q, k, v, self._keys[number], self._values[number], scale).reshape(len(x), -1)
            x = x + block.attention.out(mixed)
            x = x + block.feed_forward(block.feed_forward_norm(x))
        for piece, chunk in zip(pieces, chunks, strict=True):
            self._windows[piece] = self._windows[piece] + chunk
        return list(net.norm(x).split(counts))


def _in_common(rows: Sequence[Sequence[Row]]) -> int:
    """How many first rows are alike, of which each keeps one at least."""
    most = min(map(len, rows)) - 1
    return next((at for at in range(most) if any(own[at] != rows[0][at] for own in rows[1:])), most)
