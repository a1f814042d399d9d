"""GPT-2 over several sequences of different lengths at once, each with its own keys and values.

What is new of all sequences goes through the matrices as one flat table of ids, so that the weights are read once for
all of them; only attention looks at one sequence at a time. Reading a prompt, a single id, ids of which some sequences
have more than others, and a window again from its start are the same operation.

What sequences begin with alike is read once, and its keys and values are looked at by all of them together: while
alternatives of one edit are short beside what is given, they cost little more than one.

Shapes: R sequences, H heads, D head width, N new ids of all sequences together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.generation.inference.prepared_gpt2 import PreparedGPT2
from symbolic_music.models.architectures.gpt2 import GPT2

# Ids that go through the matrices at a time: it bounds the memory of a prompt.
_MOST_AT_ONCE = 4096
# Fewer ids than this in common are not worth it.
LEAST_SHARED = 32


class RaggedGPT2:
    """A reader of R sequences.

    Args:
        network: a network, or one whose matrices are prepared.
        sequences: R; the memory of all is taken at once, at the published small shape 75 MB each.
    """

    def __init__(self, network: GPT2 | PreparedGPT2, sequences: int) -> None:
        self.network = network if isinstance(network, PreparedGPT2) else PreparedGPT2(network)
        c = self.config = self.network.config
        shape = (sequences, c.heads, c.context, c.width // c.heads)
        self._keys = [self.network.embedding.new_zeros(shape) for _ in range(c.layers)]
        self._values = [self.network.embedding.new_zeros(shape) for _ in range(c.layers)]
        self.lengths = [0] * sequences
        # For a sequence: another one with which it shares this many first positions.
        self._shared: dict[int, tuple[int, int]] = {}

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.network.embedding.device

    def restart(self, sequence: int) -> None:
        """Forget a sequence."""
        self.lengths[sequence] = 0
        self._shared = {s: of for s, of in self._shared.items() if sequence not in (s, of[0])}

    def copy(self, source: int, targets: Sequence[int]) -> None:
        """Let some sequences be what another is."""
        length = self.lengths[source]
        for buffer in (*self._keys, *self._values):
            for target in targets:
                buffer[target, :, :length] = buffer[source, :, :length]
        for target in targets:
            self.restart(target)
            self.lengths[target] = length
            if length >= LEAST_SHARED:
                self._shared[target] = self._shared[source] = (source, length)

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
        ids = self._begun(sequences, ids)
        parts, start = [], 0
        while start < len(sequences):
            end, total = start + 1, len(ids[start])
            while end < len(sequences) and total + len(ids[end]) <= _MOST_AT_ONCE:
                total += len(ids[end])
                end += 1
            parts.append(self._read(sequences[start:end], ids[start:end]))
            start = end
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    @torch.inference_mode()
    def read_at(self, ids: Sequence[int], ends: Sequence[int]) -> Tensor:
        """Append ids to the first sequence; the final states (len(ends), width) after those at some places of them."""
        return self._read([0], [ids], ends)

    def rewind(self, length: int) -> None:
        """Forget what the first sequence holds from a position on."""
        self.lengths[0] = length

    def _begun(self, sequences: Sequence[int], ids: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        """Read once what all sequences that are new begin with; returns the ids that are left."""
        new = [i for i, s in enumerate(sequences) if not self.lengths[s]]
        left = list(ids)
        if len(new) < 2:
            return left
        # One id at least is left to each.
        most = min(len(ids[i]) for i in new) - 1
        same = next((at for at in range(most) if len({ids[i][at] for i in new}) > 1), most)
        if same < LEAST_SHARED:
            return left
        source, *others = (sequences[i] for i in new)
        self._read([source], [ids[new[0]][:same]])
        self.copy(source, others)
        for i in new:
            left[i] = ids[i][same:]
        return left

    def _common(self, sequences: Sequence[int]) -> tuple[int, int]:
        """A sequence that shares its first positions with all of these, and their number; (0, 0) if there is none."""
        found = {self._shared.get(s, (0, 0)) for s in sequences}
        sources, length = {source for source, _ in found}, min(length for _, length in found)
        return (sources.pop(), length) if len(sources) == 1 and length else (0, 0)

    def _read(
        self, sequences: Sequence[int], ids: Sequence[Sequence[int]], ends: Sequence[int] | None = None
    ) -> Tensor:
        befores = [self.lengths[s] for s in sequences]
        counts = [len(one) for one in ids]
        longest = max(b + n for b, n in zip(befores, counts, strict=True))
        if longest > self.config.context:
            raise ModelError(f"this model has {self.config.context} positions; {longest} ids are too many")
        flat = torch.tensor([i for one in ids for i in one], device=self.device)
        places = [p for b, n in zip(befores, counts, strict=True) for p in range(b, b + n)]
        net = self.network
        x = net.embedding[flat] + net.position[torch.tensor(places, device=self.device)]
        mix = Mixer(sequences, befores, counts, self._common(sequences), self.device)
        last = torch.tensor(counts, device=self.device).cumsum(0) - 1
        if ends is not None:
            last = torch.tensor(ends, device=self.device)
        for i, layer in enumerate(net.layers):
            parts = layer.query_key_value(net.normed(x, layer.attention_norm))
            q, k, v = parts.view(len(x), 3, self.config.heads, -1).unbind(1)
            mixed = mix(q, k, v, self._keys[i], self._values[i], layer.scale).reshape(len(x), -1)
            if i == len(net.layers) - 1 and (ends is not None or len(x) > len(sequences)):
                # Above the last attention only the last id of each is requested, or those named.
                x, mixed = x[last], mixed[last]
            x = x + layer.out(mixed)
            inner = layer.inner(net.normed(x, layer.feed_forward_norm))
            x = x + layer.outer(functional.gelu(inner, approximate="tanh"))
        for s, n in zip(sequences, counts, strict=True):
            self.lengths[s] += n
        return net.normed(x, net.norm)


class Mixer:
    """Causal attention of the new ids of some sequences, whose keys and values are appended.

    Several queries may share a key; h below counts the keys, g the queries of each.
    """

    def __init__(
        self,
        sequences: Sequence[int],
        befores: Sequence[int],
        counts: Sequence[int],
        common: tuple[int, int],
        device: torch.device,
    ) -> None:
        self.source, self.shared = common
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
                seen = torch.arange(self.shared, self.longest, device=device) <= self.befores[:, None]
                self.mask = seen[:, None, None]

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
        """Queries (N, h g, D), keys and values (N, h, D), and the buffers (R, h, context, D), to (N, h g, D)."""
        heads = k.shape[1]
        if self.together:
            keys[self.sequences, :, self.befores] = k
            values[self.sequences, :, self.befores] = v
            grouped = _grouped(q, heads)
            if self.shared:
                return self._beside_shared(grouped * scale, keys, values).flatten(1, 2)
            seen = (keys[self.where, :, : self.longest], values[self.where, :, : self.longest])
            mixed = functional.scaled_dot_product_attention(grouped, *seen, attn_mask=self.mask, scale=scale)
            return mixed.flatten(1, 2)
        parts, start = [], 0
        for sequence, before, count in self.spans:
            own, end = slice(start, start + count), before + count
            keys[sequence, :, before:end] = k[own].transpose(0, 1)
            values[sequence, :, before:end] = v[own].transpose(0, 1)
            seen = (keys[sequence : sequence + 1, :, :end], values[sequence : sequence + 1, :, :end])
            if count == 1:
                mixed = functional.scaled_dot_product_attention(_grouped(q[own], heads), *seen, scale=scale)
                parts.append(mixed.flatten(1, 2))
            else:
                mask = None
                if before:
                    mask = torch.ones(count, end, dtype=torch.bool, device=q.device).tril(before)
                mixed = functional.scaled_dot_product_attention(
                    q[own].transpose(0, 1)[None],
                    *seen,
                    attn_mask=mask,
                    is_causal=not before,
                    scale=scale,
                    enable_gqa=heads < q.shape[1],
                )
                parts.append(mixed[0].transpose(0, 1))
            start += count
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _beside_shared(self, q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention if all sequences share their first positions: the shared keys meet all queries at once.

        Queries (N, h, g, D) to the same.
        """
        count, heads, each, _ = q.shape
        alike, own = slice(0, self.shared), slice(self.shared, self.longest)
        together = q.transpose(0, 1).flatten(1, 2)  # (h, N g, D)
        of_alike = together @ keys[self.source, :, alike].transpose(-1, -2)  # (h, N g, shared)
        of_own = q @ keys[self.where, :, own].transpose(-1, -2)  # (N, h, g, rest)
        if self.mask is not None:
            of_own = of_own.masked_fill(~self.mask, float("-inf"))
        of_all = torch.cat([of_alike.view(heads, count, each, -1).transpose(0, 1), of_own], dim=-1).softmax(dim=-1)
        by_alike, by_own = of_all[..., : self.shared], of_all[..., self.shared :]
        mixed = by_alike.transpose(0, 1).flatten(1, 2) @ values[self.source, :, alike]
        mixed = mixed.view(heads, count, each, -1).transpose(0, 1)
        return torch.as_tensor(mixed + by_own @ values[self.where, :, own])


def _grouped(q: Tensor, heads: int) -> Tensor:
    """Queries (N, h g, D) by their keys, (N, h, g, D)."""
    return q.reshape(len(q), heads, -1, q.shape[-1])
