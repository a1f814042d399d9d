"""The strings of a piano that a note sets ringing while the sustain pedal is down: the knock reaches all of them.

Their sum is one fixed sound for each sample rate, which each note plays from its onset on as loud as it is struck; the
coincident partials of the note itself are in `partials.coupled`. Whether and how the register of strings rings is
described by Lehtonen, Penttinen, Rauhala and Välimäki 2007 ("Analysis and modeling of piano sustain-pedal effects");
levels are set by hand, since no recording with the pedal is among the corpora.

B notes, F frames, n samples.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.measured_partials import measured
from symbolic_music.synthesis.ddsp.partials import DECIBEL, NO_SYMPATHY, hertz, ratios
from symbolic_music.synthesis.ddsp.presets import Voice

SECONDS = 3.0
_STRINGS = range(21, 89)  # those with dampers
_PARTIALS = 5
_RISE, _END = 0.03, 0.5  # seconds


@lru_cache(maxsize=8)
def register(voice: Voice, sample_rate: int) -> Tensor:
    """The sound of all damped strings after a knock, (n,), of power 1/2 over its first second.

    Each partial has the colour of the knock (`noise_centre`, `noise_width`), the slow decay of its string, and a phase
    of its own.
    """
    with torch.inference_mode(False):
        time = torch.arange(round(SECONDS * sample_rate), dtype=torch.float64) / sample_rate
        pitch = torch.arange(_STRINGS.start, _STRINGS.stop, dtype=torch.float32)
        frequencies = (hertz(pitch)[:, None] * ratios(voice, pitch, _PARTIALS)).double()
        table = measured(voice.measured)
        slow = table.at(table.slow, pitch, _PARTIALS).double()
        bell = torch.exp(-0.5 * (torch.log2(frequencies / voice.noise_centre) / voice.noise_width) ** 2)
        phases = torch.rand(frequencies.shape, generator=torch.Generator().manual_seed(20_180_521), dtype=torch.float64)
        wave = torch.zeros_like(time)
        for string in range(len(pitch)):
            for partial in range(_PARTIALS):
                hz = frequencies[string, partial]
                if hz < 0.45 * sample_rate:
                    fall = torch.exp(-DECIBEL * slow[string, partial] * time)
                    wave += bell[string, partial] * fall * torch.sin(dsp.TAU * (hz * time + phases[string, partial]))
        rise = 0.5 - 0.5 * torch.cos(math.pi * (time / _RISE).clamp(max=1))
        wave *= rise * ((SECONDS - time) / _END).clamp(max=1)
        return (wave / torch.sqrt(2 * wave[:sample_rate].square().mean())).float()


def audible_frames(voice: Voice, pedal: Tensor | None, first: int, frames: int, hop: int, sample_rate: int) -> int:
    """How many of the frames from `first` on the strings ring in; 0 where no note begins with the pedal down."""
    if pedal is None or voice.sympathy <= NO_SYMPATHY or not voice.measured or not bool((pedal <= 0).any()):
        return 0
    return max(0, min(frames, math.ceil(SECONDS * sample_rate / hop) + 1 - first))


def ringing(voice: Voice, pedal: Tensor, first: Tensor, level: Tensor, hop: int, sample_rate: int) -> Tensor:
    """The strings of each note from its frame `first` (B,) on, at these levels (B, F): (B, (F - 1) hop)."""
    samples = (level.shape[1] - 1) * hop
    source = torch.nn.functional.pad(register(voice, sample_rate), (0, samples + 1))
    starts = (first * hop).clamp(max=len(source) - samples - 1)
    rows = torch.stack([source[start : start + samples] for start in starts.tolist()])
    own = level * (math.exp(DECIBEL * voice.sympathy) * (pedal <= 0))[:, None]
    return rows * dsp.upsample_amplitudes(own[..., None], hop)[..., 0]
