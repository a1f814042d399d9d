"""Notes from what a network finds in frames, one frame after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import OptionError
from symbolic_music.score import Score, Track, note_table
from symbolic_music.transcription.network import LOWEST, PITCHES

Frames = NDArray[np.float32]  # (frames, 88)
TICKS_PER_SECOND = 960  # 480 a quarter at the default of 120 quarters a minute
_SHORTEST = 0.03  # seconds


@dataclass(frozen=True)
class Thresholds:
    """How sure the network must be: that a note begins, and that it still sounds; 0 to 1.

    Raises:
        OptionError: for other numbers.

    Examples:
        >>> sm.transcription.Thresholds(onset=0.6).frame
        0.4
    """

    onset: float = 0.3
    frame: float = 0.4

    def __post_init__(self) -> None:
        if not (0 < self.onset < 1 and 0 < self.frame < 1):
            raise OptionError(f"thresholds are over 0 and under 1, not {self.onset:g} and {self.frame:g}")


class Note(NamedTuple):
    """A note: seconds, pitch, velocity."""

    onset: float
    offset: float
    pitch: int
    velocity: int


class Decoder:
    """Notes of frames that come in parts; what it keeps is a number or two a pitch.

    A note begins where the onset of its pitch is highest and over the threshold; the time between frames is that of the
    parabola through the three around. It ends where its pitch has been under the threshold for two frames, or where it
    begins again. An onset after which nothing sounds is no note.
    """

    def __init__(self, frame_rate: float, thresholds: Thresholds | None = None) -> None:
        self._rate, self._least = frame_rate, thresholds or Thresholds()
        self.notes: list[Note] = []
        self._at = 0  # the frame that comes next
        self._before: tuple[Frames, ...] = ()  # the last two frames: onset, frame, velocity
        self._open = np.full(PITCHES, np.nan)
        self._velocity = np.zeros(PITCHES)
        self._quiet = np.zeros(PITCHES, np.int64)
        self._sounded = np.zeros(PITCHES, bool)

    def add(self, onset: Frames, frame: Frames, velocity: Frames) -> None:
        """More frames, (n, 88), as probabilities."""
        parts = (onset, frame, velocity)
        if not self._before:
            self._before = tuple(np.zeros((1, PITCHES), np.float32) for _ in parts)
            self._at = -1
        whole = [np.concatenate([old, new]) for old, new in zip(self._before, parts, strict=True)]
        peaks = (
            (whole[0][1:-1] >= self._least.onset) & (whole[0][1:-1] > whole[0][:-2]) & (whole[0][1:-1] >= whole[0][2:])
        )
        sounds = whole[1][1:-1] >= self._least.frame
        for number in range(len(peaks)):
            now = self._at + 1 + number
            self._quiet = np.where(sounds[number], 0, self._quiet + 1)
            self._sounded |= sounds[number] & ~peaks[number]
            ended = (self._quiet >= 2) & ~np.isnan(self._open)
            for key in np.flatnonzero(ended & ~peaks[number]).tolist():
                self._close(key, now - 1)
            for key in np.flatnonzero(peaks[number]).tolist():
                a, b, c = (float(whole[0][number + i, key]) for i in range(3))
                bend = a - 2 * b + c
                at = now + (0.5 * (a - c) / bend if bend < 0 else 0.0)
                self._close(key, at)
                self._open[key], self._velocity[key] = max(0.0, at), whole[2][number + 1, key]
                self._quiet[key], self._sounded[key] = 0, sounds[number, key]
        self._at += len(peaks)
        self._before = tuple(part[-2:] for part in whole)

    def finish(self) -> list[Note]:
        """All notes, by onset and pitch; those that still sound end here."""
        if self._before:
            silence = np.zeros((1, PITCHES), np.float32)
            self.add(silence, silence, silence)
        for key in np.flatnonzero(~np.isnan(self._open)).tolist():
            self._close(key, self._at + 1)
        self.notes.sort()
        return self.notes

    def _close(self, key: int, at: float) -> None:
        start = float(self._open[key])
        if np.isnan(start):
            return
        self._open[key] = np.nan
        if not self._sounded[key]:
            return
        end = max(at / self._rate, start / self._rate + _SHORTEST)
        velocity = int(np.clip(round(127 * float(self._velocity[key])), 1, 127))
        self.notes.append(Note(start / self._rate, end, key + LOWEST, velocity))


def score_of(notes: list[Note], program: int = 0, name: str = "") -> Score:
    """A score of one track, at 120 quarters a minute."""
    rows = np.array(notes, np.float64).reshape(-1, 4)
    first, last = (np.rint(rows[:, column] * TICKS_PER_SECOND).astype(np.int64) for column in (0, 1))
    table = note_table(
        onset=first, duration=np.maximum(1, last - first), pitch=rows[:, 2], velocity=rows[:, 3],
        program=np.full(len(rows), program),
    )  # fmt: skip
    return Score(480, table, tracks=(Track(name, program),))
