"""Sampling from logits: temperature, top-k, top-p and min-p."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import ModelError, OptionError

Floats = NDArray[np.float64]
# Values that were never observed keep some probability.
_LEAST = -50.0


@dataclass(frozen=True)
class Sampling:
    """Settings of sampling.

        sm.Sampling(temperature=0.9, top_p=0.95)

    Args:
        temperature: divisor of the logits; 0 takes the likeliest id.
        top_p: nucleus (Holtzman et al. 2020): the fewest likeliest ids whose probabilities reach this sum.
        top_k: only this many likeliest ids; 0 for all.
        min_p: only ids with at least this fraction of the highest probability (Nguyen et al. 2024).

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
    """Sample one id from logits of shape (n,); ids at minus infinity are never drawn.

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


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of rows (R, n); minus infinity stays, and at least one of each row is finite."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def filtered(logits: Floats, sampling: Sampling) -> Floats:
    """Probabilities of rows of logits (R, n) after temperature and the filters, each row's sum 1.

    Top-k, top-p and min-p each look at the probabilities after the temperature, and what all keep is kept. Of ids that
    are equally likely those with lower numbers come first. At temperature 0 the likeliest id has all.
    """
    if sampling.temperature == 0:
        out = np.zeros_like(logits)
        out[np.arange(len(logits)), logits.argmax(axis=-1)] = 1
        return out
    with np.errstate(over="ignore"):  # of all but the likeliest, at a temperature of almost nothing
        cooled = (logits - logits.max(axis=-1, keepdims=True)) / sampling.temperature
    probabilities = np.exp(log_softmax(cooled))
    n = probabilities.shape[-1]
    least = np.zeros(len(logits)) if sampling.min_p == 0 else sampling.min_p * probabilities.max(axis=-1)
    room = np.full(len(logits), n)  # how many are kept
    if sampling.top_k:
        room = np.minimum(room, sampling.top_k)
    if sampling.top_p < 1 or sampling.top_k:
        falling = -np.sort(-probabilities, axis=-1)
        # The id that makes the sum reach top_p is the last one kept.
        before = np.cumsum(falling, axis=-1) - falling
        room = np.minimum(room, (before < sampling.top_p).sum(axis=-1))
        at = falling[np.arange(len(falling)), room - 1]
        above = probabilities > at[:, None]
        tied = probabilities == at[:, None]
        left = room - above.sum(axis=-1)
        kept = above | (tied & (np.cumsum(tied, axis=-1) <= left[:, None]))
        probabilities = np.where(kept, probabilities, 0)
    probabilities[probabilities < least[:, None]] = 0
    return np.asarray(probabilities / probabilities.sum(axis=-1, keepdims=True))


def choose(probabilities: Floats, uniform: Floats) -> NDArray[np.int64]:
    """An index for each row (R, n), by one number in [0, 1) a row (R,), in the order of the indices.

    Rows do not touch each other, and a row that changes by rounding errors chooses another index only where its number
    falls that near to a border.
    """
    sums = np.cumsum(probabilities, axis=-1)
    below = (sums <= (uniform * sums[:, -1])[:, None]).sum(axis=-1)
    # Where rounding leads past the last, the last that has any probability.
    last = probabilities.shape[-1] - 1 - np.argmax(probabilities[:, ::-1] > 0, axis=-1)
    return np.asarray(np.minimum(below, last))


def draw_allowed(
    log_p: Floats, allowed: NDArray[np.bool_], sampling: Sampling, uniform: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """A value among those allowed for each row, and its log-probability among them.

    Args:
        log_p: (R, n).
        allowed: at least one of each row, (R, n).
        sampling: of all rows.
        uniform: one number in [0, 1) a row, (R,).

    Returns:
        values and log-probabilities, (R,) each.

    Raises:
        ModelError: when probabilities are not finite.
    """
    values = np.maximum(log_p, _LEAST)
    if np.isnan(values[allowed]).any():
        raise ModelError("the model's logits are not finite: its weights are broken")
    logits = np.where(allowed, values, -np.inf)
    drawn = choose(filtered(logits, sampling), uniform)
    return drawn, log_softmax(logits)[np.arange(len(drawn)), drawn]
