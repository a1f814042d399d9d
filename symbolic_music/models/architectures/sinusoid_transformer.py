"""The baseline of the Music Transformer: ordinary attention with sinusoidal positions.

Vaswani et al. 2017 as Huang et al. 2018 run it. Positions count from the start of the window, which jumps by half of
itself: see `windows`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, check_heads, checked
from symbolic_music.models.modules.decoder_block import CausalAttention, DecoderBlock, initialise
from symbolic_music.models.modules.embeddings import INPUTS
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import JumpingCache, hop_of
from symbolic_music.models.modules.long_sequences import states_in_windows, step_in_windows


@checked
@dataclass(frozen=True)
class SinusoidTransformerConfig:
    """Shape of a `SinusoidTransformer`; the default is the paper's baseline for piano performances.

    Args:
        vocabulary: number of ids; 388 are those of `performance`.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        window: positions, the most ids seen at once; at least half as many are.
        positions: added to the tokens, or concatenated (with labels of parts, see `positions.ConcatenatedSinusoids`).
        parts: that tokens belong to in turn, for concatenated; half the window is a multiple of it.
        dropout: on the input, on attention weights, and on what each half of a block adds.
    """

    vocabulary: Size = 388
    width: Size = 512
    layers: Layers = 6
    heads: Size = 8
    hidden: Size = 1024
    window: Size = 2048
    positions: str = "added"
    parts: Size = 1
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.positions not in ("added", "concatenated"):
            raise ModelError(f"positions of this transformer are added or concatenated, not {self.positions!r}")
        if self.width % 2:
            raise ModelError(f"width {self.width} is odd; sinusoids need an even one")
        if hop_of(self.window) % self.parts:
            raise ModelError(f"half of window {self.window} is not a multiple of {self.parts} parts")


# The paper's table of JSB Chorales; vocabulary and window as in `music_transformer`.
_CHORALES = SinusoidTransformerConfig(vocabulary=130, width=256, layers=5, heads=8, hidden=1024, window=2560, parts=4)
PRESETS = {
    "piano": SinusoidTransformerConfig(),
    "chorales": _CHORALES,
    "chorales-labelled": replace(_CHORALES, positions="concatenated"),
}


class SinusoidTransformer(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: SinusoidTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        self.input = INPUTS[c.positions](c.vocabulary, c.width, c.parts)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(
                CausalAttention(c.width, c.heads, c.dropout), FeedForward(c.width, c.hidden), c.width, c.dropout
            )
            for _ in range(c.layers)
        )
        self.norm = nn.LayerNorm(c.width)
        self.out = nn.Linear(c.width, c.vocabulary)
        initialise(self)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next id at each position: (B, L) to (B, L, vocabulary)."""
        return functional.linear(*self.before_head(ids))

    def before_head(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Final states (B, L, width), and the weight and bias of the head."""
        return states_in_windows(ids, self.config.window, self._states), self.out.weight, self.out.bias

    def _states(self, ids: Tensor, cache: JumpingCache | None = None) -> Tensor:
        x = self.drop(self.input(ids, 0 if cache is None else cache.layers[0].length))
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        return torch.as_tensor(self.norm(x))

    @torch.no_grad()
    def step(self, ids: Tensor, cache: JumpingCache) -> Tensor:
        """Logits of the id after these: (B, L), at least one, appended to the cache, to (B, vocabulary)."""
        state = step_in_windows(ids, cache.ids, cache.restart, lambda piece: self._states(piece, cache))
        return torch.as_tensor(self.out(state))

    def new_cache(self, batch: int = 1) -> JumpingCache:
        """An empty cache for `step`."""
        c = self.config
        return JumpingCache(c.layers, batch, c.heads, c.window, c.width // c.heads, self.out.weight)
