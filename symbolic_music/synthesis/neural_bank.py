"""The bank of trained voices: a score in, the sound of its tracks out, one block of time after the other."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.errors import AudioError
from symbolic_music.score import Score
from symbolic_music.synthesis import controllers, mixing
from symbolic_music.synthesis.bank import Bank
from symbolic_music.synthesis.expression import Expression, express, voice_numbers
from symbolic_music.synthesis.neural_voices import NeuralVoices, Played, load_voices, sound, sounding_time

# Frames of all notes of one batch.
BATCH_FRAMES = 2048
TIED_SKIP = 0.04  # seconds of attack that a tied note leaves out
TIED_TAIL, FREE_TAIL = 0.05, 0.35  # seconds in which a note dies away before a tied one, and else


class NeuralBank:
    """Plays a score block by block, as `Bank` does; notes without a trained voice, and drums, are played by that.

    A note is played whole when its block comes, so that its sound does not depend on the blocks.
    """

    def __init__(
        self,
        score: Score,
        sample_rate: int,
        seed: int = 0,
        voices: NeuralVoices | None = None,
        expression: Expression | None = None,
    ) -> None:
        self.voices = voices or load_voices()
        self.expression = expression or express(score, self.voices)
        if len(self.expression.controls) != len(score):
            raise AudioError(f"the expression is of {len(self.expression.controls)} notes, the score has {len(score)}")
        self.score, self.sample_rate, self.seed = score, sample_rate, seed
        self.hop = 2 * max(1, round(sample_rate * 128 / 44100))
        self.tracks = np.unique(score.notes["track"]).tolist()
        onset = score.onset_seconds
        self._number = voice_numbers(score, self.voices)
        self._number[~np.isfinite(self.expression.controls).all(axis=1)] = -1
        rest = score.replace(notes=score.notes[self._number < 0])
        self._others = Bank(rest, sample_rate, seed) if len(rest) else None
        self._length = np.maximum(controllers.held_until(score) - onset, 0.01)
        self._start = np.rint(onset * sample_rate).astype(np.int64)
        self._tail = self._tails()
        self._order = np.argsort(self._start, kind="stable")
        self._bends = {t: curve for t in self.tracks if (curve := controllers.bend(score, t)) is not None}
        self._over = {track: np.zeros(0, np.float32) for track in self.tracks}
        self._now = self._next = 0

    @property
    def end(self) -> int:
        """Samples from the beginning until nothing sounds any more."""
        own = np.flatnonzero(self._number >= 0)
        seconds = self._length[own] + self._tail[own]
        last = int((self._start[own] + np.ceil(seconds * self.sample_rate) + self.hop).max(initial=0))
        return max(last, self._others.end if self._others is not None else 0)

    def play(self, samples: int) -> dict[int, mixing.Samples]:
        """The next samples of each track that sounds in them, mono (samples,)."""
        until = self._now + samples
        stop = int(np.searchsorted(self._start[self._order], until))
        fresh = self._order[self._next : stop]
        self._next = stop
        buses = {t: np.pad(o, (0, max(0, samples - len(o)))) for t, o in self._over.items() if len(o)}
        for number in np.unique(self._number[fresh]).tolist():
            if number >= 0:
                self._voice(number, fresh[self._number[fresh] == number], buses)
        if self._others is not None:
            for track, bus in self._others.play(samples).items():
                buses[track] = buses.get(track, np.zeros(samples, np.float32))
                buses[track][: len(bus)] += bus
        self._over = {track: bus[samples:] for track, bus in buses.items()}
        self._now = until
        return {track: bus[:samples] for track, bus in buses.items()}

    def _tails(self) -> NDArray[np.float64]:
        """Seconds in which each note dies away: shorter where the next of its track is tied to it."""
        found = np.full(len(self.score), FREE_TAIL)
        onset, ends = self.score.onset_seconds, self.score.onset_seconds + self._length
        track = self.score.notes["track"]
        for one in self.tracks:
            own = np.flatnonzero(track == one)
            tied = np.sort(onset[own[self.expression.tied[own]]])
            if len(tied):
                nearest = tied[np.minimum(np.searchsorted(tied, ends[own] - 0.2), len(tied) - 1)]
                found[own[np.abs(nearest - ends[own]) < 0.2]] = TIED_TAIL
        return found

    def _voice(self, number: int, own: NDArray[np.int64], buses: dict[int, mixing.Samples]) -> None:
        """These notes of one voice, in batches of like length and register."""
        voice = self.voices.voices[number]
        length = torch.from_numpy(self._length[own])
        seconds = sounding_time(voice, length, torch.from_numpy(self._tail[own])).numpy()
        frames = np.ceil(seconds * self.sample_rate / self.hop) + 1
        pitch = self.score.notes["pitch"][own].astype(np.int64)
        bent = np.array([self._is_bent(i) for i in own])
        label = (np.ceil(np.log(frames) / math.log(1.3)).astype(np.int64) * 2 + bent) * 32 + pitch // 6
        for value in np.unique(label):
            group = np.flatnonzero(label == value)
            step = max(1, int(BATCH_FRAMES / frames[group].max()))
            for first in range(0, len(group), step):
                some = group[first : first + step]
                notes = self._played(own[some], int(frames[some].max()), bool(bent[some[0]]))
                with torch.inference_mode():
                    waves = sound(self.voices, number, notes, self.sample_rate, self.hop).numpy()
                self._add(buses, own[some], waves)

    def _is_bent(self, note: int) -> bool:
        curve = self._bends.get(int(self.score.notes["track"][note]))
        if curve is None:
            return False
        first = self.score.onset_seconds[note]
        inside = (curve.times > first) & (curve.times < first + self._length[note])
        return bool(curve.at(np.array([first]))[0] or np.any(curve.values[inside]))

    def _played(self, notes: NDArray[np.int64], frames: int, bent: bool) -> Played:
        bend = None
        if bent:
            at = self.score.onset_seconds[notes][:, None] + np.arange(frames + 1) * (self.hop / self.sample_rate)
            tracks = self.score.notes["track"][notes].tolist()
            curves = [self._bends[track].at(row) for track, row in zip(tracks, at, strict=True)]
            bend = torch.from_numpy(np.stack(curves).astype(np.float32))
        skip = np.where(self.expression.tied[notes], np.minimum(TIED_SKIP, self._length[notes] / 4), 0.0)
        return Played(
            pitch=torch.from_numpy(self.score.notes["pitch"][notes].astype(np.float32)),
            length=torch.from_numpy(self._length[notes].astype(np.float32)),
            controls=torch.from_numpy(self.expression.controls[notes].astype(np.float32)),
            key=torch.from_numpy(notes + 1_000_003 * self.seed),
            skip=torch.from_numpy(skip.astype(np.float32)),
            tail=torch.from_numpy(self._tail[notes].astype(np.float32)),
            bend=bend,
        )

    def _add(self, buses: dict[int, mixing.Samples], notes: NDArray[np.int64], waves: mixing.Samples) -> None:
        """Each wave added to its track from its note's start on."""
        for note, wave in zip(notes.tolist(), waves, strict=True):
            track, first = int(self.score.notes["track"][note]), int(self._start[note]) - self._now
            bus = buses.get(track, np.zeros(0, np.float32))
            if len(bus) < first + len(wave):
                bus = np.pad(bus, (0, first + len(wave) - len(bus)))
            bus[first : first + len(wave)] += wave
            buses[track] = bus
