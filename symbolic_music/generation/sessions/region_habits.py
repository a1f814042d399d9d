"""What the written tracks of a region do elsewhere in the piece, as bounds on what is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import BASSES, DRUM_INSTRUMENT, PIANOS_AND_GUITARS
from symbolic_music.generation.decoding.habits import Habits, Sounding, habits_of, new_habits
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.roles import Role, usual_role
from symbolic_music.tokenizers.region import GridEvents
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.events import Integers

Floats = NDArray[np.float64]
# How far around, in bars of four quarters, the pace of a part is measured, and from how many notes.
_PACE_BARS, _FEWEST_FOR_PACE = 8, 8
# Notes for a part that rests in all of them.
_RESTING = 1.0
# How far beyond a limit that the bars around do not keep the pace is.
_AMPLE = 1.35
# Of 32 pitched notes of songs, how many begin in the chord of their place, a semitone from it, and elsewhere.
_OVER_CHORDS = np.array([25.6, 3.5, 2.9])
# Notes of a bar in which a part plays, upper quartiles of 1,157 tracks of Lakh, as pieces of few parts have them, and
# how much fewer the medians are: pianos and guitars, basses, drums, others.
_A_BAR = {**dict.fromkeys(PIANOS_AND_GUITARS, 13.5), **dict.fromkeys(BASSES, 7.5), DRUM_INSTRUMENT: 21.0}
_A_BAR_OF_OTHERS = 7.0
# The same of drums beside other drums, of 276 songs: the rest of a kit.
_A_BAR_OF_FURTHER_DRUMS = 10.3
# The same of performances with a pedal, of MAESTRO, whose bars are two seconds.
_A_BAR_OF_PERFORMANCES = 25.4
# For how many quarters new parts are silent at most: drums, basses, others.
_LONGEST_GAPS, _LONGEST_GAP = {DRUM_INSTRUMENT: 2, **dict.fromkeys(BASSES, 4)}, 8
_FEW_PARTS, _OF_MANY = 3, 0.6
# Up to this many notes of a bar stand on its sixteenths.
_SIXTEENTH, _MANY = r.STEPS // 4, 12


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """The notes around the regions of an edit.

    Args:
        events: of the piece without what is written.
        holes: the regions, in steps.
        others: what sounds in the tracks that are not written.
        limits: of the edit; those that are named come before habits.
        role: of the written track, if it is new.
        like: steps of the bars whose habits are followed; None for the whole piece.
    """

    events: GridEvents
    holes: Sequence[tuple[int, int]]
    others: Sounding
    limits: Limits
    role: Role | None
    like: tuple[int, int] | None = None

    def habits(self, slot: int) -> Habits:
        """The habits of a slot, or those of a new one."""
        events, limits = self.events, self.limits
        own = events.slot == slot
        found = self._habits_of(own) if slot in self._known else None
        found = found or self._new(int(events.slot_instruments[slot]))
        if self.like is not None:
            followed = (events.time >= self.like[0]) & (events.time < self.like[1])
            found = self._habits_of(own & followed) or found
        at_once, per_bar, places = found.at_once, found.per_bar, found.places
        if limits.notes_at_once is not None:
            at_once = max(at_once, limits.notes_at_once[1])
        if limits.notes_per_bar is not None:
            per_bar = max(per_bar, limits.notes_per_bar[1])
            if limits.notes_per_bar[0] > found.per_bar / 2:
                # More notes than the part has need more places than it uses.
                places = places | (np.arange(r.STEPS) % (_SIXTEENTH if limits.notes_per_bar[0] <= _MANY else 1) == 0)
        if limits.grid is not None:
            places = np.ones_like(places)
        # Long notes would leave no room for those that are asked for.
        counts = limits.notes_per_bar is not None or limits.notes_at_once is not None
        sounding = r.KEYS if counts else found.sounding
        found = replace(found, at_once=at_once, sounding=sounding, per_bar=per_bar, places=places)
        if not limits.chords:
            return found
        # Chords that are asked for may be in another key than the part is elsewhere.
        return replace(found, classes=np.zeros(12), harmony=_OVER_CHORDS, is_bass=False, keeps_to_chords=True)

    @cached_property
    def _outside(self) -> NDArray[np.bool_]:
        """Which notes begin outside the regions."""
        outside = np.ones(len(self.events), bool)
        for first, last in self.holes:
            outside &= (self.events.time < first) | (self.events.time >= last)
        return outside

    @cached_property
    def _known(self) -> Integers:
        """Slots with notes outside the regions; what others have got in them so far says little."""
        return np.unique(self.events.slot[self._outside])

    def _habits_of(self, own: NDArray[np.bool_]) -> Habits | None:
        events = self.events
        columns = (events.time[own], events.duration[own], events.keys()[own], events.bar[own])
        return habits_of(*columns, list(self.holes), self.others)

    def paces(self, slots: Sequence[int], start: int, end: int) -> tuple[float, ...]:
        """Notes a step at which slots are written: those of the bars around a part of a region, within the limits.

        None where there are too few notes around to tell, and limits say nothing. Limits that ask for more, or fewer,
        than the bars around have are met evenly: else what they lack would crowd at the end of the bar.
        """
        around = self._paces_around(slots, start, end)
        around[self.events.slot_instruments[list(slots)] == r.PEDAL_INSTRUMENT] = 0.0
        pace = around.sum()
        if self.limits.notes_per_bar is not None:
            least, most = self.limits.notes_per_bar
            bar = int(np.searchsorted(self.events.bar_starts, start, side="right")) - 1
            length = float(self.events.bar_lengths[max(bar, 0)])
            if pace * length < least:
                pace = min((least + most) / 2, _AMPLE * least) / length
            elif pace * length > most:
                pace = max((least + most) / 2, most / _AMPLE) / length
        if not pace:
            return ()
        shares = around / around.sum() if around.any() else np.full(len(slots), 1 / len(slots))
        return tuple((pace * shares).tolist())

    def _paces_around(self, slots: Sequence[int], start: int, end: int) -> Floats:
        """Of each slot; the usual one of a part that plays nowhere else, 0 where there are too few notes to tell.

        Many new parts under a given one would be held to a pace that none of them has; they are free.
        """
        events = self.events
        near, last_note = _PACE_BARS * 4 * r.STEPS, int(events.time.max(initial=0)) + 1
        low, high = self.like or (max(0, start - near), min(end + near, max(end, last_note)))
        own = (events.instrument != r.PEDAL_INSTRUMENT) & (events.time >= low) & (events.time < high) & self._outside
        steps = high - low - sum(max(0, min(last, high) - max(first, low)) for first, last in self.holes)
        counts = np.array([np.count_nonzero(events.slot[own] == slot) for slot in slots], np.float64)
        is_new = ~np.isin(slots, self._known)
        if steps <= 0 or counts.sum() < _FEWEST_FOR_PACE:
            is_alone = len(slots) == 1 or np.isin(events.slot, slots).all()
            return self._usual_paces(slots) if is_alone else np.zeros(len(slots))
        return np.where(is_new, self._usual_paces(slots), (counts + _RESTING) / steps)

    def _usual_paces(self, slots: Sequence[int]) -> Floats:
        """The notes a step of parts like these in songs."""
        instruments = self.events.slot_instruments[list(slots)].tolist()
        a_bar = np.array([_A_BAR.get(instrument, _A_BAR_OF_OTHERS) for instrument in instruments])
        if np.isin(self.events.slot_instruments[self._known], DRUM_INSTRUMENT).any():
            a_bar[np.array(instruments) == DRUM_INSTRUMENT] = _A_BAR_OF_FURTHER_DRUMS
        if r.PEDAL_INSTRUMENT in self.events.slot_instruments:
            a_bar[:] = _A_BAR_OF_PERFORMANCES
        if self.role is not None:
            a_bar = np.minimum(a_bar, self.role.per_bar)
        return a_bar * (1.0 if len(self.events.slot_instruments) <= _FEW_PARTS else _OF_MANY) / (4 * r.STEPS)

    def _new(self, instrument: int) -> Habits:
        events, role = self.events, self.role or usual_role(instrument)
        pitched = events.pitch[events.instrument < DRUM_INSTRUMENT]
        shortest = max(1, round(role.shortest_quarters * r.STEPS))
        within = role.lowest, role.highest
        gap = _LONGEST_GAPS.get(role.program, _LONGEST_GAP) * r.STEPS
        is_bass = role.program in BASSES
        return new_habits(events.time, pitched, within, role.at_once, role.per_bar, gap, shortest, is_bass, role.chord)
