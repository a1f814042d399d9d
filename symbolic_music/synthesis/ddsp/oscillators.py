"""The oscillators of a batch of notes: steady partials, moving harmonics, moving stretched partials.

B notes, F frames, K partials. All take amplitudes (B, F, K) at frames and give samples (B, (F - 1) * hop).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp.partials import DECIBEL, hertz, partial_count, ratios
from symbolic_music.synthesis.ddsp.presets import Voice

# Frames whose wavetables are held at once: they stay in a processor's second cache.
TABLE_FRAMES = 512
# Samples of a wavetable for each partial.
TABLE_SIZE = 8
# Strings that are closer than this (cents) beat so slowly that frames follow the beats.
CLOSE = 2.5
# Semitones of pitches that share wavetables of one size.
REGISTER = 24
# Partials 100 dB under the loudest are left out.
UNHEARD = 1e-5


@dataclass(frozen=True)
class Notes:
    """A batch of notes. `key` identifies notes: it sets their offset in the noise and the phase of their vibrato.

    pitch (B,) in semitones, 69 is A4 at 440 Hz, fractions allowed; velocity (B,) from 0 to 1; length (B,) seconds that
    the key is held; key (B,) int64; bend (B, F) semitones at frames, None when no note is bent; pedal (B,) seconds
    after the onset from which the dampers of all strings are up, infinity for never, None when that is so for all.
    """

    pitch: Tensor
    velocity: Tensor
    length: Tensor
    key: Tensor
    bend: Tensor | None = None
    pedal: Tensor | None = None


def turns(key: Tensor) -> Tensor:
    """Three numbers in [0, 1) for each key, (B, 3), spread evenly (multiples of irrational numbers)."""
    steps = torch.tensor([0.6180339887, 0.7548776662, 0.5698402910], dtype=torch.float64)
    return dsp.wrap(key[:, None].double() * steps).float()


def heard(amplitudes: Tensor) -> int:
    """How many of the partials of (B, F, K) are worth their time: all up to the last that is not 100 dB under."""
    peaks = amplitudes.detach().amax((0, 1))
    loud = torch.nonzero(peaks > UNHEARD * peaks.max())
    return int(loud[-1]) + 1 if len(loud) else 1


# -- pitches that stand -----------------------------------------------------------------------------------------


def steady(
    voice: Voice, notes: Notes, frequencies: Tensor, amplitudes: Tensor, seconds: Tensor, hop: int, sample_rate: int
) -> Tensor:
    """Partials that keep their frequency, (B, n), each string with its own.

    Strings close to each other share the bank of the middle: their beats are in the amplitudes.
    """
    strings = [voice.unison] if max(map(abs, voice.unison)) <= CLOSE else [(cents,) for cents in voice.unison]
    banks = []
    for together in strings:
        bent = [frequencies.double()[:, None] * 2 ** (cents / 1200) for cents in together]
        angles = [dsp.TAU * dsp.wrap(one * seconds[..., None]).to(amplitudes.dtype) for one in bent]
        sines, cosines = (sum(map(wave, angles[1:]), wave(angles[0])) for wave in (torch.sin, torch.cos))
        weights = dsp.stationary_weights(amplitudes * sines, amplitudes * cosines)
        middle = 0.0 if len(together) > 1 else together[0]
        if weights.requires_grad or frequencies.requires_grad:
            basis = dsp.stationary_basis(frequencies * 2 ** (middle / 1200), hop, sample_rate, amplitudes.dtype)
            banks.append((weights @ basis).flatten(1))
        else:
            banks.append(_shared_bank(voice, notes.pitch, middle, weights, amplitudes, hop, sample_rate))
    return sum(banks[1:], banks[0])


def _shared_bank(
    voice: Voice, pitch: Tensor, cents: float, weights: Tensor, amplitudes: Tensor, hop: int, sample_rate: int
) -> Tensor:
    """Weights (B, F - 1, 4 K) times the bases of their pitches, (B, n); neighbours of one pitch in one product."""
    batch, frames, _ = weights.shape
    out = torch.empty(batch, frames, hop, dtype=weights.dtype)
    values, counts = torch.unique_consecutive(pitch, return_counts=True)
    last = 0
    for value, size in zip(values.tolist(), counts.tolist(), strict=True):
        rows = slice(last, last + size)
        last += size
        count = heard(amplitudes[rows])
        basis = _basis(voice, value, cents, hop, sample_rate)[: 4 * count]
        torch.matmul(weights[rows].flatten(0, 1)[:, : 4 * count], basis, out=out[rows].view(-1, hop))
    return out.flatten(1)


@lru_cache(maxsize=160)
def _basis(voice: Voice, pitch: float, cents: float, hop: int, sample_rate: int) -> Tensor:
    at = torch.tensor([pitch])
    count = partial_count(voice, float(hertz(at)), sample_rate)
    frequencies = hertz(at)[:, None] * ratios(voice, at, count) * 2 ** (cents / 1200)
    return dsp.stationary_basis(frequencies[0], hop, sample_rate)


# -- pitches that move ------------------------------------------------------------------------------------------


def pitch_curve(voice: Voice, notes: Notes, time: Tensor, player: int) -> Tensor:
    """Hz at frames, (B, F), with vibrato and bend. Players differ in the phase and rate of their vibrato."""
    turn = turns(notes.key + 17 * player)
    semitones = notes.pitch[:, None].expand(-1, time.shape[1])
    if voice.vibrato:
        ramp = ((time - voice.vibrato_delay) / 0.35).clamp(0, 1)
        rate = voice.vibrato_rate * (0.94 + 0.12 * turn[:, :1])
        semitones = semitones + voice.vibrato / 100 * ramp * torch.sin(dsp.TAU * (rate * time + turn[:, 1:2]))
    if notes.bend is not None:
        missing = max(0, time.shape[1] - notes.bend.shape[1])
        bend = torch.cat([notes.bend, notes.bend[:, -1:].expand(-1, missing)], 1)
        semitones = semitones + bend[:, : time.shape[1]]
    return hertz(semitones + voice.unison[player] / 100)


def first_phases(notes: Notes, f0: list[Tensor]) -> Tensor:
    """Cycles at the first frame, (B, players): the first player begins at 0, the others anywhere."""
    begin = [torch.zeros(len(notes.key), dtype=torch.float64)]
    begin += [turns(notes.key + 5 * player)[:, 0].double() for player in range(1, len(f0))]
    return torch.stack(begin, dim=1)


def moving_harmonics(
    voice: Voice, notes: Notes, amplitudes: Tensor, f0: list[Tensor], phases: list[Tensor], hop: int, sample_rate: int
) -> Tensor:
    """Harmonics of pitches that move, (B, n), from wavetables: all players read the same."""
    count = heard(amplitudes)
    amplitudes = amplitudes[..., :count]
    highest = torch.stack(f0).amax(0)
    if float(highest.detach().max()) * count >= sample_rate / 2:
        harmonics = torch.arange(1, count + 1, dtype=amplitudes.dtype)
        amplitudes = dsp.remove_above_nyquist(highest[..., None] * harmonics, amplitudes, sample_rate)
    size = _table_size(voice, notes, sample_rate)
    return _from_tables(lambda some: dsp.wavetables(amplitudes[:, some], size), f0, phases, hop, sample_rate)


def blooming_harmonics(
    voice: Voice,
    notes: Notes,
    start: Tensor,
    gain: Tensor,
    time: Tensor,
    f0: list[Tensor],
    phases: list[Tensor],
    hop: int,
    sample_rate: int,
) -> Tensor:
    """`moving_harmonics` of a voice that sustains, from partials (B, K) at the onset and a gain (B, F) at times (B, F).

    The spectrum depends on one number alone, exp(-t / bloom_time). So the waves of all frames are polynomials in it
    (Chebyshev's, to 100 dB under the level without bloom), and a frame costs a few products of waves. Partials that
    the vibrato takes to half the sample rate are silent.
    """
    count = heard(start[:, None])
    harmonics = torch.arange(1, count + 1, dtype=start.dtype)
    top = hertz(notes.pitch + (voice.vibrato + max(voice.unison)) / 100)
    start = dsp.remove_above_nyquist(top[:, None] * harmonics, start[:, :count], sample_rate)
    knots = bloom_terms(voice, count)
    angle = (torch.arange(knots, dtype=torch.float64) + 0.5) * (math.pi / knots)
    terms = torch.cos(torch.arange(knots)[:, None] * angle) * (2 / knots)
    terms[0] /= 2
    opened = (-DECIBEL * voice.bloom) * torch.log2(harmonics) * (0.5 + 0.5 * torch.cos(angle)[:, None])
    shapes = terms.to(start.dtype) @ torch.exp(opened).to(start.dtype)
    waves = dsp.wavetables(start[:, None] * shapes, _table_size(voice, notes, sample_rate))
    weights = gain[..., None]
    if knots > 1:
        place = torch.acos((2 * torch.exp(-time.clamp(min=0) / voice.bloom_time) - 1).clamp(-1, 1))
        weights = weights * torch.cos(place[..., None] * torch.arange(knots, dtype=start.dtype))
    return _from_tables(lambda some: weights[:, some] @ waves, f0, phases, hop, sample_rate)


def bloom_terms(voice: Voice, count: int) -> int:
    """How many terms a bloom of `count` partials takes: the first number whose error is under UNHEARD."""
    reach = DECIBEL * voice.bloom * math.log2(count) if voice.bloom else 0.0
    terms, error = 1, reach / 2
    while error > UNHEARD:
        # Chebyshev interpolation of exp(-reach x), 0 <= x <= 1: at most 2 (reach / 4)^n / n!.
        terms += 1
        error *= reach / 4 / terms
    return terms


def _table_size(voice: Voice, notes: Notes, sample_rate: int) -> int:
    """Samples of a wavetable: not from the amplitudes' own number, so that a note has the same in any batch."""
    lowest = float(REGISTER * math.floor(float(notes.pitch.detach().min()) / REGISTER))
    return TABLE_SIZE * max(4, partial_count(voice, float(hertz(torch.tensor(lowest))), sample_rate))


def _from_tables(
    tables_of: Callable[[slice], Tensor], f0: list[Tensor], phases: list[Tensor], hop: int, sample_rate: int
) -> Tensor:
    """All players (B, n) from the tables of some frames at a time."""
    batch, frames = f0[0].shape
    pieces = []
    step = max(1, TABLE_FRAMES // batch)
    for first in range(0, frames - 1, step):
        some = slice(first, min(first + step, frames - 1) + 1)
        tables = tables_of(some)
        waves = [
            dsp.read_wavetables(tables, dsp.phase_between_frames(one[:, some], curve[:, some], hop, sample_rate), hop)
            for one, curve in zip(phases, f0, strict=True)
        ]
        pieces.append(sum(waves[1:], waves[0]))
    return torch.cat(pieces, dim=1)


def moving_partials(
    voice: Voice, notes: Notes, amplitudes: Tensor, f0: list[Tensor], phases: list[Tensor], hop: int, sample_rate: int
) -> Tensor:
    """Stretched partials under a pitch that moves, (B, n): the exact and slow way, one partial at a time."""
    over = ratios(voice, notes.pitch, amplitudes.shape[2])
    out = torch.zeros(())
    for k in range(amplitudes.shape[2]):
        loud = dsp.upsample_amplitudes(amplitudes[..., k : k + 1], hop)[..., 0]
        for phase, curve in zip(phases, f0, strict=True):
            ratio = over[:, k : k + 1]
            turns = dsp.phase_between_frames(phase * ratio, curve * ratio, hop, sample_rate)
            audible = dsp.remove_above_nyquist(dsp.upsample_linear(curve * ratio, hop), loud, sample_rate)
            out = out + audible * torch.sin(dsp.TAU * turns)
    return out
