"""Input embeddings of a decoder: tokens, with or without sinusoidal positions and part labels.

Each class is called with ids (B, L) and the position of the first of them, and gives (B, L, width).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from symbolic_music.errors import ModelError


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sines, then cosines, of positions at wavelengths from 2 pi to 20,000 pi: (L,) to (L, width), width even.

    Source: Vaswani et al. 2017, section 3.5, with the columns in the order of its authors' code.
    """
    count = width // 2
    rates = torch.exp(torch.arange(count, device=positions.device) * (-math.log(10_000) / max(1, count - 1)))
    angles = positions[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class ScaledEmbedding(nn.Embedding):
    """Embeddings drawn with deviation width^-1/2 and multiplied by width^1/2, as in Vaswani et al. 2017."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__(size, width)
        nn.init.normal_(self.weight, std=width**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        """(...) to (..., width)."""
        return super().forward(ids) * math.sqrt(self.embedding_dim)


class Tokens(nn.Module):
    """Embeddings of the tokens alone, for models with relative positions."""

    def __init__(self, vocabulary: int, width: int, parts: int = 1) -> None:
        super().__init__()
        self.token = ScaledEmbedding(vocabulary, width)

    def forward(self, ids: Tensor, start: int = 0) -> Tensor:
        """(B, L) to (B, L, width)."""
        return torch.as_tensor(self.token(ids))


class AddedSinusoids(nn.Module):
    """Embeddings of the tokens plus sinusoids of their positions."""

    def __init__(self, vocabulary: int, width: int, parts: int = 1) -> None:
        super().__init__()
        self.token = ScaledEmbedding(vocabulary, width)

    def forward(self, ids: Tensor, start: int = 0) -> Tensor:
        """(B, L) to (B, L, width)."""
        tokens = torch.as_tensor(self.token(ids))
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        return tokens + sinusoids(positions, tokens.shape[-1]).to(tokens)


class ConcatenatedSinusoids(nn.Module):
    """Embeddings of the tokens beside sinusoids of their positions and an embedding of their part.

    The token at position p belongs to part p mod `parts`, as in chorales written soprano, alto, tenor, bass, step by
    step. Half of the columns are the tokens', three eighths the sinusoids', one eighth the parts'.

    Source: Huang et al. 2018 ("concatenated positional sinusoids, instrument labels"), which does not say how many
    columns each of them has.
    """

    def __init__(self, vocabulary: int, width: int, parts: int) -> None:
        super().__init__()
        if width % 16:
            raise ModelError(f"width {width} is not a multiple of 16, as concatenated sinusoids need it")
        self.token = ScaledEmbedding(vocabulary, width // 2)
        self.part = ScaledEmbedding(parts, width // 8)
        self.waves = 3 * width // 8

    def forward(self, ids: Tensor, start: int = 0) -> Tensor:
        """(B, L) to (B, L, width)."""
        tokens = torch.as_tensor(self.token(ids))
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        waves = sinusoids(positions, self.waves).to(tokens).expand(len(ids), -1, -1)
        parts = self.part(positions % self.part.num_embeddings).expand(len(ids), -1, -1)
        return torch.cat([tokens, waves, parts], dim=-1)


INPUTS: dict[str, type[Tokens | AddedSinusoids | ConcatenatedSinusoids]] = {
    "none": Tokens,
    "added": AddedSinusoids,
    "concatenated": ConcatenatedSinusoids,
}
