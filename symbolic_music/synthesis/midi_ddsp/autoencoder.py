"""DDSP's autoencoder: pitch and loudness of a recording, rendered by a trained voice.

Source: Engel et al., "DDSP" (ICLR 2020), section 4, without the third code z, as for its solo instruments.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, UnknownNameError
from symbolic_music.synthesis.analysis.features import Curve, loudness, track_pitch
from symbolic_music.synthesis.analysis.harmonics import HOP, RATE
from symbolic_music.synthesis.analysis.notes import LOUDNESS_SIZE
from symbolic_music.synthesis.ddsp.partials import hertz
from symbolic_music.synthesis.midi_ddsp.synthesizer import harmonic_sound, noise_sound
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, load_voices


def encode(samples: NDArray[np.float32]) -> tuple[Curve, Curve]:
    """Pitch in semitones and A-weighted loudness in dB of a line, each (F,), a frame every 256 samples of 44.1 kHz.

    Where nothing has a pitch it goes in a straight line from what was before to what comes.

    Args:
        samples: (n,) at 44.1 kHz, one voice that nobody accompanies.

    Raises:
        AudioError: when nothing has a pitch.
        MissingExtraError: without librosa.
    """
    hop = round(HOP * RATE)
    pitch, voiced = track_pitch(samples, RATE, hop)
    if not voiced.any():
        raise AudioError("no pitch was found in this recording")
    at = np.flatnonzero(voiced)
    heard = loudness(torch.from_numpy(samples.astype(np.float32))[None], RATE, hop, LOUDNESS_SIZE)[0]
    return np.interp(np.arange(len(pitch)), at, pitch[at]), heard.double().numpy()[: len(pitch)]


@torch.no_grad()
def decode(pitch: Curve, heard: Curve, voice: str, voices: NeuralVoices | None = None) -> NDArray[np.float32]:
    """The sound of a voice with this pitch (F,) in semitones and loudness (F,) in dB: ((F - 1) * 256,) at 44.1 kHz.

    Raises:
        UnknownNameError: when the bank has no such voice.
    """
    bank = voices or load_voices()
    names = [one.name for one in bank.voices]
    if voice not in names:
        raise UnknownNameError(f"no voice {voice!r}; there are: {', '.join(names)}")
    number, hop = names.index(voice), round(HOP * RATE)
    curve = torch.from_numpy(pitch.astype(np.float32))[None]
    level = torch.from_numpy(heard.astype(np.float32))[None]
    known = curve.clamp(bank.voices[number].lowest - 2, bank.voices[number].highest + 2)
    frames = bank.networks.decoder(torch.tensor([number]), known, level)
    frames = frames._replace(level=frames.level + level, noise=frames.noise + level[..., None])
    f0 = hertz(curve)
    tone = harmonic_sound(frames, f0, bank.voices[number], curve[:, 0], RATE, hop)
    source = torch.rand(1, curve.shape[1] * hop, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return (tone + noise_sound(frames.noise, source, RATE, hop)[:, : tone.shape[1]])[0].numpy()
