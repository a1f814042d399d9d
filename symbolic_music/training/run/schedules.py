"""Learning rate schedules, as factors of the highest rate."""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def warmed(schedule: Schedule, warmup: int) -> Schedule:
    """A schedule of the steps after a linear warm-up; step 0 has one of `warmup` parts."""
    return lambda step: (step + 1) / warmup if step < warmup else schedule(step - warmup)


def cosine(steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine from 1 to `final` over this many steps (Loshchilov & Hutter 2017)."""
    return lambda step: final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, steps))))


def inverse_root(warmup: int) -> Schedule:
    """(step / warmup)^-1/2 after a warm-up of this many steps (Vaswani et al. 2017, section 5.3)."""
    return lambda step: math.sqrt(max(1, warmup) / (max(1, warmup) + step))


def constant() -> Schedule:
    """1."""
    return lambda step: 1.0


def plateau(steps: int, decay: float, final: float = 0.0) -> Schedule:
    """1, and in the last share `decay` of this many steps a straight line down to `final` (Zhai et al. 2022)."""
    return lambda step: final + (1 - final) * min(1.0, max(0.0, (1 - step / max(1, steps)) / decay))


def schedule_of(name: str, steps: int, warmup: int, final: float, decay: float = 0.6) -> Schedule:
    """A whole run's schedule: cosine, inverse-root, constant or plateau, after the warm-up."""
    rest = {
        "cosine": cosine(steps - warmup, final),
        "inverse-root": inverse_root(warmup),
        "constant": constant(),
        "plateau": plateau(steps - warmup, decay, final),
    }
    return warmed(rest[name], warmup)
