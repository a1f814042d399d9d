"""The network of a flow: the velocity of a noisy mel spectrogram at a time, conditioned on a score.

Sources: Lipman et al. 2023 (section 4.1, the optimal-transport path); Ho & Salimans 2022 for the null condition.
Shapes: B batch, T frames, M mel bands, F features of a frame.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.codec.convnext import stack

_TIMES = 64  # sines and cosines of a time
_FASTEST = 200.0  # radians from time 0 to time 1


class Condition(nn.Module):
    """Features of a score to what a velocity field takes; `nothing` is the learned null condition.

    Args:
        features: F.
        width: of the result.
        hidden: of the blocks' inner layer.
        blocks: how many.
    """

    def __init__(self, features: int, width: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.into = nn.Linear(features, width)
        self.blocks = stack(width, hidden, blocks)
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, F) to (B, T, width)."""
        x = torch.as_tensor(self.into(features))
        for block in self.blocks:
            x = block(x)
        return x


class VelocityField(nn.Module):
    """The velocity at which a noisy spectrogram moves towards one of the data.

    Args:
        bands: M.
        width, hidden, blocks: of its blocks.
    """

    def __init__(self, bands: int, width: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(bands, width), nn.Linear(width, bands)
        self.blocks = stack(width, hidden, blocks)
        self.time = nn.Linear(_TIMES, width)
        self.changes = nn.Linear(width, 2 * width * blocks)
        self.norm = nn.LayerNorm(width)
        nn.init.zeros_(self.changes.weight)
        nn.init.zeros_(self.changes.bias)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Velocities (B, T, M) of x (B, T, M) at times (B,) in 0..1, given conditions (B, T, width)."""
        rates = torch.exp(torch.linspace(0, math.log(_FASTEST), _TIMES // 2, device=x.device))
        angles = time[:, None].float() * rates
        change = self.changes(functional.silu(self.time(torch.cat([angles.cos(), angles.sin()], dim=1))))
        y = self.into(x) + condition
        for block, one in zip(self.blocks, change.view(len(x), len(self.blocks), 2, -1).unbind(1), strict=True):
            y = block(y, one)
        return torch.as_tensor(self.out(self.norm(y)))
