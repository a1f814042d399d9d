"""Draw an id from log-probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from symbolic_music.errors import OptionError


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
    candidates = torch.nonzero(torch.isfinite(logits)).squeeze(-1)
    if not len(candidates):
        raise OptionError("nothing may follow: the constraints contradict each other")
    values = logits[candidates].double()
    if sampling.temperature == 0:
        return int(candidates[values.argmax()])
    probabilities = (values / sampling.temperature).softmax(-1)
    ordered, order = probabilities.sort(descending=True, stable=True)
    keep = ordered >= sampling.min_p * ordered[0]
    # The id that makes the sum reach top_p is the last one kept.
    keep &= ordered.cumsum(-1) - ordered < sampling.top_p
    if sampling.top_k:
        keep[sampling.top_k :] = False
    kept = (ordered * keep).cpu()
    return int(candidates[order[int(torch.multinomial(kept, 1, generator=generator))]])
