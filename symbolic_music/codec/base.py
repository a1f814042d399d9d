"""What every codec of sound looks like here, ours and those of other libraries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from symbolic_music.models.config_checks import check_config


@dataclass(frozen=True)
class Format:
    """What codes mean, as far as numbers say.

    Args:
        sample_rate: Hz.
        channels: of the sound.
        codebooks: most of them.
        size: entries of each.
        hop: samples of a frame.
    """

    sample_rate: int
    channels: int
    codebooks: int
    size: int
    hop: int

    def __post_init__(self) -> None:
        check_config(self)

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop

    @property
    def bits_per_second(self) -> float:
        """Of the codes of all codebooks."""
        return self.frame_rate * self.codebooks * math.log2(self.size)


class AudioCodec(Protocol):
    """Sound to codes and back. B batch, C channels, n samples, K codebooks, T frames."""

    @property
    def format(self) -> Format:
        """See there."""
        ...

    def encode(self, samples: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes of sound in -1..1: (B, C, n) to (B, K, ceil(n / hop)), of the first codebooks alone if asked."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Sound of codes of the first k codebooks: (B, k, T) to (B, C, T hop)."""
        ...
