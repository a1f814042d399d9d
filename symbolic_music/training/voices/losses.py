"""The losses of the networks of the voices on measured frames.

Losses are dB over a scale, so that all weigh about alike.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from symbolic_music.synthesis.analysis.spectral_loss import spectral_loss
from symbolic_music.synthesis.ddsp.partials import hertz
from symbolic_music.synthesis.midi_ddsp.networks import Frames, VoiceNetworks, to_normal
from symbolic_music.synthesis.midi_ddsp.synthesizer import harmonic_sound, noise_sound
from symbolic_music.synthesis.midi_ddsp.voices import TrainedVoice
from symbolic_music.training.voices.batches import NoteFrames

LEVEL_FLOOR = -60.0
_RATE, _HOP, _GAIN = 22050, 128, 0.1
_HARMONIC = TrainedVoice("any", (), False, 0, 127)


def generator_loss(networks: VoiceNetworks, batch: NoteFrames) -> dict[str, Tensor]:
    """Losses by name of the two generators on varied notes; `batch.plain` controls are those that are to be drawn."""
    drawn = networks.expression(batch.voice, batch.pitch, batch.held)
    frames = networks.synthesis(batch.voice, batch.pitch, batch.held, batch.controls, batch.since, batch.struck)
    found = frame_losses(frames, batch, batch.controls[:, :1])
    found["expression"] = (to_normal(drawn) - to_normal(batch.plain)).abs().mean()
    return found


def decoder_loss(networks: VoiceNetworks, batch: NoteFrames) -> dict[str, Tensor]:
    """Losses by name of the decoder on stretches of notes."""
    frames = networks.decoder(batch.voice, batch.pitch[:, None] + batch.deviation, batch.loudness)
    return frame_losses(frames, batch, batch.loudness)


def noise_of(batch: NoteFrames, rng: np.random.Generator) -> Tensor:
    """White noise in [-1, 1) under stretches of notes, for `sound_losses`."""
    notes, frames = batch.level.shape
    return torch.from_numpy(rng.uniform(-1, 1, (notes, frames * _HOP)).astype(np.float32))


def sound_losses(networks: VoiceNetworks, batch: NoteFrames, source: Tensor) -> dict[str, Tensor]:
    """Multi-scale spectral losses by name of both networks, on stretches of notes at 22,050 Hz.

    What is wanted is the sound of the measured frames, with the same noise, `source`, under the same pitch: what
    is left between two sounds is what their frames differ by. Stiff strings are treated as harmonic here.
    """
    asked = batch.controls
    drawn = networks.synthesis(batch.voice, batch.pitch, batch.held, asked, batch.since, batch.struck)
    drawn = Frames(drawn.level + asked[:, :1], drawn.deviation, drawn.partials, drawn.noise + asked[:, :1, None])
    decoded = networks.decoder(batch.voice, batch.pitch[:, None] + batch.deviation, batch.loudness)
    heard = batch.loudness
    decoded = Frames(decoded.level + heard, decoded.deviation, decoded.partials, decoded.noise + heard[..., None])
    wanted = Frames(batch.level, batch.deviation, batch.shares, batch.noise)
    f0 = hertz(batch.pitch[:, None] + batch.deviation)

    def sounded(frames: Frames) -> Tensor:
        partials = frames.partials.masked_fill(~batch.audible[:, None], -200.0)
        tone = harmonic_sound(frames._replace(partials=partials), f0, _HARMONIC, batch.pitch, _RATE, _HOP)
        return _GAIN * (tone + noise_sound(frames.noise, source, _RATE, _HOP)[:, : tone.shape[1]])

    target = sounded(wanted)
    return {"sound": spectral_loss(sounded(drawn), target), "decoder sound": spectral_loss(sounded(decoded), target)}


def frame_losses(frames: Frames, batch: NoteFrames, base: Tensor) -> dict[str, Tensor]:
    """Mean absolute differences: level and noise (dB above `base`), shares of the partials (dB), pitch.

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
