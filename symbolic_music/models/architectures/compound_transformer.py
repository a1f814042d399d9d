"""A decoder over compound words: each position is a word of several fields, predicted at one step.

Every field has an embedding of its own width; side by side they are a word. From the decoder's state the leading field
(which kind of word it is) is drawn first; the other fields are drawn independently of each other, from the state and
that draw.

Source: Hsiao et al. 2021 (arXiv 2101.02402). Otherwise than there, attention is ordinary where the paper's is linear in
the length, the norms stand before each half of a block, and the feed-forward has ReLU. Positions count from the start
of the window, which jumps by half of itself: see `windows`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, Sizes, check_heads, checked
from symbolic_music.models.modules.decoder_block import CausalAttention, DecoderBlock, initialise
from symbolic_music.models.modules.embeddings import ScaledEmbedding, sinusoids
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import JumpingCache
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows


@checked
@dataclass(frozen=True)
class CompoundTransformerConfig:
    """Shape of a `CompoundTransformer`; the default is the paper's, for the preset `original` of `compound`.

    Args:
        sizes: number of ids of each field: tempo, chord, bar-beat, type, pitch, duration, velocity.
        widths: of the embeddings of each field.
        leading: the field that is drawn first.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        window: positions, the most words seen at once; at least half as many are.
        dropout: on the input, on attention weights, and on what each half of a block adds.
    """

    sizes: Sizes = (67, 135, 18, 3, 129, 18, 45)
    widths: Sizes = (128, 256, 64, 32, 512, 128, 128)
    leading: SizeOrZero = 3
    width: Size = 512
    layers: Layers = 12
    heads: Size = 8
    hidden: Size = 2048
    window: Size = 1024
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if not len(self.sizes) == len(self.widths) > 0 or min(*self.sizes, *self.widths) < 1:
            raise ModelError("every field has a size and a width, both at least 1")
        if self.leading >= len(self.sizes):
            raise ModelError(f"no leading field {self.leading}: there are {len(self.sizes)} fields")
        if self.width % 2:
            raise ModelError(f"width {self.width} is odd; sinusoids need an even one")


_OURS = CompoundTransformerConfig()
PRESETS = {
    "original": _OURS,
    # With the dictionary that the paper's authors released.
    "released": replace(_OURS, sizes=(56, 135, 18, 3, 87, 18, 25)),
}


class CompoundCache(JumpingCache):
    """A `JumpingCache` of words, and the state (B, width) after the last of them."""

    def __init__(self, config: CompoundTransformerConfig, batch: int, like: Tensor) -> None:
        head_width = config.width // config.heads
        fields = (len(config.sizes),)
        super().__init__(config.layers, batch, config.heads, config.window, head_width, like, fields)
        self.state = like.new_zeros(batch, config.width)


class CompoundTransformer(nn.Module):
    """See the module's docstring. F fields; `sizes` are their numbers of ids."""

    def __init__(self, config: CompoundTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        self.fields = nn.ModuleList(ScaledEmbedding(*shape) for shape in zip(c.sizes, c.widths, strict=True))
        self.word = nn.Linear(sum(c.widths), c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(
                CausalAttention(c.width, c.heads, c.dropout), FeedForward(c.width, c.hidden), c.width, c.dropout
            )
            for _ in range(c.layers)
        )
        self.norm = nn.LayerNorm(c.width)
        # Conditions states on the leading field; saved models have its name.
        self.told = nn.Linear(c.width + c.widths[c.leading], c.width)
        self.heads = nn.ModuleList(nn.Linear(c.width, size) for size in c.sizes)
        initialise(self)

    def forward(self, ids: Tensor, leading: Tensor | None = None) -> tuple[Tensor, ...]:
        """Logits of the next word at each position.

        Args:
            ids: (B, L, F).
            leading: (B, L), the leading field of the next word, the condition of the logits of the other fields.
                By default it is read from ids, and after the last word it is the likeliest.

        Returns:
            F times (B, L, size).
        """
        states = self.states(ids)
        if leading is None:
            last = self.leading_logits(states[:, -1:]).argmax(-1)
            leading = torch.cat([ids[:, 1:, self.config.leading], last], dim=1)
        return self.logits(states, leading)

    def losses(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean negative log-likelihood of each field in nats, (F,); the paper trains on the mean of them.

        Args:
            ids: (B, L, F); each word but the first is predicted.
            mask: (B, L), true at words that count; all by default.
        """
        logits = self.logits(self.states(ids[:, :-1]), ids[:, 1:, self.config.leading])
        counted = torch.ones_like(ids[:, 1:, 0], dtype=torch.bool) if mask is None else mask[:, 1:]
        return torch.stack(
            [functional.cross_entropy(field[counted], ids[:, 1:, i][counted]) for i, field in enumerate(logits)]
        )

    def states(self, ids: Tensor) -> Tensor:
        """Final states: (B, L, F) to (B, L, width)."""
        return states_in_windows(ids, self.config.window, self._states)

    def _states(self, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        start = 0 if cache is None else cache.layers[0].length
        word = self.word(torch.cat([embed(ids[..., i]) for i, embed in enumerate(self.fields)], dim=-1))
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = self.drop(word + sinusoids(positions, self.config.width).to(word))
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        return torch.as_tensor(self.norm(x))

    def leading_logits(self, states: Tensor) -> Tensor:
        """(..., width) to (..., size of the leading field)."""
        return torch.as_tensor(self.heads[self.config.leading](states))

    def logits(self, states: Tensor, leading: Tensor) -> tuple[Tensor, ...]:
        """Logits of all fields, conditioned on the leading one: (..., width) and (...) to F times (..., size)."""
        first = self.config.leading
        conditioned = self.told(torch.cat([states, self.fields[first](leading)], dim=-1))
        return tuple(head(states if i == first else conditioned) for i, head in enumerate(self.heads))

    @torch.no_grad()
    def step(self, ids: Tensor, cache: CompoundCache, leading: Tensor | None = None) -> tuple[Tensor, ...]:
        """Logits of the word after these: (B, L, F), at least one word, appended to the cache, to F times (B, size).

        A sampler draws the leading field from its logits, then the others from `logits(cache.state, drawn)`.

        Args:
            leading: (B,), the leading field of the word after these; the likeliest by default.
        """
        cache.state = step_in_windows(ids, cache.ids, cache.restart, lambda piece: self._states(piece, cache))
        if leading is None:
            leading = self.leading_logits(cache.state).argmax(-1)
        return self.logits(cache.state, leading)

    def new_cache(self, batch: int = 1) -> CompoundCache:
        """An empty cache for `step`."""
        return CompoundCache(self.config, batch, self.word.weight)
