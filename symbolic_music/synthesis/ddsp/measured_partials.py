"""Measured partials: levels and decays from a table, in place of a voice's slopes and formants. Differentiable.

B notes, K partials. `synthesis.analysis.partial_tables` makes the tables.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import torch
from torch import Tensor

from symbolic_music.errors import ModelError


@dataclass(frozen=True, eq=False)
class Measured:
    """A table: pitches (P,) in semitones, octaves (N,) of partials over the first; each value (P, N).

    levels in dB; fast and slow rates in dB a second and share of the slow part in dB, (0, 0) where a note is held.
    """

    pitches: Tensor
    octaves: Tensor
    levels: Tensor
    fast: Tensor
    slow: Tensor
    share: Tensor

    def at(self, table: Tensor, pitch: Tensor, count: int) -> Tensor:
        """A value of the first `count` partials of notes at pitch (B,), by straight lines: (B, K).

        Outside the table the nearest row and column hold.
        """
        low, part = _between(self.pitches.to(pitch.dtype), pitch)
        columns = _of_partials(self, table, count, pitch.dtype)
        return torch.lerp(columns[low], columns[low + 1], part[:, None])


@lru_cache(maxsize=512)
def _of_partials(own: Measured, table: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """The columns of a table's first partials, (P, count)."""
    with torch.inference_mode(False):  # kept beyond this call, maybe for one with gradients
        first, share = _between(own.octaves.to(dtype), torch.log2(torch.arange(1, count + 1, dtype=dtype)))
        return torch.lerp(table[:, first].to(dtype), table[:, first + 1].to(dtype), share)


def _between(knots: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Index of the knot under each x, and how far x is on the way to the next, 0 to 1."""
    low = (torch.searchsorted(knots, x.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    return low, ((x - knots[low]) / (knots[low + 1] - knots[low])).clamp(0, 1)


def names() -> list[str]:
    """Names that `measured` takes."""
    folder = resources.files("symbolic_music") / "weights" / "partials"
    return sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))


@cache
def measured(name: str) -> Measured:
    """The bundled table of this name.

    Raises:
        ModelError: when there is none.
    """
    file = resources.files("symbolic_music") / "weights" / "partials" / f"{name}.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise ModelError(f"no partials are measured of {name!r}; there are: {', '.join(names())}") from None
    with torch.inference_mode(False):
        tables = [torch.tensor(stored.get(key, [[]])) for key in ("levels", "fast", "slow", "share")]
        octaves = torch.log2(torch.tensor(stored["numbers"], dtype=torch.float32))
        return Measured(torch.tensor(stored["pitches"]), octaves, *tables)
