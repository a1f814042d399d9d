"""What the networks of the voices learn on measured frames.

Losses are dB over a scale, so that all weigh about alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symbolic_music.synthesis.voice_nets import Frames, VoiceNetworks, to_normal
from symbolic_music.training.voice_notes import Batch

LEVEL_FLOOR = -60.0


def generator_loss(networks: VoiceNetworks, batch: Batch) -> dict[str, Tensor]:
    """Losses by name of the two generators on varied notes; `batch.plain` controls are those that are to be drawn."""
    drawn = networks.expression(batch.voice, batch.pitch, batch.held)
    frames = networks.synthesis(batch.voice, batch.pitch, batch.held, batch.controls, batch.since, batch.struck)
    found = frame_losses(frames, batch, batch.controls[:, :1])
    found["expression"] = (to_normal(drawn) - to_normal(batch.plain)).abs().mean()
    return found


def decoder_loss(networks: VoiceNetworks, batch: Batch) -> dict[str, Tensor]:
    """Losses by name of the decoder on stretches of notes."""
    frames = networks.decoder(batch.voice, batch.pitch[:, None] + batch.deviation, batch.loudness)
    return frame_losses(frames, batch, batch.loudness)


def frame_losses(frames: Frames, batch: Batch, base: Tensor) -> dict[str, Tensor]:
    """Mean absolute differences: level and noise (dB, heard over `base`), shares of the partials (dB), pitch.

    A partial counts by the square root of its amplitude over the strongest one's, and a little however weak it is.
    """
    level = (frames.level + base).clamp(min=LEVEL_FLOOR) - batch.level.clamp(min=LEVEL_FLOOR)
    noise = frames.noise + base[..., None] - batch.noise.clamp(min=-110)
    wanted = batch.shares
    masked = frames.partials.masked_fill(~batch.audible[:, None], -400.0)
    whole = 20 * torch.log10(torch.pow(10.0, masked / 20).sum(-1, keepdim=True).clamp(min=1e-9))
    weight = torch.pow(10.0, (wanted - wanted.amax(-1, keepdim=True)) / 40) + 0.03
    weight = weight * batch.audible[:, None]
    shares = ((masked - whole).clamp(min=-110) - wanted.clamp(min=-110)).abs() * weight
    return {
        "level": level.abs().mean() / 4,
        "shares": (shares.sum(-1) / weight.sum(-1)).mean() / 4,
        "noise": noise.abs().mean() / 8,
        "pitch": (frames.deviation - batch.deviation).abs().mean() / 0.2,
    }
