"""From notes to sound: a batch of notes of one voice in, their samples out. Differentiable in pitch and velocity.

A note becomes control curves (partials, noise, envelope) at one frame every 256 samples of 44.1 kHz, and these drive
the oscillators of `dsp`. The scheme is DDSP's harmonics plus filtered noise; the stretched partials and detuned
strings follow Renault, Mignot and Roebel, "Differentiable Piano Model for MIDI-to-Audio Performance Synthesis" (2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.presets import Voice

SILENCE = math.log(1000.0)  # 60 dB as a natural logarithm of amplitude
DECIBEL = math.log(10.0) / 20
NOISE_BANDS = 65
NOISE_SAMPLES = 1 << 18
# Frames whose wavetables are held at once.
TABLE_FRAMES = 8192
END_FADE = 0.004


@dataclass(frozen=True)
class Notes:
    """A batch of notes. `key` tells notes apart: it places them in the noise and sets the phase of their vibrato.

    pitch (B,) in semitones, 69 is A4 at 440 Hz, fractions allowed; velocity (B,) from 0 to 1; length (B,) seconds that
    the key is held; key (B,) int64; bend (B, F) semitones at frames, None when no note is bent.
    """

    pitch: Tensor
    velocity: Tensor
    length: Tensor
    key: Tensor
    bend: Tensor | None = None


def hop_size(sample_rate: int) -> int:
    """Samples between control frames, 5.8 ms: 256 at 44.1 kHz. Even."""
    return max(2, 2 * round(sample_rate * 128 / 44100))


def hertz(pitch: Tensor) -> Tensor:
    """Frequency of a pitch in semitones; 69 is 440 Hz."""
    return 440.0 * torch.exp2((pitch - 69.0) / 12.0)


def silence_time(voice: Voice, pitch: Tensor) -> Tensor:
    """Seconds in which the first partial of a held note falls by 60 dB; infinite for a voice that sustains."""
    if voice.decay <= 0:
        return torch.full_like(pitch, math.inf)
    return voice.decay * torch.exp2(-(pitch - 57.0) / 12.0 * voice.decay_pitch)


def sounding_time(voice: Voice, notes: Notes) -> Tensor:
    """Seconds from the onset of each note until nothing of it is heard, (B,)."""
    own = silence_time(voice, notes.pitch) * (2.8 if voice.aftersound else 1.2)
    return torch.minimum(notes.length + 1.1 * voice.release, own + voice.attack) + END_FADE


def sound(voice: Voice, notes: Notes, sample_rate: int) -> Tensor:
    """The samples of each note from its onset on: (B, n), n being what the longest of the batch needs.

    A tone at velocity 1 has a weighted power of 1/2 and `voice.level` dB. Nothing here depends on the other notes of
    the batch but n.
    """
    hop = hop_size(sample_rate)
    total = sounding_time(voice, notes)
    frames = max(2, math.ceil(float(total.detach().max()) * sample_rate / hop) + 1)
    time = torch.arange(frames, dtype=notes.pitch.dtype) * (hop / sample_rate)
    frequencies, amplitudes = partials(voice, notes, time, sample_rate)
    moving = voice.vibrato > 0 or notes.bend is not None
    if not moving:
        tone = _struck(voice, frequencies, amplitudes, hop, sample_rate)
    elif voice.ratios or voice.inharmonicity:
        tone = _bent_partials(voice, notes, frequencies, amplitudes, time, hop, sample_rate)
    else:
        tone = _moving_harmonics(voice, notes, amplitudes, time, hop, sample_rate)
    rise, fall = envelope(voice, notes, total, tone.shape[1], sample_rate)
    tone = tone * rise
    noise = breath(voice, notes, time[:-1], hop, sample_rate)
    if noise is not None:
        tone = tone + torch.nn.functional.pad(noise, (0, tone.shape[1] - noise.shape[1]))
    loudness = torch.square(notes.velocity) * math.exp(DECIBEL * voice.level)
    return tone * fall * loudness[:, None]


# -- spectrum ---------------------------------------------------------------------------------------------------


def partial_count(voice: Voice, lowest: float, sample_rate: int) -> int:
    """How many partials a note at `lowest` Hz has under half the sample rate, at most the voice's own number."""
    if voice.ratios:
        return len(voice.ratios)
    own = len(voice.drawbars) if voice.drawbars else voice.partials
    return max(1, min(own, math.ceil(sample_rate / 2 / lowest)))


def ratios(voice: Voice, pitch: Tensor, count: int) -> Tensor:
    """Frequencies of the partials over f0, (B, K)."""
    if voice.ratios:
        return torch.tensor(voice.ratios, dtype=pitch.dtype).expand(len(pitch), -1)
    k = torch.arange(1, count + 1, dtype=pitch.dtype)
    if not voice.inharmonicity:
        return k.expand(len(pitch), -1)
    stretch = voice.inharmonicity * torch.exp2((pitch - 57.0) / 8.0).clamp(max=64.0)
    # Over f_1, so that the note has the pitch that it is written at.
    return k * torch.sqrt((1 + stretch[:, None] * k**2) / (1 + stretch[:, None]))


def spectrum(voice: Voice, pitch: Tensor, velocity: Tensor, frequencies: Tensor) -> Tensor:
    """Levels of the partials in dB, (B, K), at the onset of a note and before its level is set."""
    count = frequencies.shape[1]
    octave = torch.log2(frequencies / hertz(pitch)[:, None])
    k = torch.arange(1, count + 1)
    if voice.drawbars:
        level = torch.tensor(voice.drawbars[:count], dtype=pitch.dtype).expand_as(octave)
    else:
        level = voice.slope * octave + voice.even * (k % 2 == 0)
    for centre, gain, width in voice.formants:
        level = level + gain * torch.exp(-((torch.log2(frequencies / centre) / width) ** 2))
    level = level - 10 * torch.log10(1 + (frequencies / voice.cutoff) ** 4)
    if voice.pluck:
        level = level + 20 * torch.log10(torch.sin(math.pi * voice.pluck * k).abs() + 0.03)
    return level + voice.brightness * (velocity[:, None] - 0.75) * octave.clamp(min=0)


def ear_weight(frequencies: Tensor) -> Tensor:
    """Half of the A-weighting in dB (IEC 61672), as amplitude: between power and loudness, kind to basses."""
    square = frequencies**2
    weight = (12194.0**2 * square**2) / (
        (square + 20.6**2) * torch.sqrt((square + 107.7**2) * (square + 737.9**2)) * (square + 12194.0**2)
    )
    return torch.sqrt(weight * 1.2589).clamp(min=0.1)


def partials(voice: Voice, notes: Notes, time: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Frequencies (B, K) in Hz without vibrato and bend, and amplitudes (B, F, K) without attack and release."""
    f0 = hertz(notes.pitch)
    count = partial_count(voice, float(f0.detach().min()), sample_rate)
    frequencies = f0[:, None] * ratios(voice, notes.pitch, count)
    level = spectrum(voice, notes.pitch, notes.velocity, frequencies)
    start = dsp.remove_above_nyquist(frequencies, torch.exp(DECIBEL * level), sample_rate)
    power = torch.sum((start * ear_weight(frequencies)) ** 2, dim=1, keepdim=True)
    start = start / torch.sqrt(power.clamp(min=1e-12))
    movement = _movement(voice, notes, time)[..., None]
    if voice.bloom:
        octave = torch.log2(frequencies / f0[:, None]).clamp(min=0)
        missing = voice.bloom * torch.exp(-time / voice.bloom_time)
        movement = movement - missing[:, None] * octave[:, None]
    if voice.decay > 0:
        rate = SILENCE / silence_time(voice, notes.pitch)
        rates = rate[:, None] * (1 + voice.damping * frequencies / 1000.0)
        fall = -rates[:, None] * time[:, None]
        if voice.aftersound:
            fading = (1 - voice.aftersound) * torch.exp(fall) + voice.aftersound * torch.exp(fall / 3)
        else:
            fading = torch.exp(fall)
        start = start[:, None] * fading
    else:
        start = start[:, None].expand(-1, len(time), -1)
    return frequencies, start * torch.exp(DECIBEL * movement)


def _movement(voice: Voice, notes: Notes, time: Tensor) -> Tensor:
    """Tremolo and slow wandering in dB, (B, F)."""
    turn = _turns(notes.key)
    wander = torch.sin(dsp.TAU * (0.71 * time + turn[:, :1])) + torch.sin(dsp.TAU * (1.93 * time + turn[:, 1:2]))
    level = 0.5 * voice.drift * wander
    if voice.tremolo:
        level = level + voice.tremolo * torch.sin(dsp.TAU * (voice.tremolo_rate * time + turn[:, 2:]))
    return level


def _turns(key: Tensor) -> Tensor:
    """Three numbers in [0, 1) for each key, (B, 3), spread evenly (multiples of irrational numbers)."""
    steps = torch.tensor([0.6180339887, 0.7548776662, 0.5698402910], dtype=torch.float64)
    return dsp.wrap(key[:, None].double() * steps).float()


# -- oscillators ------------------------------------------------------------------------------------------------


def _struck(voice: Voice, frequencies: Tensor, amplitudes: Tensor, hop: int, sample_rate: int) -> Tensor:
    """Partials that keep their frequency; each string of the unison adds its own."""
    out = None
    for cents in voice.unison:
        one = dsp.stationary_bank(frequencies * 2 ** (cents / 1200), amplitudes, hop, sample_rate)
        out = one if out is None else out + one
    assert out is not None
    return out / math.sqrt(len(voice.unison))


def _pitch_curve(voice: Voice, notes: Notes, time: Tensor, player: int) -> Tensor:
    """Hz at frames, (B, F), with vibrato and bend. Players differ in the phase and rate of their vibrato."""
    turn = _turns(notes.key + 17 * player)
    semitones = notes.pitch[:, None].expand(-1, len(time))
    if voice.vibrato:
        ramp = ((time - voice.vibrato_delay) / 0.35).clamp(0, 1)
        rate = voice.vibrato_rate * (0.94 + 0.12 * turn[:, :1])
        semitones = semitones + voice.vibrato / 100 * ramp * torch.sin(dsp.TAU * (rate * time + turn[:, 1:2]))
    if notes.bend is not None:
        missing = max(0, len(time) - notes.bend.shape[1])
        semitones = semitones + torch.cat([notes.bend, notes.bend[:, -1:].expand(-1, missing)], 1)[:, : len(time)]
    return hertz(semitones + voice.unison[player] / 100)


def _moving_harmonics(
    voice: Voice, notes: Notes, amplitudes: Tensor, time: Tensor, hop: int, sample_rate: int
) -> Tensor:
    batch, frames, count = amplitudes.shape
    size = 1 << max(6, math.ceil(math.log2(16 * count)))
    harmonics = torch.arange(1, count + 1, dtype=amplitudes.dtype)
    pitches = [_pitch_curve(voice, notes, time, player) for player in range(len(voice.unison))]
    highest = torch.stack(pitches).amax(0)
    audible = dsp.remove_above_nyquist(highest[..., None] * harmonics, amplitudes, sample_rate)
    phases = []
    for player, f0 in enumerate(pitches):
        start = _turns(notes.key + 5 * player)[:, :1] if player else 0.0
        phases.append(dsp.cycles(dsp.upsample_linear(f0, hop), sample_rate) + start)
    pieces = []
    step = max(1, TABLE_FRAMES // batch)
    for first in range(0, frames - 1, step):
        last = min(first + step, frames - 1)
        tables = dsp.wavetables(audible[:, first : last + 1], size)
        span = slice(first * hop, last * hop)
        pieces.append(sum((dsp.read_wavetables(tables, phase[:, span], hop) for phase in phases), torch.zeros(())))
    return torch.cat(pieces, dim=1) / math.sqrt(len(phases))


def _bent_partials(
    voice: Voice, notes: Notes, frequencies: Tensor, amplitudes: Tensor, time: Tensor, hop: int, sample_rate: int
) -> Tensor:
    """Stretched partials under a pitch that moves; the exact and slow way, a few partials at a time."""
    over = frequencies / hertz(notes.pitch)[:, None]
    out = torch.zeros(())
    for player in range(len(voice.unison)):
        f0 = dsp.upsample_linear(_pitch_curve(voice, notes, time, player), hop)
        for first in range(0, frequencies.shape[1], 4):
            some = slice(first, first + 4)
            curves = dsp.upsample_amplitudes(amplitudes[..., some], hop)
            out = out + dsp.harmonic_bank(f0, curves, sample_rate, over[:, some])
    return out / math.sqrt(len(voice.unison))


# -- noise and envelope -----------------------------------------------------------------------------------------


@cache
def _noise_source() -> Tensor:
    """White noise, uniform in [-1, 1), always the same, written twice over: every note reads it from its own place."""
    generator = torch.Generator().manual_seed(20_180_521)
    return (torch.rand(NOISE_SAMPLES, generator=generator) * 2 - 1).repeat(2)


def white_noise(key: Tensor, samples: int) -> Tensor:
    """(B, samples) of noise, uniform in [-1, 1), from a place that the key decides; it repeats after six seconds."""
    source = _noise_source().repeat(max(1, math.ceil(samples / NOISE_SAMPLES)))
    starts = (key * 40_503 + (key >> 8) * 7_919) % NOISE_SAMPLES
    return torch.stack([source[start : start + samples] for start in starts.tolist()])


def band(centre: float | Tensor, width: float | Tensor, sample_rate: int) -> Tensor:
    """Magnitudes (..., 65) of a bell around `centre` Hz, `width` octaves at 1/e, of mean power 1."""
    nyquist = sample_rate / 2
    hz = torch.linspace(0, nyquist, NOISE_BANDS).clamp(min=nyquist / (4 * NOISE_BANDS))
    shape = torch.exp(-0.5 * (torch.log2(hz / torch.as_tensor(centre)) / torch.as_tensor(width)) ** 2) + 1e-4
    return shape / torch.sqrt(torch.mean(shape**2, dim=-1, keepdim=True))


def breath(voice: Voice, notes: Notes, time: Tensor, hop: int, sample_rate: int) -> Tensor | None:
    """Steady and striking noise of each note, (B, m) with m no more than is heard; None for a voice without."""
    steady, strike = math.exp(DECIBEL * voice.breath), math.exp(DECIBEL * voice.strike)
    if voice.breath <= -100:
        if voice.strike <= -100:
            return None
        time = time[: math.ceil(1.2 * voice.strike_time * sample_rate / hop) + 1]
    curve = strike * torch.exp(-SILENCE / voice.strike_time * time) + steady * (time / voice.attack).clamp(max=1)
    if voice.decay > 0 and voice.breath > -100:
        curve = curve * torch.exp(-SILENCE / voice.decay * time)
    # Uniform noise has the power 1/3, a tone 1/2.
    curve = curve * math.sqrt(1.5) * torch.exp2(2 * (notes.velocity[:, None] - 1))
    magnitudes = curve[..., None] * band(voice.noise_centre, voice.noise_width, sample_rate)
    return dsp.filtered_noise(white_noise(notes.key, len(time) * hop), magnitudes, hop)


def envelope(voice: Voice, notes: Notes, total: Tensor, samples: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    """The rise of each note and its fall after the key is let go, each (B, samples)."""
    time = torch.arange(samples, dtype=notes.length.dtype) / sample_rate
    attack = voice.attack * (1.3 - 0.5 * notes.velocity)
    attack = torch.minimum(attack, (0.6 * notes.length).clamp(min=0.004)).clamp(min=1e-4)[:, None]
    rise = 0.5 - 0.5 * torch.cos(math.pi * (time / attack).clamp(max=1))
    after = (time - notes.length[:, None]).clamp(min=0)
    fall = torch.exp(-SILENCE / voice.release * after)
    return rise, fall * ((total[:, None] - time) / END_FADE).clamp(0, 1)
