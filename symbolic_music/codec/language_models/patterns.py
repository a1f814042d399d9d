"""Patterns: the order in which a language model predicts the codes of several codebooks, as data with an inverse.

A pattern says for codebook k and frame t at which position of the sequence that code stands. A position holds at most
one code of each codebook; codes at one position are drawn at once, each given all earlier positions.

Sources: delay, parallel, flatten and coarse-first of Copet et al. 2023 (MusicGen, section 2.2) and, for coarse-first,
Wang et al. 2023 (VALL-E).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.errors import OptionError, UnknownNameError

_MOST_CODEBOOKS = 1024


@dataclass(frozen=True)
class Pattern:
    """Places of the codes of T frames of K codebooks.

    Args:
        places: (K, T), the position of each code; along each codebook ascending.

    Raises:
        OptionError: when the codes of a codebook do not ascend from 0, or are empty.

    Examples:
        >>> pattern = sm.codec.Pattern(np.array([[0, 1, 2], [1, 2, 3]]))  # the second codebook a step later
        >>> pattern.codebooks, pattern.frames, pattern.length
        (2, 3, 4)
    """

    places: NDArray[np.int64]

    def __post_init__(self) -> None:
        places = np.asarray(self.places)
        if places.ndim != 2 or not places.size:
            raise OptionError(f"a pattern places at least one frame of one codebook, not shape {places.shape}")
        if places.min() < 0 or (np.diff(places, axis=1) <= 0).any():
            raise OptionError("the codes of a codebook have ascending positions from 0")
        object.__setattr__(self, "places", places.astype(np.int64))

    @property
    def codebooks(self) -> int:
        """K."""
        return int(self.places.shape[0])

    @property
    def frames(self) -> int:
        """T."""
        return int(self.places.shape[1])

    @property
    def length(self) -> int:
        """Positions of the sequence."""
        return int(self.places.max()) + 1

    def mask(self) -> Tensor:
        """Mask of positions with a code, (K, length)."""
        out = torch.zeros(self.codebooks, self.length, dtype=torch.bool)
        return out.scatter_(1, torch.from_numpy(self.places), True)

    def frames_at(self) -> Tensor:
        """The newest frame that has a code at each position, or before it: (length,)."""
        newest = np.zeros(self.length, np.int64)
        np.maximum.at(newest, self.places, np.broadcast_to(np.arange(self.frames), self.places.shape))
        return torch.from_numpy(newest)

    def build(self, codes: Tensor, special: int) -> Tensor:
        """Lay codes (..., K, T) out, (..., K, length); `special` where no code stands.

        OptionError when the codes have another shape.
        """
        if codes.shape[-2:] != self.places.shape:
            raise OptionError(f"the pattern is of {self.places.shape} codes, not {tuple(codes.shape[-2:])}")
        out = codes.new_full((*codes.shape[:-1], self.length), special)
        return out.scatter_(-1, self.index(codes), codes)

    def revert(self, sequence: Tensor) -> Tensor:
        """The codes of a laid-out sequence: (..., K, length or more) to (..., K, T).

        OptionError when it is too short.
        """
        if sequence.ndim < 2 or sequence.shape[-2] != self.codebooks or sequence.shape[-1] < self.length:
            raise OptionError(
                f"the pattern is {self.codebooks} x {self.length} positions, not {tuple(sequence.shape[-2:])}"
            )
        return sequence.gather(-1, self.index(sequence))

    def index(self, like: Tensor) -> Tensor:
        """`places` for a gather from a tensor (..., K, length)."""
        return torch.from_numpy(self.places).to(like.device).expand(*like.shape[:-2], *self.places.shape)


def delay(codebooks: int, frames: int) -> Pattern:
    """Codebook k is k positions late: T + K - 1 positions, each code after the coarser ones of its frame."""
    _check(codebooks, frames)
    return Pattern(np.arange(frames)[None] + np.arange(codebooks)[:, None])


def parallel(codebooks: int, frames: int) -> Pattern:
    """All codebooks of a frame at once: T positions."""
    _check(codebooks, frames)
    return Pattern(np.tile(np.arange(frames), (codebooks, 1)))


def flatten(codebooks: int, frames: int) -> Pattern:
    """One code after the other: K T positions."""
    _check(codebooks, frames)
    return Pattern(np.arange(frames)[None] * codebooks + np.arange(codebooks)[:, None])


def coarse_first(codebooks: int, frames: int) -> Pattern:
    """All frames of the first codebook, then those of the others together: 2 T positions, T with one codebook."""
    _check(codebooks, frames)
    return Pattern(np.arange(frames)[None] + frames * (np.arange(codebooks)[:, None] > 0))


PATTERNS = {"delay": delay, "parallel": parallel, "flatten": flatten, "coarse-first": coarse_first}


def get(name: str, codebooks: int, frames: int) -> Pattern:
    """A pattern by its name. UnknownNameError when there is none, OptionError for no codebooks or frames."""
    if name not in PATTERNS:
        raise UnknownNameError(f"no pattern {name!r}; there are: {', '.join(PATTERNS)}")
    return PATTERNS[name](codebooks, frames)


def _check(codebooks: int, frames: int) -> None:
    if not 1 <= codebooks <= _MOST_CODEBOOKS or frames < 1:
        raise OptionError(
            f"a pattern has 1 to {_MOST_CODEBOOKS:,} codebooks and at least one frame, not {codebooks:,} and {frames:,}"
        )
