"""Rotary positions on several axes, with the periods of music in the place of a geometric series.

Source: Su et al. 2021, "RoFormer".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and sines of the angles of rows, each (B, 1, N, head width / 2)."""

    cos: Tensor
    sin: Tensor

    @staticmethod
    def of(angles: Tensor, dtype: torch.dtype) -> Rotation:
        """Rotations for angles in radians, (B, N, head width / 2)."""
        return Rotation(angles.cos().to(dtype)[:, None], angles.sin().to(dtype)[:, None])

    def __call__(self, x: Tensor) -> Tensor:
        """Rotate (B, H, N, D)."""
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)


def turns(values: Tensor, periods: Tensor) -> Tensor:
    """Angles of values (B, N) under periods (P,): (B, N, P)."""
    return values[..., None].float() * (2 * math.pi / periods)
