"""The player of trained voices: renders the tracks of a score in blocks of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError
from symbolic_music.parallel.threads import Workers
from symbolic_music.score import Score
from symbolic_music.synthesis.analysis.features import CONTROLS
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE
from symbolic_music.synthesis.ddsp.player import BATCH_FRAMES, Bank, Batch, Indices, Waves
from symbolic_music.synthesis.ddsp.presets import PROGRAMS, Voice
from symbolic_music.synthesis.midi_ddsp.expression import Expression, express, voice_numbers
from symbolic_music.synthesis.midi_ddsp.synthesizer import Played, sound, sounding_time

# Notes share a batch whose lengths are within this factor and whose pitches are within this many semitones.
LIKE_LENGTH, REGISTER = 1.3, 6
WIDEST_CONTROL = 200.0  # dB, semitones
TIED_SKIP = 0.04  # seconds of attack that a tied note leaves out
TIED_TAIL, FREE_TAIL = 0.05, 0.35  # seconds in which a note dies away before a tied one, and else


class NeuralBank(Bank):
    """A `Bank` whose programs are played by trained voices, where they have one; the others and drums stay.

    A note is played whole when its block comes: its memory grows with its length, 1 MB a second.
    """

    def __init__(
        self,
        score: Score,
        sample_rate: int,
        seed: int = 0,
        control_rate: float = CONTROL_RATE,
        expression: Expression | None = None,
        voices: Sequence[Voice] = PROGRAMS,
        workers: Workers | None = None,
    ) -> None:
        self.expression = expression or express(score)
        if len(self.expression.controls) != len(score):
            raise AudioError(f"the expression is of {len(self.expression.controls)} notes, the score has {len(score)}")
        beyond = np.argwhere(np.abs(self.expression.controls) > WIDEST_CONTROL)
        if len(beyond):
            note, column = beyond[0]
            value = self.expression.controls[note, column]
            raise AudioError(f"note {note}: a {CONTROLS[column]} of {value:g} cannot be played")
        self._number = voice_numbers(score, self.expression.voices)
        self._number[~np.isfinite(self.expression.controls).all(axis=1)] = -1
        super().__init__(score, sample_rate, seed, control_rate, voices, workers)

    def _count_hops(self) -> Indices:
        hops = super()._count_hops()
        self._length = np.where(self._number >= 0, np.maximum(self._length, 0.01), self._length)
        self._tail = self._tails()
        for number in np.unique(self._number[self._number >= 0]).tolist():
            own = np.flatnonzero(self._number == number)
            times = torch.from_numpy(self._length[own]), torch.from_numpy(self._tail[own])
            seconds = sounding_time(self.expression.voices.voices[number], *times).numpy()
            hops[own] = np.maximum(1, np.ceil(seconds * (self.sample_rate / self.hop)))
        return hops

    def _tails(self) -> NDArray[np.float64]:
        """Seconds in which each note dies away: shorter where the next of its track is tied to it."""
        found = np.full(len(self.score), FREE_TAIL)
        onset, track = self.score.onset_seconds, self.score.notes["track"]
        ends = onset + self._length
        for one in self.tracks:
            own = np.flatnonzero(track == one)
            tied = np.sort(onset[own[self.expression.tied[own]]])
            if len(tied):
                nearest = tied[np.minimum(np.searchsorted(tied, ends[own] - 0.2), len(tied) - 1)]
                found[own[np.abs(nearest - ends[own]) < 0.2]] = TIED_TAIL
        return found

    def _voice(self, instrument: int, own: Indices, until: int) -> Iterator[Batch]:
        trained = self._number[own] >= 0
        if not trained.all():
            yield from super()._voice(instrument, own[~trained], until)
        own = own[trained & (self._played[own] == 0)]
        if not len(own):
            return
        self._played[own] = self._hops[own]
        frames = self._hops[own] + 1
        size = np.ceil(np.log(frames) / math.log(LIKE_LENGTH)).astype(np.int64)
        label = (size * 2 + self._bent[own]) * 32 + self.score.notes["pitch"][own] // REGISTER
        for value in np.unique(label):
            group = np.flatnonzero(label == value)
            step = max(1, int(BATCH_FRAMES / frames[group].max()))
            for first in range(0, len(group), step):
                yield partial(self._trained_notes, own[group[first : first + step]])

    @torch.inference_mode()
    def _trained_notes(self, notes: Indices) -> Waves:
        number = int(self._number[notes[0]])
        waves = sound(self.expression.voices, number, self._asked(notes), self.sample_rate, self.hop)
        return Waves(notes, self._start[notes], waves.numpy())

    def _asked(self, notes: Indices) -> Played:
        """The inputs of the networks for these notes, all of them with bends or none."""
        bend = None
        if self._bent[notes[0]]:
            frames = int(self._hops[notes].max()) + 1
            at = self.score.onset_seconds[notes][:, None] + np.arange(frames) * (self.hop / self.sample_rate)
            tracks = self.score.notes["track"][notes].tolist()
            curves = [self._bends[track].at(row) for track, row in zip(tracks, at, strict=True)]
            bend = torch.from_numpy(np.stack(curves).astype(np.float32))
        skip = np.where(self.expression.tied[notes], np.minimum(TIED_SKIP, self._length[notes] / 4), 0.0)

        def tensor(values: NDArray[np.float64]) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32))

        return Played(
            tensor(self.score.notes["pitch"][notes].astype(np.float64)), tensor(self._length[notes]),
            tensor(self.expression.controls[notes]), torch.from_numpy(notes + 1_000_003 * self.seed), tensor(skip),
            tensor(self._tail[notes]), bend,
        )  # fmt: skip
