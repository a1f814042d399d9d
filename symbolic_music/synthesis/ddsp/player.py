"""The player of DDSP voices: renders the tracks of a score in blocks of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.parallel.threads import Workers
from symbolic_music.score import Score
from symbolic_music.synthesis.ddsp.drums import drum_sound, drum_time
from symbolic_music.synthesis.ddsp.note import CONTROL_RATE, attack_hops, hop_size, segment, sounding_time
from symbolic_music.synthesis.ddsp.oscillators import REGISTER, Notes
from symbolic_music.synthesis.ddsp.partials import spectrum
from symbolic_music.synthesis.ddsp.presets import PROGRAMS, Voice
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.synthesis.mixing import pan_and_reverb as mixing

# Frames of all notes of one batch: what it holds stays near the processor.
BATCH_FRAMES = 4096
# Notes of like length share a batch, and of one register where their pitch moves: the short ones are filled up with
# silence, the high ones with inaudible partials. So much of a batch may be silence, or as many frames as cost no more
# than another batch.
FILLED, FILLED_FRAMES = 0.2, 256
# An end nearer than this many frames, or than this part of the block, is played with the piece before it: it
# would hardly be worth a batch.
SHORTEST_PIECE, SHORTEST_PART = 8, 4
LONGEST = 30.0  # seconds; strings without dampers are silent before
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Waves:
    """A batch that was played: notes (B,), the samples they start at (B,), sound (B, n), phases of what goes on."""

    notes: Indices
    start: Indices
    sound: mixing.Samples
    phases: torch.Tensor | None = None


# What plays a batch, in any thread.
Batch = Callable[[], Waves]


class Bank:
    """Plays a score block by block. A note is played as far as its block goes and taken up again in the next.

    Memory is that of a block and of what the notes themselves need, not of the music's length. Batches are the same,
    and are added in the same order, whatever the number of workers.
    """

    def __init__(
        self,
        score: Score,
        sample_rate: int,
        seed: int = 0,
        control_rate: float = CONTROL_RATE,
        voices: Sequence[Voice] = PROGRAMS,
        workers: Workers | None = None,
    ) -> None:
        self._voices, self._workers = voices, workers or Workers(1)
        # Numbers of notes by seeds stay exact in float64, so that phases are exact.
        self.score, self.sample_rate, self.seed = score, sample_rate, seed % 2**24
        self.hop, self.control_rate = hop_size(sample_rate, control_rate), control_rate
        self.tracks = np.unique(score.notes["track"]).tolist()
        onset = score.onset_seconds
        self._length = controllers.held_until(score) - onset
        self._start = np.rint(onset * sample_rate).astype(np.int64)
        self._instrument = score.instruments
        self._pedal = controllers.pedal_from(score)
        self._undamped = np.array([voice.undamped for voice in voices])
        self._bends = {t: curve for t in self.tracks if (curve := controllers.bend(score, t)) is not None}
        self._bent = np.zeros(len(score), bool)
        for track, curve in self._bends.items():
            own = np.flatnonzero((score.notes["track"] == track) & (self._instrument != DRUM_INSTRUMENT))
            self._bent[own] = _is_bent(curve, onset[own], self._length[own])
        # Frames that each note has, and those played so far; strokes on drums are played whole.
        self._hops = self._count_hops()
        self._played = np.zeros(len(score), np.int64)
        self._next = 0
        self._sounding = np.zeros(0, np.int64)
        self._phases: dict[int, torch.Tensor] = {}
        self._over = dict.fromkeys(self.tracks, np.zeros(0, np.float32))
        self._now = 0

    @property
    def end(self) -> int:
        """Samples from the beginning until nothing sounds any more."""
        return int((self._start + self._hops * self.hop).max(initial=0))

    def play(self, samples: int) -> dict[int, mixing.Samples]:
        """The next samples of each track that sounds in them, mono (samples,)."""
        until = self._now + samples
        stop = int(np.searchsorted(self._start, until))
        active = np.concatenate([self._sounding, np.arange(self._next, stop)])
        self._next = stop
        buses = {track: _lengthened(over, samples) for track, over in self._over.items() if len(over)}
        with torch.inference_mode():
            for waves in self._workers.results(self._batches(active, until)):
                self._add(buses, waves)
        self._sounding = active[self._played[active] < self._hops[active]]
        self._over = {track: bus[samples:] for track, bus in buses.items()}
        self._now = until
        return {track: _lengthened(bus[:samples], samples) for track, bus in buses.items()}

    def _batches(self, active: Indices, until: int) -> Iterator[Batch]:
        """The batches of these notes up to a sample."""
        for instrument in np.unique(self._instrument[active]).tolist():
            own = active[self._instrument[active] == instrument]
            yield from self._drums(own) if instrument == DRUM_INSTRUMENT else self._voice(instrument, own, until)

    def _count_hops(self) -> Indices:
        hops = np.zeros(len(self.score), np.int64)
        for instrument in np.unique(self._instrument).tolist():
            own = np.flatnonzero(self._instrument == instrument)
            if instrument == DRUM_INSTRUMENT:
                seconds = np.array([drum_time(p) for p in self.score.notes["pitch"][own].tolist()])
            else:
                seconds = sounding_time(self._voices[instrument], self._notes(own)).numpy()
            hops[own] = np.maximum(1, np.ceil(seconds * (self.sample_rate / self.hop)))
        return hops

    def _notes(self, indices: Indices, bend: torch.Tensor | None = None) -> Notes:
        pitch, velocity = self._tones(indices)
        return Notes(
            pitch=pitch,
            velocity=velocity,
            length=torch.from_numpy(self._held(indices).astype(np.float32)),
            key=torch.from_numpy(indices + 1_000_003 * self.seed),
            bend=bend,
            pedal=self._pedals(indices),
        )

    def _tones(self, indices: Indices) -> tuple[torch.Tensor, torch.Tensor]:
        """Pitches and velocities of notes."""
        table = self.score.notes[indices]
        velocity = table["velocity"].astype(np.float32) / 127
        return torch.from_numpy(table["pitch"].astype(np.float32)), torch.from_numpy(velocity)

    def _held(self, indices: Indices) -> controllers.Curve:
        """Seconds that notes are held; those of strings without dampers, until they are silent."""
        own, pitch = self._length[indices], self.score.notes["pitch"][indices]
        played = self._instrument[indices]
        programs = np.minimum(played, DRUM_INSTRUMENT - 1)
        free = (pitch >= self._undamped[programs]) & (played != DRUM_INSTRUMENT)
        return np.where(free, np.maximum(own, LONGEST), own)

    def _pedals(self, indices: Indices) -> torch.Tensor | None:
        """When the pedal lifts the dampers, None where it does for none of these notes."""
        after = self._pedal[indices]
        return torch.from_numpy(after.astype(np.float32)) if np.isfinite(after).any() else None

    def _drums(self, own: Indices) -> Iterator[Batch]:
        pitches = self.score.notes["pitch"][own]
        self._played[own] = self._hops[own]
        for pitch in np.unique(pitches).tolist():
            yield partial(self._strokes, pitch, own[pitches == pitch])

    @torch.inference_mode()
    def _strokes(self, pitch: int, strokes: Indices) -> Waves:
        sound = drum_sound(pitch, self._notes(strokes), self.sample_rate, self.control_rate)
        return Waves(strokes, self._start[strokes], sound.numpy())

    def _voice(self, instrument: int, own: Indices, until: int) -> Iterator[Batch]:
        """The next piece of each of these notes of one voice, in batches of like length and register."""
        least = attack_hops(self._voices[instrument], self.hop, self.sample_rate)
        needed = -((self._start[own] - until) // self.hop) - self._played[own]
        own, needed = own[needed > 0], needed[needed > 0]
        if not len(own):
            return
        fresh = self._played[own] == 0
        left = self._hops[own] - self._played[own]
        shortest = max(SHORTEST_PIECE, (until - self._now) // self.hop // SHORTEST_PART)
        hops = np.where(left - needed < shortest, left, needed)
        hops = np.maximum(hops, np.where(fresh, least, 1))
        pitch = self.score.notes["pitch"][own].astype(np.int64)
        spectra = spectrum(self._voices[instrument], *self._tones(own), self.sample_rate)
        moves = self._bent[own] | (self._voices[instrument].vibrato > 0)
        label = (self._bent[own] * 2 + fresh) * 16 + np.where(moves, pitch // REGISTER, 0)
        for some in _grouped(label, hops):
            some = some[np.argsort(pitch[some], kind="stable")]
            notes, frames = own[some], int(hops[some].max())
            known = [self._phases.pop(note) for note in notes.tolist() if note in self._phases]
            first = self._played[notes]
            self._played[notes] += frames
            yield partial(self._segment, instrument, notes, first, frames, known, [one[some] for one in spectra])

    @torch.inference_mode()
    def _segment(
        self,
        instrument: int,
        notes: Indices,
        first: Indices,
        hops: int,
        known: list[torch.Tensor],
        spectra: list[torch.Tensor],
    ) -> Waves:
        """Further frames of these notes, all of them new or none, all of them with bends or none."""
        start = self._start[notes] + first * self.hop
        bend = None
        if self._bent[notes[0]]:
            at = (start[:, None] + np.arange(hops + 1) * self.hop) / self.sample_rate
            tracks = self.score.notes["track"][notes].tolist()
            curves = np.stack([self._bends[track].at(row) for track, row in zip(tracks, at, strict=True)])
            bend = torch.from_numpy(curves.astype(np.float32))
        sound, phases = segment(
            self._voices[instrument], self._notes(notes, bend), torch.from_numpy(first), hops, self.hop,
            self.sample_rate, torch.stack(known) if known else None, spectra,
        )  # fmt: skip
        return Waves(notes, start, sound.numpy(), phases)

    def _add(self, buses: dict[int, mixing.Samples], waves: Waves) -> None:
        """The buses of the notes' tracks with each wave from its start on, drawn out where they are too short."""
        notes = waves.notes
        if waves.phases is not None:
            going_on = np.flatnonzero(self._played[notes] < self._hops[notes])
            self._phases.update({int(notes[i]): waves.phases[i].clone() for i in going_on})
        begin = waves.start - self._now
        end = np.minimum(begin + waves.sound.shape[1], self._start[notes] + self._hops[notes] * self.hop - self._now)
        tracks = self.score.notes["track"][notes]
        for track in np.unique(tracks).tolist():
            buses[track] = _lengthened(buses.get(track, np.zeros(0, np.float32)), int(end[tracks == track].max()))
        for wave, track, a, b in zip(waves.sound, tracks.tolist(), begin.tolist(), end.tolist(), strict=True):
            buses[track][a:b] += wave[: b - a]


def _grouped(label: Indices, hops: Indices) -> Iterator[Indices]:
    """Which notes are played together: of one label, with not too many frames in all and not too many filled up."""
    order = np.lexsort((hops, label))
    labels, lengths = label[order].tolist(), hops[order].tolist()
    begin, used = 0, 0
    for at, length in enumerate(lengths):
        frames = length * (at + 1 - begin)
        filled = frames - used - length
        if at > begin and (
            labels[at] != labels[begin] or frames > BATCH_FRAMES or filled > max(FILLED_FRAMES, FILLED * frames)
        ):
            yield order[begin:at]
            begin, used = at, 0
        used += length
    yield order[begin:]


def _lengthened(bus: mixing.Samples, samples: int) -> mixing.Samples:
    return bus if len(bus) >= samples else np.concatenate([bus, np.zeros(samples - len(bus), np.float32)])


def _is_bent(curve: controllers.Steps, onset: controllers.Curve, length: controllers.Curve) -> NDArray[np.bool_]:
    """Which notes, (n,), are bent at their onset or while they are held."""
    changes = np.searchsorted(curve.times, onset + length) - np.searchsorted(curve.times, onset, side="right")
    bent: NDArray[np.bool_] = (curve.at(onset) != 0) | (changes > 0)
    return bent
