"""The drum kit: each sound is a few modes (sines that decay) and bursts of filtered noise, set by hand.

Modal frequencies of membranes follow Fletcher and Rossing, "The Physics of Musical Instruments", chapter 18.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.noise import band, white_noise
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE, END_FADE, hop_size
from symbolic_music.synthesis.ddsp.oscillators import Notes
from symbolic_music.synthesis.ddsp.partials import DECIBEL, SILENCE


@dataclass(frozen=True)
class Burst:
    """Noise in a bell `width` octaves around `centre` Hz: level in dB, time to silence, start, all in seconds."""

    centre: float
    width: float
    level: float
    decay: float
    start: float = 0.0


@dataclass(frozen=True)
class Drum:
    """Modes are (Hz, dB, time to silence). The pitch starts `sweep` times higher and falls within `sweep_time`."""

    modes: tuple[tuple[float, float, float], ...] = ()
    bursts: tuple[Burst, ...] = ()
    sweep: float = 0.0
    sweep_time: float = 0.03
    level: float = 0.0


_KICK = Drum(
    ((52.0, 0.0, 0.42), (95.0, -9.0, 0.2), (155.0, -16.0, 0.1)),
    (Burst(3200.0, 1.2, -16.0, 0.03), Burst(180.0, 1.0, -10.0, 0.06)), 1.8, 0.022, 9.0,
)  # fmt: skip
_SNARE = Drum(
    ((186.0, 0.0, 0.24), (331.0, -5.0, 0.18), (420.0, -12.0, 0.12)),
    (Burst(4500.0, 1.2, -1.0, 0.26), Burst(1500.0, 1.2, -7.0, 0.14), Burst(9500.0, 0.8, -5.0, 0.16)), 0.25, 0.02, 8.0,
)  # fmt: skip
_STICK = Drum(((820.0, -4.0, 0.06), (1720.0, -3.0, 0.05)), (Burst(4000.0, 1.1, -3.0, 0.035),), level=2.0)
_CLAP = Drum(
    (), (*(Burst(1400.0, 0.7, -3.0, d, s) for d, s in ((0.03, 0.0), (0.03, 0.011), (0.25, 0.023))),
         Burst(5000.0, 1.0, -10.0, 0.2)), level=6.0,
)  # fmt: skip
# A cymbal is struck (short and bright), rings (its octaves), and dies away far slower than it began.
_HAT = Drum(
    ((6200.0, -30.0, 0.06), (8900.0, -32.0, 0.05)),
    (Burst(9500.0, 0.8, -6.0, 0.09), Burst(5200.0, 1.0, -9.0, 0.07), Burst(8500.0, 0.9, -22.0, 0.22)), level=2.0,
)  # fmt: skip
_OPEN_HAT = Drum(
    ((6200.0, -30.0, 0.4), (8900.0, -32.0, 0.3)),
    (Burst(9500.0, 0.9, -8.0, 0.7), Burst(5000.0, 1.0, -11.0, 0.6), Burst(8000.0, 1.0, -18.0, 1.9)), level=1.0,
)  # fmt: skip
_CRASH = Drum(
    ((3150.0, -34.0, 1.2), (4870.0, -34.0, 1.0)),
    (Burst(7500.0, 1.1, -6.0, 1.8), Burst(3500.0, 1.1, -8.0, 1.2), Burst(1000.0, 1.0, -16.0, 0.4),
     Burst(6000.0, 1.1, -15.0, 4.0)), level=3.0,
)  # fmt: skip
_RIDE = Drum(
    ((2960.0, -20.0, 0.9), (4210.0, -20.0, 0.8), (5730.0, -22.0, 0.7), (7340.0, -26.0, 0.5)),
    (Burst(8500.0, 0.9, -13.0, 1.3), Burst(5500.0, 0.9, -9.0, 0.1), Burst(6500.0, 1.0, -20.0, 3.0)), level=1.0,
)  # fmt: skip
_BELL = Drum(
    ((1890.0, -8.0, 0.9), (3110.0, -9.0, 0.8), (4640.0, -14.0, 0.6)),
    (Burst(7000.0, 1.0, -20.0, 0.9), Burst(6500.0, 1.0, -28.0, 2.5)), level=-2.0,
)  # fmt: skip


def _tom(hz: float) -> Drum:
    modes = ((hz, 0.0, 0.5), (hz * 1.59, -8.0, 0.3), (hz * 2.14, -13.0, 0.2))
    return Drum(modes, (Burst(hz * 6, 1.2, -14.0, 0.07), Burst(3000.0, 1.2, -20.0, 0.05)), 0.5, 0.035, 8.0)


def _hand(hz: float, decay: float, slap: float) -> Drum:
    modes = ((hz, 0.0, decay), (hz * 1.9, -12.0, decay * 0.6))
    return Drum(modes, (Burst(hz * 5, 1.0, slap, 0.04),), 0.12, 0.02, 4.0)


def _shaken(centre: float, decay: float, start: float = 0.0) -> Drum:
    return Drum((), (Burst(centre, 0.7, -6.0, decay, start),), level=0.0)


def _metal(*modes: tuple[float, float, float]) -> Drum:
    return Drum(modes, (Burst(5000.0, 1.0, -26.0, 0.03),), level=-1.0)


# The keys of General MIDI's kit, and those that GS and XG add below and above it.
KIT: dict[int, Drum] = {
    27: Drum(((1100.0, -2.0, 0.15),), (), 1.5, 0.05, -4.0), 28: _CLAP, 29: _shaken(3000.0, 0.1),
    30: _shaken(2500.0, 0.15),
    31: _STICK, 32: _STICK, 33: _STICK, 34: Drum(((1600.0, 0.0, 0.2),), (), level=-6.0),
    35: replace(_KICK, modes=((46.0, 0.0, 0.5), (88.0, -9.0, 0.2))), 36: _KICK, 37: _STICK, 38: _SNARE, 39: _CLAP,
    40: replace(_SNARE, modes=((210.0, -4.0, 0.16), (370.0, -8.0, 0.12))),
    41: _tom(82.0), 42: _HAT, 43: _tom(98.0), 44: replace(_HAT, level=0.0), 45: _tom(118.0), 46: _OPEN_HAT,
    47: _tom(142.0), 48: _tom(168.0), 49: _CRASH, 50: _tom(200.0), 51: _RIDE,
    52: replace(_CRASH, bursts=(Burst(4500.0, 1.3, -5.0, 1.6), Burst(9500.0, 0.8, -10.0, 1.4),
                                Burst(1200.0, 1.0, -10.0, 0.5))), 53: _BELL,
    54: Drum(((7100.0, -16.0, 0.2), (9300.0, -18.0, 0.2)), (Burst(8500.0, 0.8, -6.0, 0.26),), level=3.0),
    55: replace(_CRASH, bursts=(Burst(8000.0, 1.0, -6.0, 0.9), Burst(4000.0, 1.0, -12.0, 0.5))),
    56: _metal((562.0, -3.0, 0.25), (845.0, -5.0, 0.2), (1690.0, -14.0, 0.12)),
    57: replace(_CRASH, modes=((3620.0, -34.0, 1.1), (5310.0, -34.0, 0.9))), 58: _shaken(2200.0, 0.9), 59: _RIDE,
    60: _hand(390.0, 0.16, -12.0), 61: _hand(290.0, 0.2, -12.0), 62: _hand(300.0, 0.09, -6.0),
    63: _hand(245.0, 0.35, -16.0),
    64: _hand(185.0, 0.38, -16.0), 65: _tom(330.0), 66: _tom(245.0),
    67: _metal((910.0, -3.0, 0.35), (2050.0, -8.0, 0.2)), 68: _metal((680.0, -3.0, 0.4), (1560.0, -8.0, 0.25)),
    69: _shaken(6500.0, 0.09), 70: _shaken(7500.0, 0.06),
    71: Drum(((2350.0, -3.0, 0.18), (2480.0, -5.0, 0.18)), (), level=-8.0),
    72: Drum(((2300.0, -3.0, 0.6), (2420.0, -5.0, 0.6)), (), level=-8.0), 73: _shaken(4200.0, 0.12),
    74: _shaken(4000.0, 0.5),
    75: Drum(((2520.0, -1.0, 0.09), (4100.0, -14.0, 0.05)), (), level=-5.0),
    76: Drum(((1180.0, 0.0, 0.08), (2700.0, -12.0, 0.05)), (), level=-3.0),
    77: Drum(((860.0, 0.0, 0.09), (1990.0, -12.0, 0.05)), (), level=-3.0), 78: _hand(520.0, 0.12, -20.0),
    79: _hand(400.0, 0.35, -20.0),
    80: _metal((5100.0, -8.0, 0.15), (7700.0, -10.0, 0.1)),
    81: _metal((5100.0, -8.0, 1.6), (7700.0, -10.0, 1.2), (9900.0, -14.0, 0.9)),
    82: _shaken(8000.0, 0.1), 83: _metal((3800.0, -10.0, 0.9), (6200.0, -10.0, 0.8)),
    84: _metal((4300.0, -9.0, 1.8), (6900.0, -12.0, 1.5)),
    85: _STICK, 86: _tom(70.0), 87: replace(_tom(62.0), sweep=0.2),
}  # fmt: skip


def drum(pitch: int) -> Drum:
    """The drum on this key; a key without one is a small tuned block, so that nothing written stays unheard."""
    if pitch in KIT:
        return KIT[pitch]
    hz = 180.0 * 2 ** ((pitch % 24) / 12)
    return Drum(((hz, 0.0, 0.14), (hz * 2.7, -10.0, 0.08)), (Burst(hz * 4, 1.0, -16.0, 0.04),), level=-3.0)


def drum_time(pitch: int) -> float:
    """Seconds that this drum sounds. Its note's end does not stop it."""
    own = drum(pitch)
    ends = [mode[2] for mode in own.modes] + [burst.start + burst.decay for burst in own.bursts]
    return 1.15 * max(ends) + END_FADE


def drum_sound(pitch: int, notes: Notes, sample_rate: int, control_rate: float = CONTROL_RATE) -> Tensor:
    """Strokes on one drum: (B, n). Harder is louder and brighter; `notes` gives velocities and keys only."""
    own = drum(pitch)
    hop = hop_size(sample_rate, control_rate)
    frames = math.ceil(drum_time(pitch) * sample_rate / hop) + 1
    samples = (frames - 1) * hop
    time = torch.arange(samples) / sample_rate
    out = torch.zeros(len(notes.velocity), samples)
    hardness = notes.velocity[:, None]
    for index, (hz, level, decay) in enumerate(own.modes):
        # The integral of hz * (1 + sweep * exp(-t / sweep_time)).
        passed = hz * (time.double() + own.sweep * own.sweep_time * (1 - torch.exp(-time.double() / own.sweep_time)))
        if hz >= sample_rate / 2:
            continue
        wave = torch.sin(dsp.TAU * dsp.wrap(passed)).float() * torch.exp(-SILENCE / decay * time)
        out = out + wave * torch.exp(DECIBEL * (level + 6.0 * min(index, 2) * (hardness - 0.8)))
    at = torch.arange(frames - 1) * (hop / sample_rate)
    magnitudes = torch.zeros(len(notes.velocity), frames - 1, 65)
    for burst in own.bursts:
        begun = (at >= burst.start - 0.5 * hop / sample_rate).float()
        curve = begun * torch.exp(-SILENCE / burst.decay * (at - burst.start).clamp(min=0))
        strength = torch.exp(DECIBEL * (burst.level + 8.0 * (hardness - 0.8)))
        shape = band(burst.centre * torch.exp2(0.6 * (hardness - 0.8)), burst.width, sample_rate)
        magnitudes = magnitudes + (strength * curve)[..., None] * shape[:, None]
    if own.bursts:
        out = out + dsp.filtered_noise(white_noise(notes.key, samples), magnitudes, hop)
    end = ((samples / sample_rate - time) / END_FADE).clamp(0, 1) * (time / 0.0008).clamp(max=1)
    return out * end * hardness**2 * math.exp(DECIBEL * own.level)
