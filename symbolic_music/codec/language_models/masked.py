"""A masked codec language model: it predicts masked codes of all frames, codebook by codebook, given a score.

Source: Ziv et al. 2024 (MAGNeT, arXiv 2401.04577). Here the condition is added to each frame, instead of a text
that is looked at, and the context of the finer codebooks is not restricted. `masked_decoding` writes with it.

An example teaches one codebook: spans of its frames are masked, coarser codebooks are given, finer ones masked wholly.
The loss is of masked codes given others on both sides, at masking rates drawn at random: **it cannot be compared with
the nats of models that write in order**, only with that of another masked model on the same data.

Shapes: B batch, K codebooks, T frames, F features of a frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.codec.language_models.conditioning import Conditioned
from symbolic_music.codec.language_models.score_features import FEATURES
from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Layers, Share, Size, check_heads, checked
from symbolic_music.models.modules.decoder_block import initialise
from symbolic_music.models.modules.embeddings import sinusoids


@checked
@dataclass(frozen=True)
class MaskedWriterConfig:
    """Shape of a `MaskedWriter`.

    Args:
        codebooks, size: of the codec whose codes it writes.
        width, layers, heads: of the encoder; hidden is the feed-forward's inner width.
        frames: of a window, the most that are read at once.
        span: frames that are masked together.
        features: of a frame's condition.
        unconditioned: share of the examples whose condition is left out while training.
        dropout: on the input, on attention weights, and on what each half of a layer adds.

    Examples:
        >>> sm.codec.MaskedWriterConfig(codebooks=4, width=32, heads=2).size
        1024
    """

    codebooks: Size = 8
    size: Size = 1024
    width: Size = 256
    layers: Layers = 6
    heads: Size = 4
    hidden: Size = 1024
    frames: Size = 750
    span: Size = 3
    features: Size = FEATURES
    unconditioned: Share = 0.2
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads)
        if self.width % 2:
            raise ModelError(f"width {self.width} is odd; sinusoids need an even one")


class MaskedWriter(Conditioned):
    """An encoder that predicts masked codes of all frames, codebook by codebook, conditioned on a score.

    `special`, the entry after a codebook's last, stands for a masked code.

    Examples:
        >>> config = sm.codec.MaskedWriterConfig(codebooks=4, width=32, layers=2, heads=2, hidden=64)
        >>> sm.codec.MaskedWriter(config).config.codebooks
        4
    """

    def __init__(self, config: MaskedWriterConfig) -> None:
        super().__init__(config.features, config.width)
        self.config = c = config
        self.special = c.size
        self.embedding = nn.Embedding(c.codebooks * (c.size + 1), c.width)
        self.drop = nn.Dropout(c.dropout)
        layer = nn.TransformerEncoderLayer(
            c.width, c.heads, c.hidden, c.dropout, functional.gelu, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, c.layers, nn.LayerNorm(c.width), enable_nested_tensor=False)
        self.heads = nn.Parameter(torch.randn(c.codebooks, c.size, c.width) * 0.02)
        initialise(self)
        nn.init.normal_(self.embedding.weight, std=c.codebooks**-0.5)  # their sum is of the sinusoids' size

    def forward(self, codes: Tensor, codebook: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of the codes of one codebook an example: (B, K, T), masked ones special, to (B, T, size).

        Args:
            codebook: (B,), which.
            condition: (B, T, width), from `embed`; None for none.

        Raises:
            ModelError: for more frames than a window has.
        """
        c, frames = self.config, codes.shape[-1]
        if frames > c.frames:
            raise ModelError(f"this model reads {c.frames:,} frames at once, not {frames:,}")
        offsets = torch.arange(c.codebooks, device=codes.device)[:, None] * (c.size + 1)
        x = self.embedding(codes + offsets).sum(1) + (self.nothing if condition is None else condition)
        x = self.encoder(self.drop(x + sinusoids(torch.arange(frames, device=codes.device), c.width)))
        return torch.as_tensor(x @ self.heads[codebook].transpose(1, 2))

    def loss(self, codes: Tensor, features: Tensor) -> tuple[Tensor, int]:
        """Mean nats of the masked codes times the number of all, and that number: codes (B, K, T), features (B, T, F).

        While training, codebooks and masks are drawn anew, and the condition of a share of the examples is left out;
        in evaluation mode a batch of one shape is always masked alike.
        """
        batch, codebooks, frames = codes.shape
        condition = self.embed_all(features, frames)
        if self.training:
            condition = self.with_dropout(condition, self.config.unconditioned)
        generator = None if self.training else torch.Generator().manual_seed(0)
        codebook = (torch.arange(batch) + torch.randint(codebooks, (1,), generator=generator)) % codebooks
        share = torch.cos(torch.rand(batch, generator=generator) * math.pi / 2)
        masked = span_mask(share, frames, self.config.span, generator).to(codes.device)
        codebook = codebook.to(codes.device)
        levels = torch.arange(codebooks, device=codes.device)[:, None]
        own = codebook[:, None, None]
        hidden = (levels > own) | ((levels == own) & masked[:, None])
        logits = self(codes.masked_fill(hidden, self.special), codebook, condition)
        wanted = codes[torch.arange(batch, device=codes.device), codebook]
        return functional.cross_entropy(logits[masked], wanted[masked]) * codes.numel(), codes.numel()


def span_mask(share: Tensor, frames: int, span: int, generator: torch.Generator | None = None) -> Tensor:
    """Frames that are masked, in spans that begin anywhere and may overlap: shares (B,) to (B, T), some in each row."""
    counts = torch.tensor([span_count(float(one), frames, span) for one in share])
    starts = torch.rand(len(share), frames, generator=generator).argsort(-1) < counts[:, None]
    mask = starts.clone()
    for later in range(1, min(span, frames)):
        mask[:, later:] |= starts[:, :-later]
    return mask


def span_count(share: float, frames: int, span: int) -> int:
    """Fewest spans that mask that share of the frames, on average, at least one.

    Source: Ziv et al. 2024, appendix C: u spans of l of T frames leave C(T - l, u) / C(T, u) of them.
    """
    before = np.arange(max(0, frames - span))
    masked = 1 - np.cumprod((frames - span - before) / (frames - before))
    return 1 + int(np.searchsorted(masked, share))
