"""What was transcribed, fitted to its recording by the differentiable synthesizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from symbolic_music.errors import AudioError, OptionError
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio, read_audio
from symbolic_music.synthesis.note_fitting import fit_notes
from symbolic_music.transcription.input_audio import soxr

_PHRASE = 4.0  # seconds that are fitted at a time
_AROUND = 0.2, 1.0  # seconds of sound before the first onset of a phrase, and after the last
_RATE = 8_000
_MOST = 120  # notes of a phrase; the loudest, where there are more


def refined(
    score: Score,
    audio: Audio | str | Path,
    steps: int = 40,
    progress: Callable[[float], None] = lambda part: None,
) -> Score:
    """The score with the onsets and velocities with which the built-in voices come nearest to the recording.

    Phrases of four seconds are fitted one by one (`synthesis.fit_notes`), each at its own gain: velocities keep the
    mean that they have in the phrase. It takes several times the length of the recording.

    Args:
        score: of pitched notes, as `transcribe` gives it.
        audio: the recording.
        steps: of descent, for each phrase.
        progress: called with the part that is done.

    Raises:
        OptionError: for fewer than one step.
        As `fit_notes` and `read_audio`.

    Examples:
        >>> phrase = sm.Score(notes=sm.score.note_table([(480, 480, 69, 80), (960, 480, 72, 60)]))
        >>> heard = sm.render(phrase, sample_rate=8000, reverb=0.0)
        >>> found = sm.transcription.refined(phrase, heard, steps=2)
        >>> len(found)
        2
    """
    if steps < 1:
        raise OptionError(f"steps must be at least 1, not {steps}")
    onset, notes = score.onset_seconds, score.notes.copy()
    seconds, velocity = onset.copy(), notes["velocity"].astype(np.float64)
    last = float(onset.max(initial=0.0))
    for first in np.arange(0.0, last + 1e-6, _PHRASE):
        own = np.flatnonzero((onset >= first) & (onset < first + _PHRASE))
        own = np.sort(own[np.argsort(-velocity[own], kind="stable")[:_MOST]])
        if len(own):
            begin = max(0.0, float(onset[own[0]]) - _AROUND[0])
            sound = _part(audio, begin, float(onset[own[-1]]) + _AROUND[1])
            if sound.peak > 0:
                fitted = fit_notes(_phrase(score, own, begin), sound, steps=steps)
                seconds[own] = fitted.onset_seconds + begin
                velocity[own] += fitted.velocity - velocity[own] - (fitted.velocity - velocity[own]).mean()
        progress(min(1.0, (first + _PHRASE) / max(last, _PHRASE)))
    moved = np.maximum(0, np.rint(score.ticks(np.maximum(seconds, 0)))).astype(np.int64)
    ends = notes["onset"].astype(np.int64) + notes["duration"]
    notes["onset"], notes["duration"] = moved, np.maximum(1, ends - moved)
    notes["velocity"] = np.rint(velocity).clip(1, 127)
    return score.replace(notes=notes[np.argsort(moved, kind="stable")])


def _phrase(score: Score, rows: np.ndarray[tuple[int], np.dtype[np.int64]], begin: float) -> Score:
    """Some notes, with seconds from `begin` on, at 120 quarters a minute of 480 ticks."""
    notes = score.notes[rows].copy()
    start, end = score.onset_seconds[rows] - begin, score.offset_seconds[rows] - begin
    notes["onset"] = np.rint(start * 960)
    notes["duration"] = np.maximum(1, np.rint(np.minimum(end, start + _PHRASE) * 960) - notes["onset"])
    return Score(480, notes, tracks=score.tracks)


def _part(audio: Audio | str | Path, start: float, end: float) -> Audio:
    """The sound between these seconds, one channel at a low rate, which is fitted faster."""
    if isinstance(audio, Audio):
        first, last = (round(at * audio.sample_rate) for at in (start, end))
        audio = Audio(audio.samples[:, first:last], audio.sample_rate)
    else:
        audio = read_audio(audio, start, end)
    if not audio.samples.shape[1]:
        raise AudioError("the recording ends before the notes of its score")
    mono = audio.samples.mean(axis=0)
    if audio.sample_rate == _RATE:
        return Audio(mono, _RATE)
    return Audio(soxr().resample(mono, audio.sample_rate, _RATE), _RATE)
