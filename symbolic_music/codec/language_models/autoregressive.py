"""A codec language model: a decoder over K streams conditioned on a score, frame by frame.

Sources: Copet et al. 2023 (MusicGen, arXiv 2306.05284): summed embeddings, a head a codebook, patterns, classifier-free
guidance (section 2.3: conditions left out of 20 % of the examples; 3.3). In the place of text stands the score.

Shapes: B batch, K codebooks, S positions of a pattern, T frames, F features of a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import override

from symbolic_music.codec.language_models import patterns
from symbolic_music.codec.language_models.base import StepModel
from symbolic_music.codec.language_models.conditioning import Features
from symbolic_music.codec.language_models.patterns import Pattern
from symbolic_music.codec.language_models.score_features import FEATURES
from symbolic_music.models.config_checks import Layers, Share, Size, SizeOrZero, check_heads, checked
from symbolic_music.models.modules.decoder_block import DecoderBlock, RelativeAttention, initialise
from symbolic_music.models.modules.feed_forward import FeedForward
from symbolic_music.models.modules.kv_cache import SlidingCache

_HEAD = 0.02  # deviation of the heads' weights at the start
_FRAMES_AT_ONCE = 128  # frames whose conditions are computed at a time


@checked
@dataclass(frozen=True)
class CodecLanguageModelConfig:
    """Shape of a `CodecLanguageModel`.

    Args:
        codebooks, size: of the codec whose codes it writes.
        width, layers, heads: of the decoder; hidden is the feed-forward's inner width.
        window: positions that each position sees, through every layer: sequences may be of any length.
        distances: positions back that are distinguished.
        pattern: of `patterns.PATTERNS`.
        features: of a frame's condition.
        melody: whether it is conditioned on a melody too, of `melody_frames`.
        text: numbers of a text's vector that it is conditioned on too; 0 for no text.
        unconditioned: share of the examples whose condition is left out while training.
        dropout: on the input, on attention weights, and on what each half of a block adds.

    Examples:
        >>> sm.codec.CodecLanguageModelConfig(codebooks=4, width=32, heads=2).size
        1024
    """

    codebooks: Size = 8
    size: Size = 1024
    width: Size = 256
    layers: Layers = 6
    heads: Size = 4
    hidden: Size = 1024
    window: Size = 512
    distances: Size = 256
    pattern: str = "delay"
    features: Size = FEATURES
    unconditioned: Share = 0.2
    dropout: Share = 0.1
    melody: bool = False
    text: SizeOrZero = 0

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        patterns.get(self.pattern, self.codebooks, 1)


class CodecLanguageModel(StepModel):
    """A decoder that writes the codes of all codebooks frame by frame, conditioned on a score.

    Examples:
        >>> config = sm.codec.CodecLanguageModelConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> sm.codec.CodecLanguageModel(config).config.codebooks
        4
    """

    def __init__(self, config: CodecLanguageModelConfig) -> None:
        super().__init__(config)
        c = config
        self.embedding = nn.Embedding(c.codebooks * (c.size + 1), c.width)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(
                RelativeAttention(c.width, c.heads, c.distances, c.window, c.dropout),
                FeedForward(c.width, c.hidden, nn.GELU()), c.width, c.dropout,
            )
            for _ in range(c.layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(c.width)
        self.out = nn.Linear(c.width, c.codebooks * c.size)
        initialise(self)
        # Their sum is of the size of what blocks add, else codes are hardly seen beside it for hundreds of steps.
        nn.init.normal_(self.embedding.weight, std=c.codebooks**-0.5)

    @torch.no_grad()
    def know(self, codebooks: Tensor) -> None:
        """Initialise embeddings and heads from the codebook: entries (K, size, D) close to each other get similar ones.

        Embeddings and heads become random projections of a codec's entries, each codebook at the level of the others;
        they go on learning from there.
        """
        c = self.config
        entries = codebooks[: c.codebooks] - codebooks[: c.codebooks].mean(dim=1, keepdim=True)
        entries = entries / entries.std(dim=(1, 2), keepdim=True).clamp(min=1e-9)
        for std, table in (
            (c.codebooks**-0.5, self.embedding.weight.view(c.codebooks, c.size + 1, c.width)),
            (_HEAD, self.out.weight.view(c.codebooks, c.size, c.width)),
        ):
            mixing = torch.randn(c.codebooks, entries.shape[2], c.width) / entries.shape[2] ** 0.5
            table[:, : c.size] = std * entries @ mixing

    def conditions(self, features: Tensor, pattern: Pattern) -> Tensor:
        """The condition of each position: (B, T, F) to (B, S, width)."""
        return self.embed_all(features, pattern.frames)[:, pattern.frames_at().to(features.device)]

    def step_conditions(self, features: Features, pattern: Pattern) -> Iterator[Tensor]:
        """The condition of `step` at each position, (B, 1, width); features are requested on demand."""
        start, condition = -1, torch.empty(0)
        for frame in pattern.frames_at().tolist():
            if frame // _FRAMES_AT_ONCE != start:
                start = frame // _FRAMES_AT_ONCE
                first = start * _FRAMES_AT_ONCE
                condition = self.embed_range(features, first, min(first + _FRAMES_AT_ONCE, pattern.frames))
            yield condition[:, frame - start * _FRAMES_AT_ONCE :][:, :1]

    def new_cache(self, batch: int) -> SlidingCache:
        """An empty cache for `step`."""
        c = self.config
        return SlidingCache(c.layers, batch, c.heads, c.window, c.width // c.heads, self.out.weight)

    @override
    @torch.no_grad()
    def step(self, laid: Tensor, condition: Tensor | None, cache: SlidingCache) -> Tensor:
        """The condition is (B, L, width)."""
        for start in range(0, laid.shape[-1], cache.room):
            part = slice(start, start + cache.room)
            after = self.logits(laid[..., part], None if condition is None else condition[:, part], cache)
        return after[:, :, -1]

    @override
    def logits(self, before: Tensor, condition: Tensor | None, cache: SlidingCache | None) -> Tensor:
        c = self.config
        offsets = torch.arange(c.codebooks, device=before.device)[:, None] * (c.size + 1)
        x = self.embedding(before + offsets).sum(1) + (self.nothing if condition is None else condition)
        x = self.drop(x)
        if cache is not None:
            cache.length += before.shape[-1]
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layers[i])
        return torch.as_tensor(self.out(self.norm(x)).unflatten(-1, (c.codebooks, c.size)).transpose(1, 2))
