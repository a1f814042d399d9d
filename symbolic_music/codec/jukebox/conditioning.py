"""What a level of the cascade is conditioned on: the codes of the level above, the time in the piece, the instrument.

Source: Dhariwal et al. 2020 (Jukebox, arXiv 2005.00341), section 4.2 and appendix B.1: codes of the level above through
dilated convolutions, brought to the rate of the level; section 5 for timing (duration, time elapsed, its share) and
labels. Here a code is conditioned on as many codes of the level above on either side wherever a window begins, so that
windows do not change conditions.

Shapes: B batch, T frames of the level, U frames of the level above, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_KERNEL = 3
_GROWTH = 3  # of the dilations, from block to block
_BINS = 64
_BINS_AN_OCTAVE = 8  # of seconds: the last bin is of four minutes and more


class Above(nn.Module):
    """Codes of the level above to the condition of the level's frames.

    Args:
        size: entries of the codes above; `size` itself stands for what is outside of the piece.
        width: W.
        blocks: dilated convolutions.
        ratio: frames of the level for each of the level above.
    """

    def __init__(self, size: int, width: int, blocks: int, ratio: int) -> None:
        super().__init__()
        self.nothing, self.ratio = size, ratio
        self.embedding = nn.Embedding(size + 1, width)
        self.dilations = [_GROWTH**block for block in range(blocks)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, _KERNEL, dilation=dilation) for dilation in self.dilations
        )
        self.mixing = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in self.dilations)
        self.up = nn.ConvTranspose1d(width, width, ratio, ratio)
        self.norm = nn.LayerNorm(width)

    @property
    def reach(self) -> int:
        """Codes on either side that a frame's condition depends on."""
        return sum(self.dilations)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (B, reach + U + reach) to (B, U ratio, W)."""
        x = self.embedding(codes).transpose(1, 2)
        for dilation, convolution, mixing in zip(self.dilations, self.convolutions, self.mixing, strict=True):
            inner = mixing(functional.gelu(convolution(functional.gelu(x))))
            x = x[..., dilation:-dilation] + inner
        return torch.as_tensor(self.norm(self.up(x).transpose(1, 2)))

    def around(self, codes: Tensor, first: int, last: int) -> Tensor:
        """Of the codes of a piece (B, n) those that the level's frames from `first` to `last` depend on.

        `forward` makes of them the condition of frames from `first // ratio * ratio` on.
        """
        low, high = first // self.ratio - self.reach, -(-last // self.ratio) + self.reach
        inner = codes[:, max(0, low) : max(0, high)]
        before = min(high, 0) - min(low, 0)
        return functional.pad(inner, (before, high - low - before - inner.shape[1]), value=self.nothing)


class Place(nn.Module):
    """The time in the piece and its instrument to what is added to all frames.

    Args:
        width: W.
        instruments: how many; their number itself stands for an instrument that is not named.
        frame_rate: frames a second.
    """

    def __init__(self, width: int, instruments: int, frame_rate: float) -> None:
        super().__init__()
        self.frame_rate = frame_rate
        self.duration, self.elapsed, self.share = (nn.Embedding(_BINS, width) for _ in range(3))
        self.instrument = nn.Embedding(instruments + 1, width)

    def forward(self, frames: Tensor, total: Tensor, instrument: Tensor) -> Tensor:
        """Frames (B, T) of pieces of these lengths in frames (B,) and these instruments (B,) to (B, T, W)."""
        share = (frames / total[:, None].clamp(min=1) * _BINS).long().clamp(0, _BINS - 1)
        whole = self.duration(self._bins(total)) + self.instrument(instrument)
        return torch.as_tensor(whole[:, None] + self.elapsed(self._bins(frames)) + self.share(share))

    def _bins(self, frames: Tensor) -> Tensor:
        seconds = frames.double() / self.frame_rate
        return (_BINS_AN_OCTAVE * (1 + seconds).log2()).round().long().clamp(0, _BINS - 1)
