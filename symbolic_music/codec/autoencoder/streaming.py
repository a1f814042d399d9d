"""Streaming encoder and decoder: blocks of any size give the codes, and the audio, of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from symbolic_music.codec.autoencoder.convolutions import State
from symbolic_music.codec.base import check_samples

if TYPE_CHECKING:
    from symbolic_music.codec.autoencoder.model import Codec


class StreamEncoder:
    """Sound in pieces of any length to the codes of each finished frame.

    Args:
        codec: in evaluation mode.
        codebooks: the first few alone; all when omitted.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> import torch
        >>> encoder = sm.codec.StreamEncoder(codec)
        >>> encoder.push(torch.zeros(1, 1, 1000)).shape[1], encoder.finish().shape[1]
        (8, 8)
    """

    def __init__(self, codec: Codec, codebooks: int | None = None) -> None:
        self._codec, self._codebooks, self._state = codec, codebooks, State()
        self._rest: Tensor | None = None

    @torch.no_grad()
    def push(self, samples: Tensor) -> Tensor:
        """Codes (B, K, T) of the frames that these samples (B, C, n) finish; T may be 0."""
        if samples.ndim != 3 or samples.shape[-1]:
            check_samples(samples, self._codec.config.channels)
        samples = samples.to(self._codec.device)
        if self._rest is not None:
            samples = torch.cat([self._rest, samples], dim=-1)
        whole = samples.shape[-1] // self._codec.config.hop * self._codec.config.hop
        self._rest = samples[..., whole:]
        return self._coded(samples[..., :whole])

    @torch.no_grad()
    def finish(self) -> Tensor:
        """Codes of what is left, filled with silence; T is 1, or 0 where nothing is left. Another sound may follow."""
        rest, self._rest = self._rest, None
        if rest is None:
            rest = torch.zeros(1, self._codec.config.channels, 0, device=self._codec.device)
        codes = self._coded(torch.nn.functional.pad(rest, (0, -rest.shape[-1] % self._codec.config.hop)))
        self._state = State()
        return codes

    def _coded(self, samples: Tensor) -> Tensor:
        if not samples.shape[-1]:
            count = self._codec.config.codebooks if self._codebooks is None else self._codebooks
            return torch.zeros(len(samples), count, 0, dtype=torch.long, device=samples.device)
        return self._codec.quantiser.encode(self._codec.vectors(samples, self._state), self._codebooks)


class StreamDecoder:
    """Codes in pieces of any number of frames to sound.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> import torch
        >>> decoder = sm.codec.StreamDecoder(codec)
        >>> decoder.push(torch.zeros(1, 8, 4, dtype=torch.long)).shape  # four frames of 320 samples
        torch.Size([1, 1, 1280])
    """

    def __init__(self, codec: Codec) -> None:
        self._codec, self._state = codec, State()

    @torch.no_grad()
    def push(self, codes: Tensor) -> Tensor:
        """Sound (B, C, T hop) of codes (B, k, T)."""
        if not codes.shape[-1]:
            return torch.zeros(len(codes), self._codec.config.channels, 0, device=self._codec.device)
        return self._codec.sound(self._codec.quantiser.decode(codes.to(self._codec.device)), self._state)
