"""Fit notes to a recording by gradient descent through the synthesizer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symbolic_music.deprecation import warn_of_old_name
from symbolic_music.errors import AudioError, EmptyScoreError, OptionError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.synthesis import dsp
from symbolic_music.synthesis.audio import Audio
from symbolic_music.synthesis.ddsp.note import sound
from symbolic_music.synthesis.ddsp.oscillators import Notes
from symbolic_music.synthesis.ddsp.presets import PROGRAMS
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing.pan_and_reverb import room

# Adam's first steps: seconds, velocity (of 1), semitones, and the gain's in natural logarithms. All fall to nothing.
STEP_ONSET, STEP_VELOCITY, STEP_PITCH, STEP_GAIN = 0.0025, 0.02, 0.02, 0.05
# How far an onset may go from where the score has it, and a pitch: seconds and semitones.
REACH_ONSET, REACH_PITCH = 0.1, 0.7
# Windows and hop of the spectra that are compared, in seconds.
WINDOWS, HOP = (0.128, 0.064, 0.032), 0.004


@dataclass(frozen=True)
class FittedNotes:
    """The result of `fit_notes` for each note of the score, in its order, (notes,).

    Velocity from 0 to 127, with fractions; pitch in semitones, 69 being A4 at 440 Hz; gain in dB; loss before each
    step.

    Examples:
        >>> notes = [(0, 480, 69, 80, 73), (480, 480, 72, 80, 73)]
        >>> phrase = sm.Score(notes=sm.score.note_table(notes))
        >>> heard = sm.render(phrase, sample_rate=8000, reverb=0.0, gain=-6.0)
        >>> found = sm.synthesis.fit_notes(phrase, heard, gain=-6.0, steps=3)
        >>> found.velocity.shape, len(found.loss)
        ((2,), 3)
    """

    onset_seconds: NDArray[np.float64]
    velocity: NDArray[np.float64]
    pitch: NDArray[np.float64]
    gain: float
    loss: tuple[float, ...]

    @property
    def onset(self) -> NDArray[np.float64]:
        """The old name of `onset_seconds`."""
        warn_of_old_name("FittedNotes.onset", "onset_seconds")
        return self.onset_seconds


def fit_notes(
    score: Score, audio: Audio, *, gain: float | None = None, reverb: float = 0.0, steps: int = 80, seed: int = 0
) -> FittedNotes:
    """Onsets, velocities and fine pitches with which the bank's voices come nearest to a recording.

    The score says which notes there are, on which instruments and how long; their onsets have to be within some 50 ms
    and their pitches within half a semitone of the truth. Every step plays each note by itself. The powers of their
    spectra are added, shifted in time by fractions of a frame, and compared with those of the recording, as logarithms,
    in three windows: so no onset feels how the partials of two notes beat, which would make a landscape of holes.
    Takes the time and memory of a phrase: clip what is longer.

    Args:
        score: the notes to begin with, of tracks in the middle of the stereo picture.
        audio: the recording; of stereo the mean is taken. The lower its sample rate, the faster.
        gain: dB with which it was rendered; found too when omitted.
        reverb: level of the room with which it was rendered.
        steps: how many steps of descent.
        seed: of the render, for noise and vibrato.

    Raises:
        EmptyScoreError: when there is no note.
        OptionError: when the score has drums, which have no pitch to be fitted, or there are no steps.
        AudioError: when the recording is silent, or not finite.

    Examples:
        >>> notes = [(0, 480, 69, 80, 73), (480, 480, 72, 80, 73)]
        >>> phrase = sm.Score(notes=sm.score.note_table(notes))
        >>> heard = sm.render(phrase, sample_rate=8000, reverb=0.0, gain=-6.0)
        >>> found = sm.synthesis.fit_notes(phrase, heard, gain=-6.0, steps=3)
        >>> found.pitch.round().tolist()
        [69.0, 72.0]
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to fit")
    if np.any(score.instruments == DRUM_INSTRUMENT):
        raise OptionError("drums have no pitch that could be fitted; leave them out of the score")
    if steps < 1:
        raise OptionError(f"steps must be at least 1, not {steps}")
    if not 0 < audio.peak < math.inf:
        raise AudioError("this recording holds no sound, or samples that are no numbers")
    rate = audio.sample_rate
    # In the middle both channels have the sound at 3 dB less.
    mono = torch.from_numpy(audio.samples.mean(axis=0)) * (math.sqrt(2) if len(audio.samples) > 1 else 1)
    sizes = [2 * round(seconds * rate / 2) for seconds in WINDOWS]
    wanted = [_powers(mono[None], size, round(HOP * rate))[0] for size in sizes]
    begin = torch.from_numpy(score.onset_seconds)
    length = torch.from_numpy((controllers.held_until(score) - score.onset_seconds).astype(np.float32))
    moved = torch.zeros(len(score), dtype=torch.float64, requires_grad=True)
    velocity = torch.from_numpy(score.notes["velocity"] / np.float32(127)).clamp(0.02, 1).requires_grad_()
    tuning = torch.zeros(len(score), requires_grad=True)
    loudness = torch.tensor(0.0 if gain is None else gain * math.log(10) / 20, requires_grad=gain is None)
    groups = [{"params": [moved], "lr": STEP_ONSET}, {"params": [velocity], "lr": STEP_VELOCITY},
              {"params": [tuning], "lr": STEP_PITCH}]  # fmt: skip

    def played() -> list[Tensor]:
        waves = _waves(score, velocity, tuning, length, rate, seed, reverb)
        return [
            _together(waves, begin + moved, size, rate, one.shape[1]) for size, one in zip(sizes, wanted, strict=True)
        ]

    if gain is None:
        with torch.no_grad():
            loudness += 0.5 * torch.log(wanted[0].mean() / played()[0].mean().clamp(min=1e-12))
        groups.append({"params": [loudness], "lr": STEP_GAIN})
    descent = torch.optim.Adam(groups, betas=(0.8, 0.95))
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(descent, steps)
    losses = []
    for _ in range(steps):
        descent.zero_grad()
        loss = _distance([torch.exp(2 * loudness) * one for one in played()], wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
        slower.step()
        losses.append(float(loss.detach()))
        with torch.no_grad():
            moved.clamp_(-REACH_ONSET, REACH_ONSET).copy_(torch.maximum(moved, -begin))
            velocity.clamp_(0.01, 1)
            tuning.clamp_(-REACH_PITCH, REACH_PITCH)
    return FittedNotes(
        onset_seconds=(begin + moved.detach()).numpy(),
        velocity=127 * velocity.detach().double().numpy(),
        pitch=score.notes["pitch"] + tuning.detach().double().numpy(),
        gain=float(loudness.detach()) * 20 / math.log(10),
        loss=tuple(losses),
    )


def _waves(
    score: Score, velocity: Tensor, tuning: Tensor, length: Tensor, sample_rate: int, seed: int, reverb: float
) -> Tensor:
    """Each note from its onset on, (notes, n)."""
    waves: list[Tensor] = [torch.zeros(0)] * len(score)
    for instrument in np.unique(score.instruments).tolist():
        own = torch.from_numpy(np.flatnonzero(score.instruments == instrument))
        pitch = torch.from_numpy(score.notes["pitch"].astype(np.float32))[own] + tuning[own]
        notes = Notes(pitch, velocity[own], length[own], own + 1_000_003 * (seed % 2**24))
        for note, wave in zip(own.tolist(), sound(PROGRAMS[instrument], notes, sample_rate), strict=True):
            waves[note] = wave
    longest = max(map(len, waves))
    together = torch.stack([torch.nn.functional.pad(wave, (0, longest - len(wave))) for wave in waves])
    return dsp.reverb(together, reverb * room(sample_rate).mean(0)) if reverb > 0 else together


def _powers(waves: Tensor, size: int, hop: int) -> Tensor:
    """Powers (B, bins, frames) of waves (B, n); frame j is centred on sample j * hop - size / 2."""
    padded = torch.nn.functional.pad(waves, (size, size))
    window = torch.hann_window(size)
    return torch.stft(padded, size, hop, window=window, center=False, return_complex=True).abs().square()


def _together(waves: Tensor, onset: Tensor, size: int, sample_rate: int, frames: int) -> Tensor:
    """The sum of the notes' powers at their onsets in seconds, (bins, frames): straight lines between two frames."""
    hop = round(HOP * sample_rate)
    at = onset * sample_rate / hop
    first = torch.floor(at.detach())
    part = (at - first).float()[:, None, None]
    powers = torch.nn.functional.pad(_powers(waves, size, hop), (1, 1))
    moved = (1 - part) * powers[..., 1:] + part * powers[..., :-1]
    out = torch.zeros(moved.shape[1], frames)
    for one, begin in zip(moved, first.long().tolist(), strict=True):
        count = max(0, min(one.shape[1], frames - begin))
        out = out + torch.nn.functional.pad(one[:, :count], (begin, max(0, frames - begin) - count))[:, :frames]
    return out


def _distance(heard: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Mean difference of the logarithms of magnitudes; what is 14 dB under the mean counts little."""
    out = torch.zeros(())
    for one, other in zip(heard, wanted, strict=True):
        scale = 5 / other.mean().sqrt().clamp(min=1e-9)
        out = out + (torch.log1p(scale * (one + 1e-12).sqrt()) - torch.log1p(scale * other.sqrt())).abs().mean()
    return out
