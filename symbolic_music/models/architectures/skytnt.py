"""SkyTNT's architecture: a Llama over events, and a small Llama that writes the ids of the next event one by one.

The embeddings of an event's eight ids are summed and read by the first; its state is the first input of the second,
which then reads the ids of the event as they are drawn. Both have their own embeddings; one head gives the logits.

Source: github.com/SkyTNT/midi-model. Shapes: B batch, L rows, F = 8 ids of a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, check_heads, checked
from symbolic_music.models.modules.few_rows_linear import FewRowsLinear, few_rows_product
from symbolic_music.models.modules.kv_cache import JumpingCache, KeyValues
from symbolic_music.models.modules.llama_stack import llama_blocks, run_blocks
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows
from symbolic_music.tokenizers.public.skytnt_vocabulary import FIELDS, PAD


@checked
@dataclass(frozen=True)
class SkyTntConfig:
    """Shape of a `SkyTnt`; the default is the published medium one, 234 M parameters.

    Args:
        vocabulary: number of ids; 3,406 of v2, 3,239 of v1.
        context: the most rows that it sees.
        width: of both transformers.
        layers, heads, hidden: of the transformer over events.
        row_layers, row_heads, row_hidden: of the one within an event.
        base: of the rotary positions.
        epsilon: of the norms.
    """

    vocabulary: Size = 3406
    context: Size = 4096
    width: Size = 1024
    layers: Layers = 12
    heads: Size = 16
    hidden: Size = 4096
    row_layers: Layers = 3
    row_heads: Size = 4
    row_hidden: Size = 1024
    base: Size = 10_000
    epsilon: Share = 1e-6

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        check_heads(self.width, self.row_heads)
        if self.width // self.heads % 2 or self.width // self.row_heads % 2:
            raise ModelError("heads of rotary positions are of an even width")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of ids of each field of a row."""
        return (self.vocabulary,) * FIELDS


_MEDIUM = SkyTntConfig()
PRESETS = {
    "medium": _MEDIUM,
    "large": replace(_MEDIUM, layers=24, row_layers=6),
    "v1": replace(_MEDIUM, vocabulary=3239),
}


class RowCache(JumpingCache):
    """A `JumpingCache` of rows, and the state (B, width) after the last of them."""

    def __init__(self, config: SkyTntConfig, batch: int, like: Tensor) -> None:
        shape = (config.layers, batch, config.heads, config.context, config.width // config.heads)
        super().__init__(*shape, like, (FIELDS,))
        self.state = like.new_zeros(batch, config.width)


class SkyTnt(nn.Module):
    """See the module's docstring. What fills a row up is neither drawn nor trained: `ignored`."""

    ignored = PAD

    def __init__(self, config: SkyTntConfig) -> None:
        super().__init__()
        self.config = c = config
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.blocks = llama_blocks(c.layers, c.width, c.heads, c.heads, c.hidden, c.epsilon)
        self.norm = nn.RMSNorm(c.width, c.epsilon)
        self.row_embedding = nn.Embedding(c.vocabulary, c.width)
        self.row_blocks = llama_blocks(c.row_layers, c.width, c.row_heads, c.row_heads, c.row_hidden, c.epsilon)
        self.row_norm = nn.RMSNorm(c.width, c.epsilon)
        self.head = FewRowsLinear(c.width, c.vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2 and not parameter.is_meta:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor) -> tuple[Tensor, ...]:
        """Logits of the next row at each position, each field given those before it.

        Of the row after the last, whose fields are not there, each field is given the likeliest ones before it.

        Args:
            ids: (B, L, F).

        Returns:
            F times (B, L, vocabulary).
        """
        states = self.states(ids)
        if not states.shape[0]:
            return tuple(states.new_zeros(*states.shape[:2], self.config.vocabulary) for _ in range(FIELDS))
        conditioned = self.row_logits(states[:, :-1], ids[:, 1:])
        last = self.likeliest(states[:, -1])
        return tuple(torch.cat([conditioned[:, :, i], last[:, None, i]], dim=1) for i in range(FIELDS))

    def states(self, ids: Tensor) -> Tensor:
        """Final states: (B, L, F) to (B, L, width). More rows than the context holds are seen in windows that jump."""
        return states_in_windows(ids, self.config.context, self._states)

    def _states(self, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        c = self.config
        x = run_blocks(
            self.blocks, self.embedding(ids).sum(-2), c.heads, c.base, None if cache is None else cache.layers
        )
        return torch.as_tensor(self.norm(x))

    def row_logits(self, states: Tensor, rows: Tensor) -> Tensor:
        """Logits of the ids of rows, each given the state before its row and the ids before it.

        Args:
            states: (B, L, width).
            rows: (B, L, F), of which the last id is not read.

        Returns:
            (B, L, F, vocabulary).
        """
        inputs = torch.cat([states[..., None, :], self.row_embedding(rows[..., :-1])], dim=-2)
        return self.logits(self._row_run(inputs.flatten(0, 1), None)).view(*rows.shape, self.config.vocabulary)

    def row_cache(self, batch: int = 1) -> list[KeyValues]:
        """An empty cache for `row_step`."""
        c = self.config
        width, like = c.width // c.row_heads, self.row_embedding.weight
        return [KeyValues(batch, c.row_heads, FIELDS, width, like) for _ in range(c.row_layers)]

    @torch.no_grad()
    def row_step(self, given: Tensor, cache: list[KeyValues]) -> Tensor:
        """Logits (B, vocabulary) of the next id of a row, given a state (B, width) for its first, else ids (B,)."""
        inputs = given if given.is_floating_point() else self.row_embedding(given)
        return self.logits(self.row_states(inputs[:, None], cache))

    @torch.no_grad()
    def row_states(self, inputs: Tensor, cache: list[KeyValues]) -> Tensor:
        """The state (B, width) after the next inputs of a row, (B, L, width): states and embedded ids."""
        return self._row_run(inputs, cache)[:, -1]

    def logits(self, states: Tensor, first: int = 0, last: int | None = None) -> Tensor:
        """Logits of the ids first..last - 1, all by default, after states within rows: (..., width) to (..., ids)."""
        weight = self.head.weight[first:last]
        rows = states.flatten(0, -2)
        found = few_rows_product(rows, weight, None) if rows.numel() else None
        return functional.linear(states, weight) if found is None else found.view(*states.shape[:-1], len(weight))

    def _row_run(self, inputs: Tensor, cache: list[KeyValues] | None) -> Tensor:
        c = self.config
        return torch.as_tensor(self.row_norm(run_blocks(self.row_blocks, inputs, c.row_heads, c.base, cache)))

    def likeliest(self, state: Tensor) -> Tensor:
        """Logits (B, F, vocabulary) of a row after a state (B, width), each id given the likeliest ones before it."""
        row = torch.zeros(len(state), 1, FIELDS, dtype=torch.long, device=state.device)
        logits = self.row_logits(state[:, None], row)
        for place in range(FIELDS - 1):
            row[:, 0, place] = logits[:, 0, place].argmax(-1)
            logits = self.row_logits(state[:, None], row)
        return logits[:, 0]

    def new_cache(self, batch: int = 1) -> RowCache:
        """An empty cache for `step`."""
        return RowCache(self.config, batch, self.embedding.weight)

    @torch.no_grad()
    def advance(self, ids: Tensor, cache: RowCache) -> Tensor:
        """The state (B, width) after these rows (B, L, F), at least one, appended to the cache, which keeps it too."""
        cache.state = step_in_windows(ids, cache.ids, cache.restart, partial(self._states, cache=cache))
        return cache.state

    @torch.no_grad()
    def step(self, ids: Tensor, cache: RowCache) -> tuple[Tensor, ...]:
        """Logits of the row after these: (B, L, F), at least one, appended to the cache, to F times (B, vocabulary).

        Each field is given the likeliest ids before it; a sampler asks `advance` and `row_step` instead.
        """
        state = self.advance(ids, cache)
        if not len(state):
            return tuple(state.new_zeros(0, self.config.vocabulary) for _ in range(FIELDS))
        return tuple(self.likeliest(state).unbind(1))
