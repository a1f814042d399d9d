"""Draw an id from log-probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from symbolic_music.errors import OptionError
from symbolic_music.generation.filters import filtered


@dataclass(frozen=True)
class Sampling:
    """How ids are drawn.

    Args:
        temperature: logits are divided by it; 0 takes the likeliest id.
        top_p: nucleus (Holtzman et al. 2020): the fewest likeliest ids whose probabilities reach this sum.
        top_k: only this many likeliest ids; 0 for all.
        min_p: only ids at least this likely beside the likeliest (Nguyen et al. 2024).

    Raises:
        OptionError: for a value out of range.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    top_k: int = 0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise OptionError(f"temperature must be 0 or more, not {self.temperature:g}")
        if not 0 < self.top_p <= 1:
            raise OptionError(f"top-p must lie in (0, 1], not {self.top_p:g}")
        if self.top_k < 0:
            raise OptionError(f"top-k must be 0 (all) or more, not {self.top_k}")
        if not 0 <= self.min_p <= 1:
            raise OptionError(f"min-p must lie in [0, 1], not {self.min_p:g}")


def draw(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """One id from logits of shape (n,); ids at minus infinity are never drawn.

    Raises:
        OptionError: when every id is forbidden.
    """
    values = logits.detach().double().cpu().numpy()
    candidates = np.flatnonzero(np.isfinite(values))
    if not len(candidates):
        raise OptionError("nothing may follow: the constraints contradict each other")
    probabilities = filtered(values[candidates][None], sampling)[0]
    if sampling.temperature == 0:
        return int(candidates[probabilities.argmax()])
    order = np.argsort(-probabilities, kind="stable")
    ordered = torch.from_numpy(probabilities[order])
    return int(candidates[order[int(torch.multinomial(ordered, 1, generator=generator))]])
