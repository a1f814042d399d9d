"""Render a batch of notes of one voice. Differentiable in all parameters of a note.

A note becomes control curves (amplitudes of partials, levels of noise) at frames counted from its onset, and these
drive the oscillators of `dsp`. A segment of a note needs nothing but its first frame and, where the pitch moves, the
phase that it begins at: so a note can be played piece by piece. The scheme is DDSP's harmonics plus filtered noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.ddsp import noise, oscillators, sympathetic_resonance
from symbolic_music.synthesis.ddsp.oscillators import Notes, turns
from symbolic_music.synthesis.ddsp.partials import (
    DECIBEL,
    SILENCE,
    course,
    hertz,
    partial_count,
    silence_time,
    spectrum,
)
from symbolic_music.synthesis.ddsp.presets import Voice

CONTROL_RATE = 44100 / 256
END_FADE = 0.004


def hop_size(sample_rate: int, control_rate: float = CONTROL_RATE) -> int:
    """Samples between control frames, 5.8 ms by default: 256 at 44.1 kHz. Even."""
    return max(2, 2 * round(sample_rate / control_rate / 2))


def sounding_time(voice: Voice, notes: Notes) -> Tensor:
    """Seconds from the onset of each note until it is inaudible, (B,)."""
    own = silence_time(voice, notes.pitch) * (2.8 if voice.aftersound else 1.2)
    return torch.minimum(notes.length + 1.1 * voice.release, own + voice.attack) + END_FADE


def attack_hops(voice: Voice, hop: int, sample_rate: int) -> int:
    """How many frames the first segment of a note needs at least: a fast attack lies within it."""
    return math.ceil(1.3 * voice.attack * sample_rate / hop) + 1 if _is_sharp(voice, hop, sample_rate) else 1


def sound(voice: Voice, notes: Notes, sample_rate: int, control_rate: float = CONTROL_RATE) -> Tensor:
    """The samples of each note from its onset on: (B, n), n being what the longest of the batch needs.

    A tone at velocity 1 has a weighted power of 1/2 and `voice.level` dB. Nothing here depends on the other notes of
    the batch but n.
    """
    hop = hop_size(sample_rate, control_rate)
    seconds = sounding_time(voice, notes)
    hops = max(attack_hops(voice, hop, sample_rate), math.ceil(float(seconds.detach().max()) * sample_rate / hop))
    return segment(voice, notes, torch.zeros_like(notes.key), hops, hop, sample_rate)[0]


def segment(
    voice: Voice,
    notes: Notes,
    first: Tensor,
    hops: int,
    hop: int,
    sample_rate: int,
    phase: Tensor | None = None,
    spectra: Sequence[Tensor] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """A piece of each note: `hops` frames from its frame `first` (B,) on.

    Args:
        voice: what plays.
        notes: which notes; their bends begin at `first`.
        first: (B,) int64; 0 is the onset.
        hops: how many frames; at least `attack_hops` in the piece that begins a note.
        hop: samples between frames.
        sample_rate: Hz.
        phase: what the piece before gave back, None for the first piece and for voices whose pitch stands.
        spectra: `spectrum` of these notes, or of them among others; computed here when omitted.

    Returns:
        Samples (B, hops * hop), and the phase (B, players) of the next piece where the pitch moves.
    """
    kind = notes.pitch.dtype
    # In float64, so that a frame has the same time whatever piece it is in.
    seconds = (first[:, None] + torch.arange(hops + 1)) * (hop / sample_rate)
    time = seconds.to(kind)
    level = _level(voice, notes, time)
    sharp = _is_sharp(voice, hop, sample_rate)
    gain = level * _movement(voice, notes, time) / math.sqrt(len(voice.unison))
    if not sharp:
        gain = gain * _rise(voice, notes, time)
    if spectra is None:
        spectra = spectrum(voice, notes.pitch, notes.velocity, sample_rate)
    count = partial_count(voice, float(hertz(notes.pitch.detach().min())), sample_rate)
    frequencies, start = (one[:, :count] for one in spectra)
    moves = voice.vibrato > 0 or notes.bend is not None
    stretched = bool(voice.ratios or voice.inharmonicity)
    blooms = moves and notes.bend is None and voice.decay <= 0 and not stretched
    if not blooms:
        amplitudes = start[:, None] * (course(voice, notes.pitch, frequencies, time, notes.pedal) * gain[..., None])
    if not moves:
        tone = oscillators.steady(voice, notes, frequencies, amplitudes, seconds, hop, sample_rate)
    else:
        f0 = [oscillators.pitch_curve(voice, notes, time, player) for player in range(len(voice.unison))]
        begin = oscillators.first_phases(notes, f0) if phase is None else phase
        phases = [begin[:, i, None] + dsp.cycles_at_frames(curve, hop, sample_rate) for i, curve in enumerate(f0)]
        if blooms:
            tone = oscillators.blooming_harmonics(voice, notes, start, gain, time, f0, phases, hop, sample_rate)
        else:
            play = oscillators.moving_partials if stretched else oscillators.moving_harmonics
            tone = play(voice, notes, amplitudes, f0, phases, hop, sample_rate)
        phase = torch.stack([one[:, -1] for one in phases], dim=1)
    if sharp:
        samples = min(tone.shape[1], math.ceil(1.3 * voice.attack * sample_rate) + hop)
        at = torch.arange(samples, dtype=kind) / sample_rate
        tone[:, :samples] *= _rise(voice, notes, time[:, :1] + at)
    frames = noise.audible_frames(voice, int(first.min()), hops + 1, hop, sample_rate)
    if frames > 1:
        loud = level[:, :frames] * noise.breath_level(voice, notes.velocity, time[:, :frames])
        hiss = noise.breath(voice, notes.key, first, loud, hop, sample_rate)
        tone[:, : hiss.shape[1]] += hiss
    frames = sympathetic_resonance.audible_frames(voice, notes.pedal, int(first.min()), hops + 1, hop, sample_rate)
    if frames > 1 and notes.pedal is not None:
        strings = sympathetic_resonance.ringing(voice, notes.pedal, first, level[:, :frames], hop, sample_rate)
        tone[:, : strings.shape[1]] += strings
    return tone, phase


def _is_sharp(voice: Voice, hop: int, sample_rate: int) -> bool:
    """Whether the attack is too fast for frames to follow."""
    return voice.attack < 3 * hop / sample_rate


def _rise(voice: Voice, notes: Notes, time: Tensor) -> Tensor:
    """The attack at times (B, n), from 0 to 1."""
    attack = voice.attack * (1.3 - 0.5 * notes.velocity)
    attack = torch.minimum(attack, (0.6 * notes.length).clamp(min=0.004)).clamp(min=1e-4)[:, None]
    return 0.5 - 0.5 * torch.cos(math.pi * (time / attack).clamp(0, 1))


def _level(voice: Voice, notes: Notes, time: Tensor) -> Tensor:
    """The loudness of each note and its fall after the key is let go, at frames (B, F); 0 from its end on."""
    fall = torch.exp(-SILENCE / voice.release * (time - notes.length[:, None]).clamp(min=0))
    end = ((sounding_time(voice, notes)[:, None] - time) / END_FADE).clamp(0, 1)
    return fall * end * (torch.square(notes.velocity) * math.exp(DECIBEL * voice.level))[:, None]


def _movement(voice: Voice, notes: Notes, time: Tensor) -> Tensor:
    """Tremolo and slow wandering as a factor, (B, F)."""
    turn = turns(notes.key)
    wander = torch.sin(dsp.TAU * (0.71 * time + turn[:, :1])) + torch.sin(dsp.TAU * (1.93 * time + turn[:, 1:2]))
    level = 0.5 * voice.drift * wander
    if voice.tremolo:
        level = level + voice.tremolo * torch.sin(dsp.TAU * (voice.tremolo_rate * time + turn[:, 2:]))
    return torch.exp(DECIBEL * level)
