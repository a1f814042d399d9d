"""Players of a score for each track, and the pan position of each track."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from symbolic_music.score import Score
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing.pan_and_reverb import Samples, place

if TYPE_CHECKING:
    pass


class Player(Protocol):
    """The interface of players: `play(n)` returns the next n samples of each sounding track."""

    tracks: list[int]

    @property
    def end(self) -> int:
        """Samples until nothing sounds any more."""

    def play(self, samples: int) -> dict[int, Samples]:
        """The next samples."""


class Placed:
    """A bank whose tracks are mono, with their volume, expression and pan: stereo (2, n)."""

    def __init__(self, bank: Player, score: Score, sample_rate: int) -> None:
        self.bank, self.sample_rate, self.tracks = bank, sample_rate, bank.tracks
        places = controllers.positions(score)
        self._places = {t: controllers.pan(score, t, places[t]) for t in self.tracks}
        self._gains = {t: controllers.gain(score, t) for t in self.tracks}
        self._now = 0

    @property
    def end(self) -> int:
        """Samples until nothing sounds any more."""
        return self.bank.end

    def play(self, samples: int) -> dict[int, Samples]:
        """The next samples."""
        sounds = {}
        for track, sound in self.bank.play(samples).items():
            for curve in self._gains[track]:
                sound = sound * np.float32(curve.over(self._now, samples, self.sample_rate))
            sounds[track] = place(sound, self._places[track].over(self._now, samples, self.sample_rate))
        self._now += samples
        return sounds
