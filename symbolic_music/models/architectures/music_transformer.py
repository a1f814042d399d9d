"""Music Transformer (Huang et al. 2018, arXiv 1809.04281): a decoder that attends by distance.

Each layer has an embedding a head and distance, whose product with the query joins the attention logits; farther keys
than there are embeddings share the last. Where the ids are pitches of parts that take turns, as in chorales, time apart
and pitch apart may have such embeddings too ("relative pitch and time").

Each position sees the last `window` positions, its own included, through every layer: a sequence may be of any length,
and what lies up to layers x (window - 1) positions back still has an influence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.errors import ModelError
from symbolic_music.models.attention.relative_terms import Differences
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.decoder_block import DecoderBlock, RelativeAttention, initialise
from symbolic_music.models.modules.embeddings import INPUTS
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import SlidingCache


@checked
@dataclass(frozen=True)
class MusicTransformerConfig:
    """Shape of a `MusicTransformer`; the default is the paper's for piano performances.

    Args:
        vocabulary: number of ids; 388 are those of `performance`.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        window: positions that each position sees.
        distances: positions back that are distinguished.
        positions: none, or concatenated (sinusoids of the position in the sequence beside the tokens, see
            `embeddings.ConcatenatedSinusoids`).
        parts: that tokens belong to in turn, for concatenated and for relative time.
        time_reach: steps apart (of one token a part) that are distinguished to either side; 0 for none.
        pitch_reach: semitones apart that are distinguished to either side; 0 for none. Ids below 128 are pitches;
            others are out of reach of all pitches.
        dropout: on the input, on attention weights, and on what each half of a block adds.
    """

    vocabulary: Size = 388
    width: Size = 512
    layers: Layers = 6
    heads: Size = 8
    hidden: Size = 1024
    window: Size = 2048
    distances: Size = 2048
    positions: str = "none"
    parts: Size = 1
    time_reach: SizeOrZero = 0
    pitch_reach: SizeOrZero = 0
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.positions not in ("none", "concatenated"):
            raise ModelError(f"positions of a Music Transformer are none or concatenated, not {self.positions!r}")


# The paper's table of JSB Chorales, one token a voice and 16th: 128 pitches, silence, and one to start with; 2,560 of
# them are the longest chorale. The paper gives no dropout.
_CHORALES = MusicTransformerConfig(
    vocabulary=130, width=512, layers=5, heads=8, hidden=512, window=2560, distances=256, parts=4
)
PRESETS = {
    "piano": MusicTransformerConfig(),
    "chorales": _CHORALES,
    "chorales-labelled": replace(_CHORALES, positions="concatenated"),
    # The paper does not say how far; 16 quarters, and more than the four voices' whole range.
    "chorales-relational": replace(_CHORALES, time_reach=64, pitch_reach=48),
}


class MusicTransformer(nn.Module):
    """See the module's docstring."""

    def __init__(self, config: MusicTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        self.input = INPUTS[c.positions](c.vocabulary, c.width, c.parts)
        self.drop = nn.Dropout(c.dropout)
        buckets = [2 * reach + 1 for reach in (c.time_reach, c.pitch_reach) if reach]
        shape = (c.width, c.heads, c.distances, c.window, c.dropout, buckets)
        self.blocks = nn.ModuleList(
            DecoderBlock(RelativeAttention(*shape), FeedForward(c.width, c.hidden), c.width, c.dropout)
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
        return self.states(ids), self.out.weight, self.out.bias

    def states(self, ids: Tensor, cache: SlidingCache | None = None) -> Tensor:
        """Final states, (B, L) to (B, L, width); a cache's ids come before (then L is at most its room)."""
        start = 0 if cache is None else cache.length
        x = self.drop(self.input(ids, start))
        differences = self._differences(ids if cache is None else cache.append(ids), start + ids.shape[1], ids.shape[1])
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i], *differences)
        return torch.as_tensor(self.norm(x))

    def _differences(self, seen: Tensor, end: int, length: int) -> list[Differences]:
        """Time and pitch apart, where the config has them, of the last `length` of the ids that end before `end`."""
        found, c = [], self.config
        if c.time_reach:
            positions = torch.arange(end - seen.shape[1], end, device=seen.device)
            times = (positions // c.parts).expand(len(seen), -1)
            found.append(Differences(times[:, -length:], times, 1, c.time_reach))
        if c.pitch_reach:
            pitches = torch.where(seen < 128, seen, seen + 128 + c.pitch_reach)
            found.append(Differences(pitches[:, -length:], pitches, 1, c.pitch_reach))
        return found

    @torch.no_grad()
    def step(self, ids: Tensor, cache: SlidingCache) -> Tensor:
        """Logits of the id after these: (B, L), at least one, appended to the cache, to (B, vocabulary)."""
        for piece in torch.split(ids, cache.room, dim=1):
            states = self.states(piece, cache)
        return torch.as_tensor(self.out(states[:, -1]))

    def new_cache(self, batch: int = 1) -> SlidingCache:
        """An empty cache for `step`."""
        c = self.config
        return SlidingCache(c.layers, batch, c.heads, c.window, c.width // c.heads, self.out.weight)
