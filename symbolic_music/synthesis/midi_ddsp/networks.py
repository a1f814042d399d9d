"""The networks of the trained voices. None is recurrent: a frame depends on its note and its position in it.

B notes, F frames, K partials, M noise magnitudes, V voices. A voice is an embedding and a linear head in each network.

Sources: Engel et al., "DDSP" (ICLR 2020), section 4.1, for the decoder; Wu et al., "MIDI-DDSP" (ICLR 2022), section 3,
for the generators, whose recurrent layers are replaced by features of a frame's place in its note.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

# Centres and widths of the controls as the networks see them: volume, fluctuation, vibrato, brightness, attack, peak.
_CENTRE = (-15.0, 5.0, 0.03, 3.5, -65.0, 0.4)
_WIDTH = (10.0, 4.0, 0.05, 2.5, 12.0, 0.3)
_SHORT = 0.006


@dataclass(frozen=True)
class Shape:
    """Sizes of the networks."""

    voices: int
    embedding: int = 16
    hidden: int = 160
    context: int = 128
    partials: int = 80
    bands: int = 65

    @property
    def outputs(self) -> int:
        """The outputs of a head: level, pitch, partials, noise magnitudes."""
        return 2 + self.partials + self.bands


class Frames(NamedTuple):
    """Frame-wise controls: level (B, F) dB, deviation (B, F) semitones, partials (B, F, K) dB, noise (B, F, M) dB.

    The amplitude of a partial is that of the level times its share; `partials` are shares before they are made to
    sum to one.
    """

    level: Tensor
    deviation: Tensor
    partials: Tensor
    noise: Tensor


class Heads(nn.Module):
    """A linear layer for each voice."""

    def __init__(self, voices: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(voices, inputs, outputs) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(voices, outputs))

    def forward(self, voice: Tensor, x: Tensor) -> Tensor:
        """(B,), (B, F, inputs) -> (B, F, outputs)."""
        return torch.baddbmm(self.bias[voice][:, None], x, self.weight[voice])


class ExpressionGenerator(nn.Module):
    """Note -> the six controls: voice (B,), pitch (B,), seconds held (B,) -> (B, 6) in the units of `features`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.voices, shape.embedding)
        self.body = nn.Sequential(nn.Linear(shape.embedding + 17, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.heads = Heads(shape.voices, 64, 6)

    def forward(self, voice: Tensor, pitch: Tensor, length: Tensor) -> Tensor:
        """See the class."""
        seen = torch.cat([self.embedding(voice), pitch_features(pitch), log_bumps(length, 4, 4.0)], dim=-1)
        return from_normal(self.heads(voice, self.body(seen)[:, None])[:, 0])


class SynthesisGenerator(nn.Module):
    """Controls of a note and places in it -> frames. Level and noise come out relative to the volume."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.voices, shape.embedding)
        self.note = nn.Sequential(nn.Linear(shape.embedding + 17 + 5, shape.hidden), nn.SiLU())
        self.note_out = nn.Linear(shape.hidden, 2 * shape.hidden)
        self.place = nn.Linear(46, shape.hidden)
        self.first, self.second = nn.Linear(shape.hidden, shape.hidden), nn.Linear(shape.hidden, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden)
        self.heads = Heads(shape.voices, shape.hidden, shape.outputs)

    def forward(
        self, voice: Tensor, pitch: Tensor, length: Tensor, controls: Tensor, since: Tensor, struck: Tensor
    ) -> Frames:
        """Frames of notes.

        Args:
            voice: (B,) int64.
            pitch: (B,) semitones.
            length: (B,) seconds held.
            controls: (B, 6), see `features.controls`.
            since: (B, F) seconds since the onset.
            struck: (B,) bool: the release of a struck string does not affect its beginning.
        """
        # Everything comes out relative to the volume, so that the noise is requested in that way too.
        relative = torch.cat(
            [controls[:, :4], controls[:, 4:5] - controls[:, :1] + _CENTRE[0], controls[:, 5:]], dim=-1
        )
        asked = to_normal(relative)[:, 1:]
        known = torch.where(struck, torch.full_like(length, 4.0), length)
        seen = torch.cat([self.embedding(voice), pitch_features(pitch), log_bumps(known, 4, 4.0), asked], dim=-1)
        scale, shift = self.note_out(self.note(seen))[:, None].chunk(2, dim=-1)
        x = nn.functional.silu(self.place(places(since, length, struck)) * (1 + scale) + shift)
        x = x + nn.functional.silu(self.first(x))
        x = self.norm(x + nn.functional.silu(self.second(x)))
        return split(self.heads(voice, x), self.shape)


class Decoder(nn.Module):
    """DDSP's decoder: pitch and loudness of each frame -> frames. Level and noise come out relative to the loudness.

    In place of the recurrent layer there are dilated convolutions over 31 frames either way.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.voices, shape.embedding)
        self.into = nn.Linear(shape.embedding + 13 + 8, shape.context)
        self.layers = nn.ModuleList(
            nn.Conv1d(shape.context, shape.context, 3, padding=2**i, dilation=2**i) for i in range(5)
        )
        self.norm = nn.LayerNorm(shape.context)
        self.heads = Heads(shape.voices, shape.context, shape.outputs)

    def forward(self, voice: Tensor, pitch: Tensor, loudness: Tensor) -> Frames:
        """voice (B,), pitch (B, F) semitones, loudness (B, F) dB -> frames."""
        level = bumps(loudness, -80.0, 0.0, 8)
        who = self.embedding(voice)[:, None].expand(-1, pitch.shape[1], -1)
        x = nn.functional.silu(self.into(torch.cat([who, pitch_features(pitch), level], dim=-1))).transpose(1, 2)
        for layer in self.layers:
            x = x + nn.functional.silu(layer(x))
        return split(self.heads(voice, self.norm(x.transpose(1, 2))), self.shape)


class VoiceNetworks(nn.Module):
    """The three networks of a bank of voices."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.expression = ExpressionGenerator(shape)
        self.synthesis = SynthesisGenerator(shape)
        self.decoder = Decoder(shape)


def split(outputs: Tensor, shape: Shape) -> Frames:
    """The outputs of a head, (B, F, outputs), as frames."""
    partials, noise = outputs[..., 2 : 2 + shape.partials], outputs[..., 2 + shape.partials :]
    return Frames(10 * outputs[..., 0], torch.tanh(0.3 * outputs[..., 1]), 20 * partials - 30, 10 * noise - 50)


def to_normal(controls: Tensor) -> Tensor:
    """Controls around 0 with a spread of about 1."""
    return (controls - controls.new_tensor(_CENTRE)) / controls.new_tensor(_WIDTH)


def from_normal(normal: Tensor) -> Tensor:
    """The inverse of `to_normal`."""
    return normal * normal.new_tensor(_WIDTH) + normal.new_tensor(_CENTRE)


def bumps(x: Tensor, first: float, last: float, count: int) -> Tensor:
    """Bells that overlap, at `count` places from first to last: (...) -> (..., count)."""
    centres = torch.linspace(first, last, count, dtype=x.dtype, device=x.device)
    width = (last - first) / (count - 1)
    return torch.exp(-0.5 * ((x[..., None] - centres) / width) ** 2)


def log_bumps(seconds: Tensor, count: int, longest: float) -> Tensor:
    """`bumps` on a logarithmic scale from 0 to `longest` seconds, fine near 0."""
    return bumps(torch.log1p(seconds.clamp(min=0, max=longest) / _SHORT), 0.0, math.log1p(longest / _SHORT), count)


def pitch_features(pitch: Tensor) -> Tensor:
    """(...) semitones -> (..., 13): twelve bells from 24 to 108 and the height itself."""
    return torch.cat([bumps(pitch, 24.0, 108.0, 12), (pitch[..., None] - 60) / 24], dim=-1)


def places(since: Tensor, length: Tensor, struck: Tensor) -> Tensor:
    """(B, F) seconds since the onset -> (B, F, 46): time passed, time left, time since let go, part of the note."""
    left = length[:, None] - since
    part = (since / length.clamp(min=1e-3)[:, None]).clamp(max=1.0)
    gone = (left <= 0).to(since.dtype)
    future = torch.cat(
        [
            log_bumps(left, 10, 1.0) * (1 - gone)[..., None],
            log_bumps(-left, 10, 0.6) * gone[..., None],
            torch.stack([part, part**2, torch.sin(math.pi * part), torch.sin(2 * math.pi * part)], dim=-1),
        ],
        dim=-1,
    )
    return torch.cat([log_bumps(since, 22, 10.0), future * (~struck)[:, None, None]], dim=-1)
