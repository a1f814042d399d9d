"""The interface of all codecs, ours and those of other libraries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Size, checked


@checked
@dataclass(frozen=True)
class Format:
    """The format of codes.

    Args:
        sample_rate: Hz.
        channels: of the sound.
        codebooks: most of them.
        size: entries of each.
        hop: samples of a frame.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codec.format.frame_rate, codec.format.bits_per_second
        (75.0, 6000.0)
    """

    sample_rate: Size
    channels: Size
    codebooks: Size
    size: Size
    hop: Size

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop

    @property
    def bits_per_second(self) -> float:
        """The bitrate of all codebooks."""
        return self.frame_rate * self.codebooks * math.log2(self.size)


@runtime_checkable
class AudioCodec(Protocol):
    """Sound to codes and back. B batch, C channels, n samples, K codebooks, T frames.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> isinstance(codec, sm.codec.AudioCodec)
        True
    """

    @property
    def format(self) -> Format:
        """Rates and sizes of its codes."""
        ...

    def encode(self, samples: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes of sound in -1..1: (B, C, n) to (B, K, ceil(n / hop)), of the first codebooks only, if requested."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Sound of codes of the first k codebooks: (B, k, T) to (B, C, T hop)."""
        ...


class Encoder(Protocol):
    """Sound in pieces to codes."""

    def push(self, samples: Tensor) -> Tensor:
        """Codes (B, K, T) of the frames that these samples (B, C, n) finish."""
        ...

    def finish(self) -> Tensor:
        """Codes of what is left."""
        ...


class Decoder(Protocol):
    """Codes in pieces to sound."""

    def push(self, codes: Tensor) -> Tensor:
        """Sound (B, C, T hop) of codes (B, k, T)."""
        ...


@runtime_checkable
class StreamingCodec(AudioCodec, Protocol):
    """A codec that codes sound while it comes. Others are given ten seconds at a time, with a second on either side.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> isinstance(codec, sm.codec.StreamingCodec)
        True
    """

    def stream_encoder(self, codebooks: int | None = None) -> Encoder:
        """An encoder for audio in blocks of any length."""
        ...

    def stream_decoder(self) -> Decoder:
        """A decoder for blocks of any number of frames."""
        ...


@runtime_checkable
class VectorCodec(AudioCodec, Protocol):
    """A codec whose vectors, before they are quantised, a language model can be conditioned on."""

    @property
    def dim(self) -> int:
        """Width of a frame's vector."""
        ...

    @property
    def reach(self) -> int:
        """Frames before its own that a frame's vector depends on."""
        ...

    def vectors(self, samples: Tensor) -> Tensor:
        """Vectors before they are quantised: (B, C, n), n a multiple of the hop, to (B, n / hop, dim).

        The samples may be on any device.
        """
        ...


def check_samples(samples: Tensor, channels: int) -> None:
    """ModelError unless samples are (B, channels, n), at least one, and finite."""
    if samples.ndim != 3 or samples.shape[1] != channels or not samples.shape[-1]:
        raise ModelError(f"sound is (batch, {channels}, samples), at least one sample, not {tuple(samples.shape)}")
    if not torch.isfinite(samples).all():
        raise ModelError("the sound has samples that are not finite")
