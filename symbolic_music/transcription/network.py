"""A network from sound to onsets, sounding frames and velocities of 88 pitches.

1. Three heads: onsets, frames conditioned on the onsets, velocities of onsets (Hawthorne et al., "Onsets and Frames:
   Dual-Objective Piano Transcription", ISMIR 2018).
2. The input has, at each pitch, the constant-Q bins of its harmonics (Bittner et al., "A Lightweight
   Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch Estimation", ICASSP 2022).
3. One convolution for all pitches, dilated by an octave or in time, in place of dense layers and recurrence (Wei et
   al., "HPPNet: Modeling the Harmonic Structure and Pitch Invariance in Piano Transcription", ISMIR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from symbolic_music.errors import ModelError
from symbolic_music.models.config_checks import Sizes, checked
from symbolic_music.transcription.constant_q import ConstantQ, ConstantQShape

LOWEST, PITCHES = 21, 88  # A0, and how many pitches
_FLOOR = 1e-4  # -80 dB
# Multiples of a pitch's frequency whose bins it has.
_HARMONICS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
_PER_SEMITONE = 3
_MOST_FRAMES, _MOST_LAYERS = 1_000, 1_024  # a second, and dilations


@checked
@dataclass(frozen=True)
class TranscriberConfig:
    """The shape of a `Transcriber`.

    Args:
        sample_rate: Hz.
        hop: samples between frames.
        width: channels.
        dilations: of the layers in time; every other layer is dilated by an octave in pitch.

    Raises:
        ModelError: for sizes that make no network.

    Examples:
        >>> sm.transcription.TranscriberConfig().frame_rate
        40.0
    """

    sample_rate: int = 16_000
    hop: int = 400
    width: int = 32
    dilations: Sizes = (1, 1, 2, 4, 8, 16)

    def __post_init__(self) -> None:
        if not 8_000 <= self.sample_rate <= 96_000:
            raise ModelError(f"a transcriber has 8,000 to 96,000 samples a second, not {self.sample_rate:,}")
        if not self.sample_rate <= _MOST_FRAMES * self.hop <= _MOST_FRAMES * self.sample_rate:
            raise ModelError(
                f"a transcriber has 1 to {_MOST_FRAMES} frames a second, not a hop of {self.hop:,} samples"
            )
        if not (1 <= self.width <= 4096 and self.dilations and all(1 <= d <= 4096 for d in self.dilations)):
            raise ModelError("a transcriber has a width and dilations of 1 to 4,096")
        if len(self.dilations) > _MOST_LAYERS:
            raise ModelError(f"a transcriber has at most {_MOST_LAYERS:,} layers, not {len(self.dilations):,}")

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.hop

    @property
    def reach(self) -> int:
        """Frames of the spectrum on either side that a frame's result depends on."""
        return 1 + sum(self.dilations) + 1 + 2

    @property
    def constant_q(self) -> ConstantQShape:
        """The transform of the input: three bins a semitone, from A0 to under half of the rate."""
        highest = 69 + 12 * float(np.log2(np.float32(0.49 * self.sample_rate / 440.0)))
        return ConstantQShape(self.sample_rate, self.hop, LOWEST, int((highest - LOWEST) * _PER_SEMITONE), 36)


class Estimates(NamedTuple):
    """Logits (B, frames, 88) of onsets and of what sounds, and of the velocity that an onset there has."""

    onset: Tensor
    frame: Tensor
    velocity: Tensor


class Transcriber(nn.Module):
    """The network; `load_transcriber` loads one that is trained.

    Examples:
        >>> import torch
        >>> network = sm.transcription.Transcriber(sm.transcription.TranscriberConfig(width=8)).eval()
        >>> tuple(network(torch.zeros(1, 16000)).onset.shape)
        (1, 41, 88)
    """

    def __init__(self, config: TranscriberConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrum = ConstantQ(config.constant_q)
        width = config.width
        self.stem = _layer(len(_HARMONICS) * _PER_SEMITONE, width, 1, 1)
        self.body = nn.ModuleList(
            _layer(width, width, d, 12 if number % 2 else 1) for number, d in enumerate(config.dilations)
        )
        self.onsets, self.onset = _layer(width, width, 1, 1), _Head(width)
        self.velocity = _Head(width)
        self.frames, self.frame = _layer(width + 1, width, 2, 1), _Head(width)

    @property
    def context(self) -> int:
        """Frames on either side that a frame's result depends on, the sound in the windows of its bins included."""
        return self.config.reach + -(-self.spectrum.size // (2 * self.config.hop))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(self, samples: Tensor) -> Estimates:
        """Sound (B, n), levelled, to logits of n // hop + 1 frames."""
        with torch.no_grad(), torch.autocast(samples.device.type, enabled=False):
            found = self.spectrum(samples.float())
            level = (20 / 40) * torch.log10(found.clamp(min=_FLOOR)) + 1  # -80 dB to 0: -1 to 1
            x = _harmonics(level)
        x = self.stem(x)
        for layer in self.body:
            x = x + layer(x)
        struck = self.onsets(x)
        onset = self.onset(struck)
        onsets = torch.sigmoid(onset.detach())[:, None].to(x.dtype)
        frame = self.frame(self.frames(torch.cat([x, onsets], dim=1)))
        return Estimates(onset, frame, self.velocity(struck))


class _Head(nn.Module):
    """One number a pitch: the same weights for all, and a bias for each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weights = nn.Conv2d(width, 1, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(PITCHES))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, frames, 88) to (B, frames, 88), float32."""
        return torch.as_tensor(self.weights(x)[:, 0].float() + self.bias)


def _layer(inputs: int, outputs: int, in_time: int, in_pitch: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, padding=(in_time, in_pitch), dilation=(in_time, in_pitch), bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def _harmonics(level: Tensor) -> Tensor:
    """(B, bins, frames) to (B, harmonics * 3, frames, 88): what is over or under all bins is silence."""
    batch, bins, frames = level.shape
    found = []
    for multiple in _HARMONICS:
        first = round(12 * _PER_SEMITONE * torch.log2(torch.tensor(multiple)).item()) - 1  # from a third below
        last = first + PITCHES * _PER_SEMITONE
        before, after = max(0, -first), max(0, last - bins)
        own = level[:, max(0, first) : min(bins, last)]
        own = torch.nn.functional.pad(own, (0, 0, before, after), value=-1.0)
        found.append(own.reshape(batch, PITCHES, _PER_SEMITONE, frames).permute(0, 2, 3, 1))
    return torch.cat(found, dim=1)
