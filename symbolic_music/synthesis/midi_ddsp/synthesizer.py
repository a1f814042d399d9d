"""Render notes with six controls by trained voices. Differentiable in pitch and controls.

B notes, F frames, n samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.analysis.harmonics import BANDS, RATE
from symbolic_music.synthesis.analysis.notes import TAIL_SECONDS
from symbolic_music.synthesis.ddsp.partials import hertz
from symbolic_music.synthesis.midi_ddsp.networks import Frames
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, TrainedVoice

CONTROL_RATE = RATE / 256
# The controls of a struck note are those of its first seconds: it dies away however long it is held.
STRUCK_SECONDS = 3.0
DAMPER_SECONDS = 0.28  # until a struck string that is let go is silent
END_FADE, TIED_RISE = 0.004, 0.012
VIBRATO_MEASURE = 0.375  # what `features.vibrato` finds of a sine of depth 1
_WANDER = (0.9, 2.3, 4.7)  # Hz
LEAST_WANDER = 0.3  # dB
_TABLE_FRAMES = 128


@dataclass(frozen=True)
class Played:
    """A batch of notes of one voice.

    pitch (B,) semitones; length (B,) seconds held; controls (B, 6); key (B,) int64 places noise and vibrato;
    skip (B,) seconds of the attack that a note tied to the one before leaves out; tail (B,) seconds in which a note
    dies away; bend (B, F) semitones at frames, or None.
    """

    pitch: Tensor
    length: Tensor
    controls: Tensor
    key: Tensor
    skip: Tensor
    tail: Tensor
    bend: Tensor | None = None


def sounding_time(voice: TrainedVoice, length: Tensor, tail: Tensor) -> Tensor:
    """Seconds from the onset until silence, (B,)."""
    return length + torch.minimum(tail, torch.full_like(tail, DAMPER_SECONDS if voice.struck else TAIL_SECONDS))


def control_frames(voices: NeuralVoices, number: int, notes: Played, times: Tensor) -> tuple[Frames, Tensor]:
    """Frame-wise controls of notes of one voice, with volume and fluctuation as requested, and f0 (B, F) in Hz.

    Args:
        voices: the bank.
        number: of the voice.
        notes: what to play.
        times: (F,) seconds since the onset.
    """
    voice = voices.voices[number]
    who = torch.full(notes.pitch.shape, number, dtype=torch.int64)
    struck = torch.full(notes.pitch.shape, voice.struck)
    since = times[None] + notes.skip[:, None]
    shown = notes.pitch.clamp(voice.lowest - 2, voice.highest + 2)
    held = notes.length + notes.skip
    frames = voices.networks.synthesis(who, shown, held, notes.controls, since, struck)
    known = notes.length.clamp(max=STRUCK_SECONDS) if voice.struck else notes.length
    seen = times[None] < known[:, None]
    usual = voices.networks.expression(who, shown, known)[:, 1:2]
    level = _settled(frames.level, seen, notes, times, usual, voice.struck)
    noise = frames.noise + notes.controls[:, :1, None]
    semitones = notes.pitch[:, None] + frames.deviation + _vibrato(voice, notes, times)
    if voice.struck:
        damped = 60 / DAMPER_SECONDS * (times[None] - notes.length[:, None]).clamp(min=0)
        level, noise = level - damped, noise - damped[..., None]
        semitones = notes.pitch[:, None].expand(-1, len(times))
    if notes.bend is not None:
        semitones = semitones + notes.bend
    return Frames(level, frames.deviation, frames.partials, noise), hertz(semitones)


def _settled(level: Tensor, seen: Tensor, notes: Played, times: Tensor, usual: Tensor, struck: bool) -> Tensor:
    """Level in dB whose mean over the frames seen is the volume, and whose spread there is near the fluctuation.

    The network predicts the usual course of a note; fluctuation above the usual one (B, 1) is added as slow drift, a
    little of which is always present.
    """
    count = seen.sum(1, keepdim=True).clamp(min=1)
    moved = level - (level * seen).sum(1, keepdim=True) / count
    spread = torch.sqrt(((moved * seen) ** 2).sum(1, keepdim=True) / count).clamp(min=1e-3)
    wanted = notes.controls[:, 1:2]
    moved = moved * (wanted / spread).clamp(0.5, 1.5 if struck else 1.0)
    if not struck:
        turn = _turns(notes.key, len(_WANDER))[..., None]
        rate = torch.tensor(_WANDER)[:, None]
        wander = torch.sin(dsp.TAU * (rate * times + turn)).sum(1) * math.sqrt(2 / len(_WANDER))
        moved = moved + wander * torch.sqrt(
            (wanted**2 - torch.maximum(spread, usual) ** 2).clamp(min=LEAST_WANDER**2, max=25.0)
        )
    moved = moved - (moved * seen).sum(1, keepdim=True) / count
    return notes.controls[:, :1] + moved


def _vibrato(voice: TrainedVoice, notes: Played, times: Tensor) -> Tensor:
    """Semitones at frames, (B, F): a sine that begins a little after the note."""
    turn = _turns(notes.key, 2)
    delay = (0.25 * notes.length).clamp(max=0.2)[:, None]
    ramp = ((times - delay) / (delay + 0.05)).clamp(0, 1)
    rate = voice.vibrato_rate * (0.95 + 0.1 * turn[:, :1])
    return notes.controls[:, 2:3] / VIBRATO_MEASURE * ramp * torch.sin(dsp.TAU * (rate * times + turn[:, 1:]))


def _turns(key: Tensor, count: int) -> Tensor:
    """Numbers in [0, 1) for each key, (B, count)."""
    steps = torch.sqrt(torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0], dtype=torch.float64))[:count]
    return dsp.wrap(key[:, None].double() * steps).float()


def sound(voices: NeuralVoices, number: int, notes: Played, sample_rate: int, hop: int) -> Tensor:
    """The samples of each note from its onset on, (B, n), n being what the longest needs.

    Nothing depends on the other notes of the batch but n.

    Args:
        voices: the bank.
        number: of the voice.
        notes: what to play.
        sample_rate: Hz.
        hop: samples between frames, even.
    """
    voice = voices.voices[number]
    total = sounding_time(voice, notes.length, notes.tail)
    count = max(2, math.ceil(float(total.detach().max()) * sample_rate / hop) + 1)
    if notes.bend is not None:
        missing = max(0, count - notes.bend.shape[1])
        bend = torch.nn.functional.pad(notes.bend, (0, missing), mode="replicate")[:, :count]
        notes = Played(notes.pitch, notes.length, notes.controls, notes.key, notes.skip, notes.tail, bend)
    frames, f0 = control_frames(voices, number, notes, torch.arange(count) * (hop / sample_rate))
    tone = harmonic_sound(frames, f0, voice, notes.pitch, sample_rate, hop)
    source = torch.stack([_noise(int(key), count * hop) for key in notes.key.tolist()])
    tone = tone + noise_sound(frames.noise, source, sample_rate, hop)[:, : tone.shape[1]]
    time = torch.arange(tone.shape[1]) / sample_rate
    left = (total[:, None] - time).clamp(min=0)
    fade = (total - notes.length).clamp(min=END_FADE)[:, None]
    # A tied note has no attack of its own, and must not click either.
    rising = torch.where(notes.skip[:, None] > 0, time / TIED_RISE, torch.ones_like(time))
    gain = torch.minimum(left / fade, rising)
    return tone * (0.5 - 0.5 * torch.cos(math.pi * gain.clamp(max=1)))


def harmonic_sound(
    frames: Frames, f0: Tensor, voice: TrainedVoice, pitch: Tensor, sample_rate: int, hop: int
) -> Tensor:
    """The tone of frames at f0 (B, F) Hz: (B, (F - 1) * hop)."""
    lowest = float(f0.detach().min())
    count = max(1, min(frames.partials.shape[-1], math.ceil(sample_rate / 2 / lowest)))
    ratios = stretch(voice, pitch, count)
    shares = torch.pow(10.0, frames.partials[..., :count] / 20)
    # Equal pitches may differ in their last bit, by the place that they had in a processor's vector.
    steady = bool(((f0 - f0[:, :1]).abs() < 1e-6 * f0).all())
    shares = dsp.remove_above_nyquist((f0[:, :1] if steady else f0)[..., None] * ratios[:, None], shares, sample_rate)
    shares = shares / shares.sum(-1, keepdim=True).clamp(min=1e-6)
    amplitudes = shares * torch.pow(10.0, frames.level / 20)[..., None]
    if voice.stiffness is not None:
        if steady:
            return dsp.stationary_bank(f0[:, :1] * ratios, amplitudes, hop, sample_rate)
        curves = dsp.upsample_amplitudes(amplitudes, hop)
        return dsp.harmonic_bank(dsp.upsample_linear(f0, hop), curves, sample_rate, ratios)
    size = 1 << max(6, math.ceil(math.log2(16 * count)))
    passed = dsp.cycles_at_frames(f0, hop, sample_rate)
    step, pieces = max(1, _TABLE_FRAMES // len(f0)), []
    for first in range(0, f0.shape[1] - 1, step):
        some = slice(first, min(first + step, f0.shape[1] - 1) + 1)
        phase = dsp.phase_between_frames(passed[:, some], f0[:, some], hop, sample_rate)
        pieces.append(dsp.read_wavetables(dsp.wavetables(amplitudes[:, some], size), phase, hop))
    return torch.cat(pieces, dim=1)


def noise_sound(decibels: Tensor, source: Tensor, sample_rate: int, hop: int) -> Tensor:
    """The noise of frames (B, F, M) from white noise (B, F * hop) in [-1, 1): (B, F * hop)."""
    bands = torch.linspace(0, sample_rate / 2, BANDS, device=decibels.device)
    at = bands / (RATE / 2) * (BANDS - 1)
    low = at.floor().clamp(max=BANDS - 2).long()
    part = (at - low).clamp(max=1.0)
    shown = decibels[..., low] * (1 - part) + decibels[..., low + 1] * part
    # The same power a hertz at any sample rate; nothing is known above half of 44.1 kHz.
    gain = math.sqrt(sample_rate / RATE) * (at <= BANDS - 1)
    return dsp.filtered_noise(source, torch.pow(10.0, shown / 20) * gain, hop)


def stretch(voice: TrainedVoice, pitch: Tensor, count: int) -> Tensor:
    """Frequencies of the partials over the pitch, (B, K)."""
    number = torch.arange(1, count + 1, dtype=pitch.dtype, device=pitch.device)
    if voice.stiffness is None:
        return number.expand(len(pitch), -1)
    stiff = torch.exp(voice.stiffness[0] + voice.stiffness[1] * (pitch - 57) / 12)[:, None]
    return number * torch.sqrt((1 + stiff * number**2) / (1 + stiff))


def _noise(key: int, samples: int) -> Tensor:
    """White noise, uniform in [-1, 1), that the key decides."""
    return torch.rand(samples, generator=torch.Generator().manual_seed(key)) * 2 - 1
