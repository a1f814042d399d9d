"""From noise to a spectrogram: Euler's steps along a velocity field, and one or two steps by consistency.

Sources: Lipman et al. 2023 (the flow), Song et al. 2023, algorithm 1 (consistency sampling).
Shapes: B batch, T frames, M mel bands.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# x (B, T, M) at a time to its velocity.
Velocity = Callable[[Tensor, float], Tensor]
AGAIN = 0.5  # the time that the second step of two begins at


def euler(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """Noise (B, T, M) carried from time 0 to 1 in equal steps."""
    x = noise
    for step in range(steps):
        x = x + velocity(x, step / steps) / steps
    return x


def leap(velocity: Velocity, x: Tensor, time: float) -> Tensor:
    """The end of the path through x, as a consistency model gives it: in one step."""
    return x + (1 - time) * velocity(x, time)


def consistent(velocity: Velocity, noises: list[Tensor]) -> Tensor:
    """As many leaps as there are noises, one or two; before the second, the result goes half the way back to noise."""
    x = leap(velocity, noises[0], 0.0)
    for noise in noises[1:]:
        x = leap(velocity, AGAIN * x + (1 - AGAIN) * noise, AGAIN)
    return x


def guided(given: Tensor, free: Tensor, guidance: float) -> Tensor:
    """Velocities with a condition led away from those without (Ho & Salimans 2022)."""
    return torch.lerp(free, given, guidance)
