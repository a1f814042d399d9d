"""A quantised autoencoder of audio: strided causal convolutions, residual codebooks, and a mirrored decoder.

Sources: Défossez et al. 2022 (EnCodec, arXiv 2210.13438), without its recurrent layers; Dhariwal et al. 2020 (Jukebox,
arXiv 2005.00341), whose three levels are `JUKEBOX`: one codebook each, at three rates.

Shapes: B batch, C channels, n samples, T frames, K codebooks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbolic_music.codec.autoencoder.convolutions import CausalConv, CausalTransposedConv, Chain, Residual, State
from symbolic_music.codec.autoencoder.residual_vq import Quantiser
from symbolic_music.codec.autoencoder.streaming import StreamDecoder, StreamEncoder
from symbolic_music.codec.base import Format, check_samples
from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Size, Sizes, checked

_MOST_CHANNELS = 2
_MOST_HOP, _MOST_DILATION, _MOST_DILATIONS = 1 << 20, 4_096, 64
_QUIET = 0.03  # level of what an untrained decoder makes of vectors of level 1


@checked
@dataclass(frozen=True)
class CodecConfig:
    """Shape of a `Codec`.

    Args:
        sample_rate: Hz.
        channels: of the sound, 1 or 2.
        width: channels after the first convolution; they double with each ratio, up to `widest`.
        ratios: by which the rate falls, from the sound inwards; their product is the samples of a frame.
        dilations: of the residual layers before each fall.
        dim: of a frame's vector.
        codebooks, size: how many, and entries of each.

    Raises:
        ModelError: for what no codec can be.

    Examples:
        >>> sm.codec.CodecConfig(ratios=(2, 4, 5)).sample_rate
        24000
    """

    sample_rate: Size = 24_000
    channels: Size = 1
    width: Size = 16
    widest: Size = 256
    ratios: Sizes = (2, 4, 5, 8)
    dilations: Sizes = (1, 3)
    dim: Size = 96
    codebooks: Size = 8
    size: Size = 1024

    def __post_init__(self) -> None:
        if self.channels > _MOST_CHANNELS:
            raise ModelError(f"a codec has 1 or 2 channels, not {self.channels}")
        if self.width % 2 or self.widest % 2 or not self.ratios or min(self.ratios + self.dilations) < 1:
            raise ModelError("sizes of a codec are whole numbers from 1, its widths are even, and it has ratios")
        if self.hop > _MOST_HOP:
            raise ModelError(f"a frame of a codec has at most {_MOST_HOP:,} samples, not {self.hop:,}")
        if max(self.dilations, default=1) > _MOST_DILATION or len(self.dilations) > _MOST_DILATIONS:
            raise ModelError(
                f"a codec has at most {_MOST_DILATIONS} dilations before a fall, of at most {_MOST_DILATION:,}"
            )

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.ratios)


# Jukebox's levels, each a codec of its own (section 4): 44.1 kHz, hops of 8, 32 and 128, 2,048 entries.
JUKEBOX = tuple(CodecConfig(44_100, 1, 32, 32, (2,) * halvings, (1, 3, 9, 27), 64, 1, 2048) for halvings in (3, 5, 7))


class Codec(nn.Module):
    """The bundled autoencoder: strided causal convolutions, residual codebooks, and a mirrored decoder.

    It is a `StreamingCodec` and a `VectorCodec`.

    Examples:
        >>> import torch
        >>> codec = sm.codec.Codec(sm.codec.CodecConfig(width=4, widest=16, dim=8)).eval()
        >>> codec.encode(torch.zeros(1, 1, 24000)).shape  # eight codebooks, 75 frames a second
        torch.Size([1, 8, 75])
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = c = config
        widths = [min(c.width * 2**i, c.widest) for i in range(len(c.ratios) + 1)]
        down: list[nn.Module] = [CausalConv(c.channels, widths[0], 7)]
        for ratio, inner, outer in zip(c.ratios, widths, widths[1:], strict=False):
            down += [Residual(inner, dilation) for dilation in c.dilations]
            down.append(CausalConv(inner, outer, 2 * ratio, ratio))
        self.encoder = Chain([*down, CausalConv(widths[-1], c.dim, 3)])
        up: list[nn.Module] = [CausalConv(c.dim, widths[-1], 3)]
        for ratio, outer, inner in reversed(list(zip(c.ratios, widths[1:], widths, strict=False))):
            up.append(CausalTransposedConv(outer, inner, ratio))
            up += [Residual(inner, dilation) for dilation in c.dilations]
        self.decoder = Chain([*up, CausalConv(widths[0], c.channels, 7, gain=_QUIET)])
        self.quantiser = Quantiser(c.codebooks, c.size, c.dim)

    @property
    def format(self) -> Format:
        """Rates and sizes of its codes."""
        c = self.config
        return Format(c.sample_rate, c.channels, c.codebooks, c.size, c.hop)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.parameters()).device

    @property
    def dim(self) -> int:
        """Width of a frame's vector."""
        return self.config.dim

    @property
    def reach(self) -> int:
        """Frames before its own that a frame's vector depends on."""
        samples, rate = 0, 1
        for layer in self.encoder.modules():
            if isinstance(layer, CausalConv):
                samples, rate = samples + layer.back * rate, rate * layer.stride
        return -(-samples // self.config.hop)

    def vectors(self, samples: Tensor, state: State | None = None) -> Tensor:
        """Vectors before they are quantised: (B, C, n), n a multiple of the hop, to (B, n / hop, dim).

        The samples may be on any device.
        """
        return torch.as_tensor(self.encoder(samples.to(self.device), state)).transpose(1, 2)

    def sound(self, vectors: Tensor, state: State | None = None) -> Tensor:
        """Sound of vectors: (B, T, dim) to (B, C, T hop)."""
        return torch.as_tensor(self.decoder(vectors.transpose(1, 2), state))

    @torch.no_grad()
    def encode(self, samples: Tensor, codebooks: int | None = None) -> Tensor:
        """Codes of sound: (B, C, n), at least a sample, to (B, K, ceil(n / hop)).

        Args:
            samples: in -1..1 at the codec's rate; silence is added to fill the last frame.
            codebooks: the first few alone; all when omitted.

        Raises:
            ModelError: for another number of channels, no samples, samples that are not finite, or codebooks that there
                are not.
        """
        check_samples(samples, self.config.channels)
        filled = functional.pad(samples, (0, -samples.shape[-1] % self.config.hop))
        return self.quantiser.encode(self.vectors(filled), codebooks)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes (B, k, T) of the first k codebooks to (B, C, T hop). ModelError for invalid codes."""
        return self.sound(self.quantiser.decode(codes))

    def stream_encoder(self, codebooks: int | None = None) -> StreamEncoder:
        """An encoder for audio in blocks of any length, with the first codebooks only if requested."""
        return StreamEncoder(self, codebooks)

    def stream_decoder(self) -> StreamDecoder:
        """A decoder for blocks of any number of frames."""
        return StreamDecoder(self)
