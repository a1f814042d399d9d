"""The six expression controls of every note of a score: predicted, read, changed, written as JSON.

The network is trained on the recordings: it predicts how pitch and duration shape a note of a voice. The recordings are
single notes at one dynamic level, so rules add velocity, ties, the position in a phrase, and vibrato.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, FileError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Score
from symbolic_music.synthesis.analysis.features import CONTROLS
from symbolic_music.synthesis.midi_ddsp.synthesizer import STRUCK_SECONDS, VIBRATO_MEASURE
from symbolic_music.synthesis.midi_ddsp.voices import NeuralVoices, load_voices
from symbolic_music.synthesis.mixing import controllers

LEGATO_GAP, LEGATO_OVERLAP = 0.03, 0.15  # seconds between notes that are tied, and that they may overlap
PHRASE_GAP = 0.4
ARCH = 1.5  # dB that the middle of a phrase is over its ends
TIED_ATTACK = -8.0  # dB of attack noise of a tied note
_MOST_JSON = 256 << 20
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Expression:
    """Controls of the notes of one score, to be changed in place and rendered.

    controls (notes, 6): columns as in `features.CONTROLS`: volume dB, fluctuation dB, vibrato (semitones; a sine of
    depth d has 0.375 d), brightness (mean harmonic number), attack_noise dB, peak 0 to 1. Rows of notes without a
    trained voice are NaN, and changing them does nothing. tied (notes,): whether a note goes on from the one before.
    voices: that play them.
    """

    controls: Values
    tied: NDArray[np.bool_]
    voices: NeuralVoices

    def column(self, name: str) -> Values:
        """One control of all notes, a view. AudioError for an unknown name."""
        if name not in CONTROLS:
            raise AudioError(f"no control {name!r}; there are: {', '.join(CONTROLS)}")
        return self.controls[:, CONTROLS.index(name)]


def express(score: Score, voices: NeuralVoices | None = None) -> Expression:
    """The controls that the networks and rules give the notes of a score.

    Args:
        score: of n notes.
        voices: the bundled ones when omitted.
    """
    voices = voices or load_voices()
    controls = np.full((len(score), len(CONTROLS)), np.nan)
    tied = np.zeros(len(score), np.bool_)
    length = controllers.held_until(score) - score.onset_seconds
    numbers = voice_numbers(score, voices)
    for number in np.unique(numbers[numbers >= 0]):
        voice, own = voices.voices[number], np.flatnonzero(numbers == number)
        pitch = score.notes["pitch"][own].astype(np.float32)
        known = length[own].clip(0.05, STRUCK_SECONDS if voice.struck else None).astype(np.float32)
        with torch.inference_mode():
            who = torch.full((len(own),), int(number))
            shown = torch.from_numpy(pitch).clamp(voice.lowest - 2, voice.highest + 2)
            drawn = voices.networks.expression(who, shown, torch.from_numpy(known)).double().numpy()
        if not voice.struck:
            tied[own] = _tied(score, own)
            drawn[:, 2] = np.maximum(drawn[:, 2], 0) + VIBRATO_MEASURE * voice.vibrato * np.clip(
                (length[own] - 0.25) / 0.75, 0, 1
            )
            drawn[:, 0] += ARCH * (np.sin(math.pi * _place_in_phrase(score, own)) - 0.5)
            drawn[tied[own], 4] += TIED_ATTACK
        controls[own] = with_velocity(drawn, score.notes["velocity"][own].astype(np.float64), voice.recorded_velocity)
    return Expression(controls, tied, voices)


def voice_numbers(score: Score, voices: NeuralVoices) -> NDArray[np.int64]:
    """The trained voice of each note; -1 where it has none: a drum, or a program of another family."""
    instruments = score.instruments
    found = np.full(len(score), -1, np.int64)
    for program in np.unique(instruments[instruments != DRUM_INSTRUMENT]):
        number = voices.number(int(program))
        found[instruments == program] = -1 if number is None else number
    return found


def with_velocity(controls: Values, velocity: Values, recorded: int) -> Values:
    """Controls (n, 6) of notes as recorded, played at these velocities (n,), 1 to 127.

    A velocity of 127 has the volume of the recordings, and `recorded` their brightness.

    40 log10(velocity / 127) dB of volume, as the hand-set voices have it, and of attack noise; harmonics beyond the
    first weigh half as much at half of the recorded strength.
    """
    found = controls.copy()
    gain = 40 * np.log10(np.maximum(velocity, 1) / 127)
    found[:, 0] += gain
    found[:, 4] += gain
    found[:, 3] = 1 + np.maximum(found[:, 3] - 1, 0) * np.maximum(velocity, 1) / recorded
    return found


def _tied(score: Score, own: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of these notes begins about where the one before it in its track ends; never within a chord."""
    onset, end, track = score.onset_seconds[own], score.offset_seconds[own], score.notes["track"][own]
    found = np.zeros(len(own), np.bool_)
    for one in np.unique(track):
        at = np.flatnonzero(track == one)
        at = at[np.argsort(onset[at], kind="stable")]
        gap = onset[at[1:]] - end[at[:-1]]
        apart = np.diff(onset[at])
        line = (gap <= LEGATO_GAP) & (gap >= -LEGATO_OVERLAP) & (apart > LEGATO_GAP)
        chord = np.concatenate([apart <= LEGATO_GAP, [False]])
        found[at[1:]] = line & ~chord[1:] & (score.notes["pitch"][own][at[1:]] != score.notes["pitch"][own][at[:-1]])
    return found


def _place_in_phrase(score: Score, own: NDArray[np.int64]) -> Values:
    """The position of each note in its phrase, 0 to 1; rests of 0.4 s divide phrases. A single note is at 0.5."""
    onset, end, track = score.onset_seconds[own], score.offset_seconds[own], score.notes["track"][own]
    found = np.full(len(own), 0.5)
    for one in np.unique(track):
        at = np.flatnonzero(track == one)
        at = at[np.argsort(onset[at], kind="stable")]
        latest = np.maximum.accumulate(end[at])
        phrase = np.concatenate([[0], np.cumsum(onset[at[1:]] - latest[:-1] > PHRASE_GAP)])
        for number in np.unique(phrase):
            inside = at[phrase == number]
            first, last = onset[inside[0]], onset[inside[-1]]
            if last > first:
                found[inside] = (onset[inside] - first) / (last - first)
    return found


def write_expression(expression: Expression, score: Score, path: str | Path) -> Path:
    """Write the controls as JSON, a line a note with its place, whole or not at all.

    Raises:
        AudioError: when the expression is of another score.
        FileError: when it cannot be written.
    """
    if len(expression.controls) != len(score):
        raise AudioError(f"this expression is of {len(expression.controls)} notes, the score has {len(score)}")
    lines = []
    for i, (row, tied) in enumerate(zip(expression.controls, expression.tied, strict=True)):
        note: dict[str, Any] = {
            "note": i,
            "onset": round(float(score.onset_seconds[i]), 4),
            "pitch": int(score.notes["pitch"][i]),
            "track": int(score.notes["track"][i]),
            "tied": bool(tied),
        }
        if np.isfinite(row).all():
            note |= {name: round(float(value), 4) for name, value in zip(CONTROLS, row, strict=True)}
        lines.append(json.dumps(note))
    text = '{"format": 1, "notes": [\n' + ",\n".join(lines) + "\n]}\n"
    target = Path(path)
    write_bytes(target, text.encode())
    return target


def read_expression(path: str | Path, score: Score, voices: NeuralVoices | None = None) -> Expression:
    """Read the controls of a score's notes, to be played by these voices; the bundled ones when omitted.

    Raises:
        FileError: when the file cannot be read.
        AudioError: when it is not such a file, of another score, or holds a value that is no number.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_JSON:
            raise AudioError(f"{path} is too large for the controls of a score")
        notes = json.loads(path.read_bytes())["notes"]
        pitches = [int(note["pitch"]) for note in notes]
        rows = [[float(note.get(name, math.nan)) for name in CONTROLS] for note in notes]
        tied = [bool(note["tied"]) for note in notes]
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AudioError(f"{path} does not hold the controls of a score ({error})") from None
    if pitches != score.notes["pitch"].tolist():
        raise AudioError(f"{path} is of another score: write its controls again")
    controls = np.array(rows, np.float64).reshape(-1, len(CONTROLS))
    partly = np.isfinite(controls).any(axis=1) & ~np.isfinite(controls).all(axis=1)
    if partly.any() or np.isinf(controls).any():
        raise AudioError(
            f"{path}: note {int(np.flatnonzero(partly | np.isinf(controls).any(axis=1))[0])} lacks a control"
        )
    return Expression(controls, np.array(tied, np.bool_), voices or load_voices())
