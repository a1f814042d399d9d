"""Rotary positions (Su et al. 2021), with the stretch of Llama 3."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Stretch(NamedTuple):
    """How Llama 3 stretches slow waves for contexts longer than those trained on at first; factor 1 for not at all."""

    factor: int = 1
    low: int = 1
    high: int = 4
    original: int = 8192


def turns(positions: Tensor, head_width: int, base: float, stretch: Stretch) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions (L,), each (L, D), in float32."""
    exponents = torch.arange(0, head_width, 2, device=positions.device).float() / head_width
    rates = 1.0 / base**exponents
    if stretch.factor > 1:
        waves = 2 * math.pi / rates
        smooth = (stretch.original / waves - stretch.low) / (stretch.high - stretch.low)
        between = (1 - smooth) * rates / stretch.factor + smooth * rates
        slow, fast = waves > stretch.original / stretch.low, waves < stretch.original / stretch.high
        rates = torch.where(slow, rates / stretch.factor, torch.where(fast, rates, between))
    angles = positions.float()[:, None] * rates
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Queries or keys (B, H, L, D) at their positions."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-second, first], dim=-1) * sine
