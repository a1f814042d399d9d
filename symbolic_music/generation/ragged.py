"""GPT-2 over several sequences of different lengths at once, each with keys and values of its own.

What is new of all sequences goes through the matrices as one flat table of ids, so that the weights are read once for
all of them; only attention looks at one sequence at a time. Reading a prompt, a single id, ids of which some sequences
have more than others, and a window again from its start are the same operation.

Shapes: R sequences, H heads, D head width, N new ids of all sequences together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.generation.matrices import Matrix, plain
from symbolic_music.models.gpt2 import GPT2

# Ids that go through the matrices at a time: it bounds the memory of a prompt.
_MOST_AT_ONCE = 4096
MakeMatrix = Callable[[Tensor, Tensor | None], Matrix]


@dataclass(frozen=True)
class _Layer:
    attention_norm: tuple[Tensor, Tensor]
    query_key_value: Matrix
    out: Matrix
    feed_forward_norm: tuple[Tensor, Tensor]
    inner: Matrix
    outer: Matrix
    scale: float


class RaggedGPT2:
    """A reader of R sequences.

    Args:
        network: its weights are used as they are now, and not changed.
        sequences: R; the memory of all is taken at once, at the published small shape 75 MB each.
        make: from weight and bias to how the matrices of the blocks are multiplied by.
    """

    def __init__(self, network: GPT2, sequences: int, make: MakeMatrix = plain) -> None:
        c = self.config = network.config
        weights = {name: parameter.detach() for name, parameter in network.named_parameters()}
        self.embedding, self._position = weights["embedding.weight"], weights["position.weight"]
        self._norm = (weights["norm.weight"], weights["norm.bias"])
        self._layers = [_layer(weights, i, c.scale_by_layer, c.width // c.heads, make) for i in range(c.layers)]
        shape = (sequences, c.heads, c.context, c.width // c.heads)
        self._keys = [self.embedding.new_zeros(shape) for _ in range(c.layers)]
        self._values = [self.embedding.new_zeros(shape) for _ in range(c.layers)]
        self.lengths = [0] * sequences

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.device

    def restart(self, sequence: int) -> None:
        """Forget a sequence."""
        self.lengths[sequence] = 0

    def copy(self, source: int, targets: Sequence[int]) -> None:
        """Let some sequences be what another is."""
        length = self.lengths[source]
        for buffer in (*self._keys, *self._values):
            for target in targets:
                buffer[target, :, :length] = buffer[source, :, :length]
        for target in targets:
            self.lengths[target] = length

    @torch.inference_mode()
    def read(self, sequences: Sequence[int], ids: Sequence[Sequence[int]]) -> Tensor:
        """Append ids, at least one to each of some sequences; the final state after the last of each.

        Args:
            sequences: which, ascending, each once.
            ids: of each of them.

        Returns:
            (len(sequences), width).

        Raises:
            ModelError: when a sequence outgrows the positions.
        """
        parts, start = [], 0
        while start < len(sequences):
            end, total = start + 1, len(ids[start])
            while end < len(sequences) and total + len(ids[end]) <= _MOST_AT_ONCE:
                total += len(ids[end])
                end += 1
            parts.append(self._read(sequences[start:end], ids[start:end]))
            start = end
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _read(self, sequences: Sequence[int], ids: Sequence[Sequence[int]]) -> Tensor:
        befores = [self.lengths[s] for s in sequences]
        counts = [len(one) for one in ids]
        longest = max(b + n for b, n in zip(befores, counts, strict=True))
        if longest > self.config.context:
            raise ModelError(f"this model has {self.config.context} positions; {longest} ids are too many")
        flat = torch.tensor([i for one in ids for i in one], device=self.device)
        places = [p for b, n in zip(befores, counts, strict=True) for p in range(b, b + n)]
        x = self.embedding[flat] + self._position[torch.tensor(places, device=self.device)]
        mix = _Mixer(sequences, befores, counts, self.device)
        last = torch.tensor(counts, device=self.device).cumsum(0) - 1
        for i, layer in enumerate(self._layers):
            keys, values = self._keys[i], self._values[i]
            parts = layer.query_key_value(functional.layer_norm(x, x.shape[1:], *layer.attention_norm, self._epsilon))
            q, k, v = parts.view(len(x), 3, self.config.heads, -1).unbind(1)
            mixed = mix(q, k, v, keys, values, layer.scale).reshape(len(x), -1)
            if i == len(self._layers) - 1 and len(x) > len(sequences):
                # Above the last attention only the last id of each is asked for.
                x, mixed = x[last], mixed[last]
            x = x + layer.out(mixed)
            inner = layer.inner(functional.layer_norm(x, x.shape[1:], *layer.feed_forward_norm, self._epsilon))
            x = x + layer.outer(functional.gelu(inner, approximate="tanh"))
        for s, n in zip(sequences, counts, strict=True):
            self.lengths[s] += n
        return functional.layer_norm(x, x.shape[1:], *self._norm, self._epsilon)

    @property
    def _epsilon(self) -> float:
        return self.config.epsilon


def _layer(weights: dict[str, Tensor], i: int, scale_by_layer: bool, width: int, make: MakeMatrix) -> _Layer:
    def vectors(name: str) -> tuple[Tensor, Tensor]:
        return weights[f"blocks.{i}.{name}.weight"], weights[f"blocks.{i}.{name}.bias"]

    return _Layer(
        attention_norm=vectors("attention_norm"),
        query_key_value=make(*vectors("attention.query_key_value")),
        out=make(*vectors("attention.out")),
        feed_forward_norm=vectors("feed_forward_norm"),
        inner=make(*vectors("feed_forward.inner")),
        outer=make(*vectors("feed_forward.out")),
        scale=width**-0.5 / (i + 1 if scale_by_layer else 1),
    )


class _Mixer:
    """Causal attention of the new ids of some sequences, whose keys and values are appended."""

    def __init__(
        self, sequences: Sequence[int], befores: Sequence[int], counts: Sequence[int], device: torch.device
    ) -> None:
        self.spans = list(zip(sequences, befores, counts, strict=True))
        ends = [b + n for b, n in zip(befores, counts, strict=True)]
        neighbours = list(sequences) == list(range(sequences[0], sequences[0] + len(sequences)))
        # Sequences side by side that are about as long as each other are mixed together.
        self.together = len(sequences) > 1 and neighbours and max(counts) == 1 and 4 * max(ends) <= 5 * min(ends)
        self.mask: Tensor | None = None
        if self.together:
            self.where = slice(sequences[0], sequences[0] + len(sequences))
            self.longest = max(ends)
            self.sequences, self.befores = torch.tensor(sequences, device=device), torch.tensor(befores, device=device)
            if max(ends) > min(ends):
                seen = torch.arange(self.longest, device=device) <= self.befores[:, None]
                self.mask = seen[:, None, None]

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
        """(N, H, D) three times, and the buffers (R, H, context, D), to (N, H, D)."""
        if self.together:
            keys[self.sequences, :, self.befores] = k
            values[self.sequences, :, self.befores] = v
            seen = (keys[self.where, :, : self.longest], values[self.where, :, : self.longest])
            mixed = functional.scaled_dot_product_attention(q[:, :, None], *seen, attn_mask=self.mask, scale=scale)
            return mixed[:, :, 0]
        parts, start = [], 0
        for sequence, before, count in self.spans:
            own, end = slice(start, start + count), before + count
            keys[sequence, :, before:end] = k[own].transpose(0, 1)
            values[sequence, :, before:end] = v[own].transpose(0, 1)
            mask = None
            if before and count > 1:
                mask = torch.ones(count, end, dtype=torch.bool, device=q.device).tril(before)
            mixed = functional.scaled_dot_product_attention(
                q[own].transpose(0, 1)[None],
                keys[sequence : sequence + 1, :, :end],
                values[sequence : sequence + 1, :, :end],
                attn_mask=mask,
                is_causal=not before and count > 1,
                scale=scale,
            )
            parts.append(mixed[0].transpose(0, 1))
            start += count
        return torch.cat(parts) if len(parts) > 1 else parts[0]
