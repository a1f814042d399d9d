"""The request of a region sampler, and the notes that it draws."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symbolic_music.generation.constraints.base import Constraint, Mask
from symbolic_music.generation.decoding.habits import CLASH, Habits, Motif, Rhythm, Sounding, relation
from symbolic_music.theory import chord_classes
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import written_states
from symbolic_music.tokenizers.region.events import Integers
from symbolic_music.tokenizers.region.harmony import NO_HARMONY, Harmony
from symbolic_music.tokenizers.region.rows import Rows

NO_NOTES: Integers = np.zeros((0, 3), np.int64)


@dataclass(frozen=True, eq=False)
class RegionRequest:
    """A span in which notes are to be written; times are steps from the beginning of the score.

    Args:
        rows: header, what is given, and the REGION row, whose times count from `origin`.
        origin: step that is time 0 of the rows.
        start, end: of the span.
        bar_starts, bar_lengths: of the score, in steps.
        slots: that are written, with their instruments (128 for drums, 129 for presses of the sustain pedal).
        past: time, duration and note (128 x instrument + pitch) before the span, for constraints: (n, 3).
        habits: of slots, in their order; None for a slot that is free.
        rhythm: of all of them together; None where they are free.
        motifs: of slots, in their order; None for drums and for a slot that is free.
        others: notes of other slots, by which harmony is judged; None where it is free.
        busy: for each slot, keys that sound into the span and the steps until when.
        constraints: what the notes must obey.
        most: notes at most.
        is_opening: whether nothing is given: notes follow the header as they do in a stretch, without a REGION row.
        paces: notes a step of the written slots in the bars around; 0 of one that is free, none where all are.
        fewest_in_bar, fewest_at_once: notes that limits ask for, for which room is left.
        above: for each note to come, keys of its slot that notes of the same onset after it will need above it.
        harmony: that it is conditioned on.
        expected: time, duration and key of the notes that the only written slot plays most likely, sorted by time and
            key: (n, 3); none where anything may be played.
        beside: notes of other slots, a semitone from which a note over planned chords does not begin if it can do
            otherwise; None where there are no such chords.
        chords: (step, name) of the chords that new notes keep to; none of their notes sounds on into a chord that it
            does not belong to.
    """

    rows: Rows
    origin: int
    start: int
    end: int
    bar_starts: Integers
    bar_lengths: Integers
    slots: tuple[tuple[int, int], ...]
    past: Integers
    habits: tuple[Habits | None, ...]
    rhythm: Rhythm | None
    motifs: tuple[Motif | None, ...]
    others: Sounding | None
    busy: tuple[dict[int, int], ...]
    constraints: tuple[Constraint, ...] = ()
    most: int = 2000
    is_opening: bool = False
    paces: tuple[float, ...] = ()
    fewest_in_bar: int = 0
    fewest_at_once: int = 1
    above: tuple[int, ...] = ()
    harmony: Harmony = NO_HARMONY
    expected: Integers = field(default_factory=NO_NOTES.copy)
    beside: Sounding | None = None
    chords: tuple[tuple[int, str], ...] = ()
    # What alternatives look up at the same times: rows by kind and time, and classes that sound.
    _rows: dict[tuple[int, int], Integers] = field(default_factory=dict, init=False, repr=False)
    _sounds: dict[int, Mask] = field(default_factory=dict, init=False, repr=False)

    def place_in_bar(self, time: int) -> tuple[int, int]:
        """The bar of a time, and the steps from its beginning."""
        bar = max(0, int(np.searchsorted(self.bar_starts, time, side="right")) - 1)
        return bar, int(time - self.bar_starts[bar])

    def row(self, kind: int, time: int) -> Integers:
        """A new row at a time, its place in the bar set."""
        if (kind, time) not in self._rows:
            self._rows[kind, time] = self._row(kind, time)
        return self._rows[kind, time].copy()

    def _row(self, kind: int, time: int) -> Integers:
        row, (bar, place) = r.blank(1, kind)[0], self.place_in_bar(time)
        last = int(np.searchsorted(self.bar_starts, self.end - 1, side="right"))
        position, length = min(place, r.MOST_POSITION - 1), min(int(self.bar_lengths[bar]), r.MOST_POSITION)
        state = r.GIVEN if self.is_opening else int(written_states(np.array([bar]), last)[0])
        row[[r.TIME, r.POSITION, r.LENGTH, r.STATE]] = time - self.origin, position, length, state
        row[r.HARMONY] = self.harmony.codes(np.array([time]))[0]
        return np.asarray(row)

    def most_lasting(self, time: int, pitch: int) -> int:
        """Steps after which a note of a pitch is no longer in the chord; a large number where it always is."""
        if not self.chords:
            return 1 << 30
        at = max(0, int(np.searchsorted([step for step, _ in self.chords], time, side="right")) - 1)
        for step, name in self.chords[at + 1 :]:
            if pitch % 12 not in chord_classes(name):
                return step - time
        return 1 << 30

    def clashing(self, time: int) -> Mask:
        """Pitch classes a semitone from what sounds in other slots, and that do not sound themselves: (12,)."""
        if self.beside is None:
            return np.zeros(12, bool)
        return np.asarray(relation(self.beside.at(np.array([time])))[0] == CLASH)

    def sounds(self, time: int) -> Mask | None:
        """Pitch classes that sound in other slots at a time, (12,); None where harmony is free."""
        if self.others is None:
            return None
        if time not in self._sounds:
            self._sounds[time] = self.others.at(np.array([time]))[0]
        return self._sounds[time]


@dataclass(frozen=True)
class DrawnNote:
    """A note as it is drawn, in steps from the beginning of the score.

    `log_probability` is of all its fields but the velocity, with the rests before it, before temperature and filters.
    """

    time: int
    duration: int
    slot: int
    instrument: int
    pitch: int
    velocity: int
    log_probability: float
