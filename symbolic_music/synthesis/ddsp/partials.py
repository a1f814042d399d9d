"""Partials of a voice: frequencies, levels and envelopes. Differentiable.

B notes, F frames, K partials. The stretched partials of strings follow Renault, Mignot and Roebel, "Differentiable
Piano Model for MIDI-to-Audio Performance Synthesis" (2022).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.measured_partials import measured
from symbolic_music.synthesis.ddsp.presets import Voice

SILENCE = math.log(1000.0)  # 60 dB as a natural logarithm of amplitude
DECIBEL = math.log(10.0) / 20
# Strings that sound along with a note while the pedal is down; set by hand, so that decays grow as Lehtonen et al. 2007
# find: how much louder they are where partials coincide, seconds of their rise, their share of the slow rate, and the
# register in which this is so, in semitones.
NO_SYMPATHY = -100.0
_COINCIDENT, _SYMPATHY_RISE, _SYMPATHY_RATE = 18.0, 0.15, 0.75
_SYMPATHY_PITCH, _SYMPATHY_WIDTH = 62.0, 9.0


def hertz(pitch: Tensor) -> Tensor:
    """Frequency of a pitch in semitones; 69 is 440 Hz."""
    return 440.0 * torch.exp2((pitch - 69.0) / 12.0)


def silence_time(voice: Voice, pitch: Tensor) -> Tensor:
    """Seconds in which the first partial of a held note falls by 60 dB; infinite for a voice that sustains."""
    if voice.decay <= 0:
        return torch.full_like(pitch, math.inf)
    return voice.decay * torch.exp2(-(pitch - 57.0) / 12.0 * voice.decay_pitch)


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


def ear_weight(frequencies: Tensor) -> Tensor:
    """Half of the A-weighting in dB (IEC 61672), as amplitude: between power and loudness, kind to basses."""
    square = frequencies**2
    weight = (12194.0**2 * square**2) / (
        (square + 20.6**2) * torch.sqrt((square + 107.7**2) * (square + 737.9**2)) * (square + 12194.0**2)
    )
    return torch.sqrt(weight * 1.2589).clamp(min=0.1)


def levels(voice: Voice, pitch: Tensor, velocity: Tensor, frequencies: Tensor) -> Tensor:
    """Levels of the partials in dB, (B, K), at the onset of a note and before its loudness is set."""
    count = frequencies.shape[1]
    octave = torch.log2(frequencies / hertz(pitch)[:, None])
    k = torch.arange(1, count + 1)
    if voice.measured:
        table = measured(voice.measured)
        level = table.at(table.levels, pitch, count)
        return level + voice.brightness * (velocity[:, None] - voice.measured_at) * octave.clamp(min=0)
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


def spectrum(voice: Voice, pitch: Tensor, velocity: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Frequencies in Hz and amplitudes of the partials at the onset, each (B, K), of weighted power 1/2.

    A measured voice that decays has its own loudness over the registers: that power is its middle C's.
    """
    f0 = hertz(pitch)
    count = partial_count(voice, float(f0.detach().min()), sample_rate)
    frequencies = f0[:, None] * ratios(voice, pitch, count)
    level = levels(voice, pitch, velocity, frequencies)
    start = dsp.remove_above_nyquist(frequencies, torch.exp(DECIBEL * level), sample_rate)
    power = torch.sum((start * ear_weight(frequencies)) ** 2, dim=1, keepdim=True)
    start = start / torch.sqrt(power.clamp(min=1e-18))
    return frequencies, start * register(voice, pitch, frequencies) if voice.measured and voice.decay else start


def register(voice: Voice, pitch: Tensor, frequencies: Tensor) -> Tensor:
    """How loud a measured voice is beside its middle C, a factor (B, 1), by weighted amplitudes."""
    table = measured(voice.measured)
    middle = torch.full_like(pitch[:1], 60.0)
    of_middle = hertz(middle)[:, None] * ratios(voice, middle, voice.partials)
    found = []
    for at, hz in ((pitch, frequencies), (middle, of_middle)):
        level = torch.exp(DECIBEL * table.at(table.levels, at, hz.shape[1]))
        found.append(torch.sum((level * ear_weight(hz)) ** 2, dim=1, keepdim=True))
    return torch.sqrt(found[0] / found[1])


def course(voice: Voice, pitch: Tensor, frequencies: Tensor, time: Tensor, pedal: Tensor | None = None) -> Tensor:
    """The envelope of each partial after the onset, a factor (B, F, K) at times (B, F): bloom and decay.

    (B, 1, 1) for a voice whose spectrum stays. `pedal` is that of `Notes`.
    """
    after = time.clamp(min=0)[..., None]
    if voice.measured and voice.decay > 0:
        return coupled(voice, pitch, frequencies.shape[1], after, pedal)
    exponent = torch.zeros(1, 1, 1, dtype=time.dtype)
    if voice.bloom:
        octave = torch.log2(frequencies / hertz(pitch)[:, None]).clamp(min=0)
        exponent = (-DECIBEL * voice.bloom * octave)[:, None] * torch.exp(-after / voice.bloom_time)
    if voice.decay > 0:
        rate = SILENCE / silence_time(voice, pitch)
        rates = rate[:, None] * (1 + voice.damping * frequencies / 1000.0)
        if voice.aftersound:
            third = torch.exp(-rates[:, None] / 3 * after)
            fading = third * ((1 - voice.aftersound) * third * third + voice.aftersound)
            return fading * torch.exp(exponent) if voice.bloom else fading
        exponent = exponent - rates[:, None] * after
    return torch.exp(exponent)


def coupled(voice: Voice, pitch: Tensor, count: int, after: Tensor, pedal: Tensor | None = None) -> Tensor:
    """The decay of a measured voice at seconds (B, F, 1): two exponentials whose powers add, (B, F, K).

    While the pedal is down, other strings that have a partial of the same frequency sound along: a third part, which
    rises from then on and falls more slowly. In the middle of the keyboard alone: Lehtonen et al. 2007 measure longer
    decays there and none in bass and treble (low partials meet few strings, high ones strings that die at once).
    """
    table = measured(voice.measured)
    fast, slow, share = (table.at(t, pitch, count)[:, None] for t in (table.fast, table.slow, table.share))
    part = torch.exp(2 * DECIBEL * share)

    def fading(seconds: Tensor) -> Tensor:
        return (1 - part) * torch.exp(-2 * DECIBEL * fast * seconds) + part * torch.exp(-2 * DECIBEL * slow * seconds)

    found = fading(after)
    if pedal is not None and voice.sympathy > NO_SYMPATHY:
        is_down = torch.isfinite(pedal)
        begin = torch.where(is_down, pedal, 0.0)[:, None, None]
        since = (after - begin).clamp(min=0)
        rise = torch.square(1 - torch.exp(-since / _SYMPATHY_RISE))
        place = torch.exp(-0.5 * torch.square((pitch - _SYMPATHY_PITCH) / _SYMPATHY_WIDTH)) * is_down
        gain = math.exp(2 * DECIBEL * (voice.sympathy + _COINCIDENT)) * place[:, None, None]
        slower = torch.exp(-2 * DECIBEL * _SYMPATHY_RATE * slow * since)
        found = found + gain * fading(begin) * rise * slower
    return torch.sqrt(found.clamp(min=1e-24))


def early_rate(voice: Voice, pitch: Tensor) -> Tensor:
    """dB a second by which the loudness of a measured voice that decays falls after the onset, (B,)."""
    table = measured(voice.measured)
    levels, fast = (table.at(t, pitch, voice.partials) for t in (table.levels, table.fast))
    weight = (
        torch.exp(2 * DECIBEL * levels) * ear_weight(hertz(pitch)[:, None] * ratios(voice, pitch, voice.partials)) ** 2
    )
    return torch.sum(weight * fast, dim=1) / torch.sum(weight, dim=1)
