"""The notes of a score on a grid of 60 steps a quarter, with their bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.tokenizers.region.rows import DRUM_KEYS, DURATIONS, PEDAL_INSTRUMENT, PEDAL_KEY, SLOTS, STEPS
from symbolic_music.tokenizers.sustain_pedal import joined_presses, pedal_presses

Integers = NDArray[np.int64]
_MOST_SLOTS = SLOTS - 1
_PEDAL_VELOCITY = 64


@dataclass(frozen=True, eq=False)
class GridEvents:
    """Notes sorted by time, slot and pitch; one note a (time, slot, pitch), the longest.

    Args:
        time, duration: in steps, duration 1 to 999.
        slot: a track of one instrument.
        instrument: 0 to 127, 128 for drums, 129 for presses of a track's sustain pedal.
        pitch, velocity: as in MIDI.
        bar: of each note.
        bar_starts, bar_lengths: of all bars of the score and four quarters more, in steps.
        quarters_per_minute: mean tempo.
        slot_instruments, slot_tracks: of each slot.
    """

    time: Integers
    duration: Integers
    slot: Integers
    instrument: Integers
    pitch: Integers
    velocity: Integers
    bar: Integers
    bar_starts: Integers
    bar_lengths: Integers
    quarters_per_minute: float
    slot_instruments: Integers
    slot_tracks: Integers

    def __len__(self) -> int:
        """Number of notes."""
        return len(self.time)

    @cached_property
    def is_drum(self) -> NDArray[np.bool_]:
        """Which notes are of drums, shape (notes,)."""
        return np.asarray(self.instrument == DRUM_INSTRUMENT)

    def transposition(self, semitones: int) -> int:
        """The same number of semitones, or 0 where a pitch would leave 0 to 127."""
        pitched = self.pitch[self.instrument < DRUM_INSTRUMENT]
        fits = not len(pitched) or (pitched.min() + semitones >= 0 and pitched.max() + semitones <= 127)
        return semitones if fits else 0

    def keys(self, semitones: int = 0) -> Integers:
        """Keys of the notes, shape (notes,); pitched ones are transposed, unless one would leave 0 to 127."""
        moved = np.where(self.instrument < DRUM_INSTRUMENT, self.pitch + self.transposition(semitones), self.pitch)
        return np.asarray(np.where(self.is_drum, self.pitch + DRUM_KEYS, moved))

    def taken(self, chosen: Integers | NDArray[np.bool_]) -> GridEvents:
        """Some of the notes, by a mask or in another order."""
        columns = ("time", "duration", "slot", "instrument", "pitch", "velocity", "bar")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})

    def edge(self, bar: int) -> int:
        """The step at which a bar begins; bars may be one more than there are."""
        if bar < len(self.bar_starts):
            return int(self.bar_starts[bar])
        return int(self.bar_starts[-1] + self.bar_lengths[-1])


def note_order(time: Integers, slot: Integers, pitch: Integers, duration: Integers) -> Integers:
    """The order of notes by time, slot and pitch, with one of each alone, the longest."""
    order = np.lexsort((-duration, pitch, slot, time))
    is_new = np.ones(len(order), bool)
    same = [column[order][1:] == column[order][:-1] for column in (time, slot, pitch)]
    is_new[1:] = ~np.logical_and.reduce(same)
    return np.asarray(order[is_new])


def grid_events(
    score: Score, more: tuple[tuple[int, int], ...] = (), until: int = 0, with_pedal: bool = False
) -> GridEvents:
    """The notes of a score as a region model sees them.

    Of more than 31 slots those with most notes are kept.

    Args:
        score: the piece.
        more: slots without notes, each its track and instrument, for parts that are yet to be written.
        until: tick up to which bars are needed, at least.
        with_pedal: presses of the sustain pedal are events, of a slot of their own for each track that has some.
    """
    scale = STEPS / score.ticks_per_quarter
    onset, end, track, instrument, pitch, velocity = (_with_pedal if with_pedal else _columns)(score)
    time = np.rint(onset * scale).astype(np.int64)
    duration = np.clip(np.rint(end * scale).astype(np.int64) - time, 1, DURATIONS - 1)
    named = track * 256 + instrument
    wanted = np.array([track * 256 + instrument for track, instrument in more], np.int64)
    slots, counts = np.unique(named, return_counts=True)
    busiest = slots[np.sort(np.argsort(-counts, kind="stable")[: _MOST_SLOTS - len(wanted)])]
    slots = np.union1d(busiest, wanted)
    kept = np.isin(named, slots)
    columns = [time, duration, np.searchsorted(slots, named), instrument, pitch, velocity]
    time, duration, slot, instrument, pitch, velocity = (column[kept] for column in columns)
    order = note_order(time, slot, pitch, duration)
    lines = np.unique(np.rint(score.bars(max(score.end, until) + 4 * score.ticks_per_quarter) * scale).astype(np.int64))
    last = lines[-1] - lines[-2] if len(lines) > 1 else 4 * STEPS
    quarters = score.end / score.ticks_per_quarter
    tempo = 60 * quarters / score.duration if score.duration else 120.0
    return GridEvents(
        time[order], duration[order], slot[order], instrument[order], pitch[order], velocity[order],
        bar=np.searchsorted(lines, time[order], side="right") - 1,
        bar_starts=lines,
        bar_lengths=np.diff(np.append(lines, lines[-1] + last)),
        quarters_per_minute=tempo,
        slot_instruments=slots % 256,
        slot_tracks=slots // 256,
    )  # fmt: skip


def _columns(score: Score) -> list[Integers]:
    """Onset, end, track, instrument, pitch and velocity of the notes."""
    notes = score.notes
    onset = notes["onset"].astype(np.int64)
    columns = [onset, onset + notes["duration"], notes["track"], score.instruments, notes["pitch"], notes["velocity"]]
    return [np.asarray(column, np.int64) for column in columns]


def _with_pedal(score: Score) -> list[Integers]:
    """Columns of the notes and of the presses of the sustain pedal."""
    # Presses less than a step apart would touch on the grid.
    onset, end, track = joined_presses(*pedal_presses(score), apart=score.ticks_per_quarter / STEPS)
    # The pedal of a track without notes sounds nothing.
    plays = np.isin(track, score.notes["track"])
    onset, end, track = onset[plays], end[plays], track[plays]
    fixed = (PEDAL_INSTRUMENT, PEDAL_KEY, _PEDAL_VELOCITY)
    presses = [onset, end, track, *(np.full(len(onset), value, np.int64) for value in fixed)]
    return [np.concatenate(pair) for pair in zip(_columns(score), presses, strict=True)]
