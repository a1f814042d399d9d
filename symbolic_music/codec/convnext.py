"""Convolutional blocks over frames (ConvNeXt: Liu et al. 2022; in one dimension as in Vocos, Siuzdak 2023, section 3).

Shapes: B batch, T frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNEL = 7
_DILATIONS = (1, 2, 4)


class Block(nn.Module):
    """A convolution of each channel by itself, then two layers of each frame by itself, added to the input.

    Args:
        width: channels.
        hidden: channels between the two layers.
        dilation: frames between the places of the convolution.
    """

    def __init__(self, width: int, hidden: int, dilation: int = 1) -> None:
        super().__init__()
        reach = KERNEL // 2 * dilation
        self.across = nn.Conv1d(width, width, KERNEL, padding=reach, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, x: Tensor, change: Tensor | None = None) -> Tensor:
        """(B, T, width) to the same; `change` (B, 2, width) scales and shifts the normalised channels."""
        y = self.norm(self.across(x.transpose(1, 2)).transpose(1, 2))
        if change is not None:
            y = y * (1 + change[:, :1]) + change[:, 1:]
        return x + self.scale * torch.as_tensor(self.down(functional.gelu(self.up(y))))


def stack(width: int, hidden: int, count: int) -> Any:
    """Blocks of dilations 1, 2, 4, 1, ..."""
    return nn.ModuleList(Block(width, hidden, _DILATIONS[i % len(_DILATIONS)]) for i in range(count))


def reach(count: int) -> int:
    """Frames on either side that a frame of a `stack` depends on."""
    return sum(KERNEL // 2 * _DILATIONS[i % len(_DILATIONS)] for i in range(count))
