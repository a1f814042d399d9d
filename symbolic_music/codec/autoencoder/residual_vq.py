"""Residual vector quantisation: one code of each of K codebooks, each coding the residual of the previous ones.

Sources: Zeghidour et al. 2021 (SoundStream, section III.C); Défossez et al. 2022 (EnCodec, section 3.2).

Shapes: B batch, T frames, D width, K codebooks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from symbolic_music.errors import MissingExtraError, ModelError


class Quantiser(nn.Module):
    """Codebooks, and the codes of vectors in them; nothing is learnt here.

    Args:
        codebooks: K.
        size: entries of each.
        width: D.
    """

    def __init__(self, codebooks: int, size: int, width: int) -> None:
        super().__init__()
        self.codebooks: Tensor
        self.register_buffer("codebooks", torch.zeros(codebooks, size, width))

    def encode(self, vectors: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes of vectors (B, T, D) in the first codebooks, all by default: (B, K, T).

        Each code is the nearest entry to the residual of the previous codebooks. ModelError if `codebooks` exceeds the
        quantiser's.
        """
        residual, found = vectors, []
        for table in self.codebooks[: self._count(codebooks)]:
            # |r - e|^2 without |r|^2, which no entry changes.
            distance = table.square().sum(1) - 2 * residual @ table.T
            code = distance.argmin(-1)
            residual = residual - table[code]
            found.append(code)
        return torch.stack(found, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """The sum of the entries of codes (B, k, T), k codebooks or fewer: (B, T, D).

        ModelError for more codebooks than there are, or codes past their end.
        """
        count = self._count(codes.shape[1])
        size = self.codebooks.shape[1]
        if codes.numel() and not (int(codes.min()) >= 0 and int(codes.max()) < size):
            raise ModelError(f"codes lie in 0..{size - 1}, not {int(codes.min())}..{int(codes.max())}")
        parts = [table[own] for table, own in zip(self.codebooks[:count], codes.unbind(1), strict=True)]
        return torch.stack(parts).sum(0)

    def _count(self, codebooks: int | None) -> int:
        known = len(self.codebooks)
        count = known if codebooks is None else codebooks
        if not 1 <= count <= known:
            raise ModelError(f"this codec has 1 to {known} codebooks, not {count}")
        return count


LEFT_OUT = 0.5  # of the batches, some codebooks (Kumar et al. 2023, DAC, section 3.3)


class Quantised(NamedTuple):
    """The output of a `LearningQuantiser`: quantised vectors, their codes, and the commitment loss."""

    vectors: Tensor
    codes: Tensor
    commitment: Tensor


class LearningQuantiser(nn.Module):
    """Codebooks while they are learnt, by vector-quantize-pytorch: averages, a k-means start, restarts of dead codes.

    Gradients pass the quantisation as if it were not there, on the sum of the levels alone: each level sees its input
    detached. Were every level straight-through by itself, the encoder's gradient would be wrong.

    Args:
        codebooks, size, width: as in `Quantiser`.
        decay: of the moving averages.
        dropout: whether, while training, half of the batches are coded by the first few codebooks, a number drawn
            anew each time.
        batch: vectors of a training batch, as many as come at once as a rule.
        dead: a code is restarted when fewer vectors come to it than this part of an even share of the batch.

    Raises:
        MissingExtraError: without vector-quantize-pytorch.
    """

    def __init__(
        self,
        codebooks: int,
        size: int,
        width: int,
        batch: int,
        decay: float = 0.99,
        dropout: bool = True,
        dead: float = 0.1,
    ) -> None:
        super().__init__()
        try:
            from vector_quantize_pytorch import ResidualVQ
        except ImportError:
            raise MissingExtraError("vector-quantize-pytorch", "codec") from None
        self.levels: Any = ResidualVQ(
            dim=width, num_quantizers=codebooks, codebook_size=size, decay=decay, kmeans_init=True, kmeans_iters=25,
            threshold_ema_dead_code=dead * batch / size, rotation_trick=False,
        )  # fmt: skip
        for layer in self.levels.layers:
            layer._codebook.reset_cluster_size = batch / size  # a restarted code has time to be found
        self._dropout = dropout and codebooks > 1

    def forward(self, vectors: Tensor) -> Quantised:
        """Quantise (B, T, D); levels left out by dropout have codes -1."""
        self.levels.quantize_dropout = self._dropout and self.training and bool(torch.rand(()) < LEFT_OUT)
        _, indices, _ = self.levels(vectors.detach())
        parts = self.levels.get_codes_from_indices(indices).detach()  # (K, B, T, D), zeros where left out
        before = torch.cat([torch.zeros_like(parts[:1]), parts.cumsum(0)[:-1]])
        kept = (indices >= 0).movedim(-1, 0)[..., None]
        apart = ((vectors - before) - parts).square() * kept
        commitment = apart.sum() / (kept.sum() * vectors.shape[-1]).clamp(min=1)
        total = parts.sum(0)
        return Quantised(vectors + (total - vectors).detach(), indices.movedim(-1, 1), commitment)

    @torch.no_grad()
    def start(self, vectors: Tensor) -> None:
        """Place the codebooks by k-means of these vectors (B, T, D), many more than entries; none is left out."""
        self.levels.quantize_dropout = False
        self.levels(vectors)

    def learnt(self) -> Quantiser:
        """The trained quantiser, for inference."""
        tables = torch.as_tensor(self.levels.codebooks).detach()
        made = Quantiser(*tables.shape).to(tables.device)
        made.codebooks.copy_(tables)
        return made
