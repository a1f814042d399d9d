"""Whole scores as the words that a region model predicts: tracks first, then notes by time, track and pitch.

A word has six fields: gap, slot, instrument, key, duration, velocity. A declared track is (0, slot, instrument, none, 0,
none); a rest of 240 steps is (rest, none, none, none, 0, none); a note has the gap to the word before in steps of 1/60
quarter. Tempo and meter are told to the model beside the words, and are not in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.score import DRUM_CHANNEL, DRUM_INSTRUMENT, Score, Track, note_table
from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import arrange_stretch
from symbolic_music.tokenizers.region.events import grid_events

GAP, SLOT, INSTRUMENT, KEY, DURATION, VELOCITY = range(6)
_COLUMNS = [r.TIME, r.SLOT, r.INSTRUMENT, r.KEY, r.DURATION, r.VELOCITY]
_NO_NOTE = (r.NO_KEY, 0, r.NO_VELOCITY)


@lru_cache
def _vocabulary() -> Vocabulary:
    pitches = [f"Pitch_{pitch}" for pitch in range(128)] + [f"Drum_{pitch}" for pitch in range(128)]
    return Vocabulary((
        (*(f"Gap_{gap}" for gap in range(r.LONGEST_GAP)), "Gap_Rest", "Gap_End"),
        (*(f"Slot_{slot}" for slot in range(r.SLOTS)), "Slot_None"),
        (*(f"Program_{program}" for program in range(128)), "Program_Drums", "Program_None"),
        (*pitches, "Pitch_None"),
        tuple(f"Duration_{steps}" for steps in range(r.DURATIONS)),
        (*(f"Velocity_{4 * step}" for step in range(r.VELOCITIES)), "Velocity_None"),
    ))  # fmt: skip


@dataclass(frozen=True)
class RegionState:
    """The instruments declared so far by slot, whether notes have begun, and the slot and key of the last note."""

    declared: tuple[tuple[int, int], ...] = ()
    has_begun: bool = False
    last: tuple[int, int] = (-1, -1)
    has_ended: bool = False


class RegionGrammar(Grammar):
    """Tracks by ascending slots, then notes and rests; notes of one time ascend by slot and key."""

    def start(self) -> RegionState:
        """Nothing has been."""
        return RegionState()

    def allowed(self, state: RegionState) -> tuple[NDArray[np.bool_], ...]:
        """A mask for each field; fields depend on each other, which `advance` checks."""
        masks = [np.zeros(size, bool) for size in _vocabulary().sizes]
        if not state.has_ended:
            if state.declared:
                slots, instruments = (list(column) for column in zip(*state.declared, strict=True))
                for mask, values in zip(masks, (slice(0, r.GAPS), slots, instruments), strict=False):
                    mask[values] = True
                masks[KEY][: r.KEYS], masks[DURATION][1:], masks[VELOCITY][: r.VELOCITIES] = True, True, True
            if not state.has_begun:
                first = state.declared[-1][0] + 1 if state.declared else 0
                masks[GAP][0], masks[SLOT][first : r.SLOTS], masks[INSTRUMENT][: r.NO_INSTRUMENT] = True, True, True
            for mask, value in zip(masks, (None, r.NO_SLOT, r.NO_INSTRUMENT, *_NO_NOTE), strict=True):
                if value is not None:
                    mask[value] = True
        for mask in masks:
            mask.flags.writeable = False
        return tuple(masks)

    def advance(self, state: RegionState, token: Any) -> RegionState:
        """The state after one more word. TokenError when it may not stand here."""
        gap, slot, instrument, *note = (int(value) for value in token)
        if not state.has_ended and tuple(note) == _NO_NOTE:
            if gap >= r.LONGEST_GAP and state.declared and (slot, instrument) == (r.NO_SLOT, r.NO_INSTRUMENT):
                return RegionState(state.declared, True, (-1, -1), gap == r.GAP_END)
            is_next = slot > (state.declared[-1][0] if state.declared else -1)
            if gap == 0 and not state.has_begun and is_next and slot < r.SLOTS and instrument < r.NO_INSTRUMENT:
                return RegionState((*state.declared, (slot, instrument)))
        is_note = gap < r.LONGEST_GAP and (slot, instrument) in state.declared and 0 < note[1] < r.DURATIONS
        is_key = note[0] < r.KEYS and (note[0] >= r.DRUM_KEYS) == (instrument == DRUM_INSTRUMENT)
        rises = gap > 0 or (slot, note[0]) > state.last
        if state.has_ended or not (is_note and is_key and rises and note[2] < r.VELOCITIES):
            raise TokenError(f"word {tuple(int(value) for value in token)} may not stand here")
        return RegionState(state.declared, True, (slot, note[0]))


class RegionTokenizer(Tokenizer):
    """See the module's docstring."""

    name: ClassVar[str] = "region"

    def __init__(self, preset: str = "default") -> None:
        self.preset, self.vocabulary, self.grammar = preset, _vocabulary(), RegionGrammar()

    def to_config(self) -> dict[str, Any]:
        """Name and preset."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Words of a score, (n, 6). Onsets are rounded to 1/60 quarter, velocities to multiples of 4."""
        if not len(score):
            return np.zeros((0, 6), np.int32)
        events = grid_events(score)
        rows = arrange_stretch(events, 0, 1 << 60)[1:]
        words = rows[:, _COLUMNS]
        words[:, GAP] = np.diff(rows[:, r.TIME], prepend=0)
        words[rows[:, r.KIND] == r.TRACK, GAP] = 0
        words[rows[:, r.KIND] == r.REST, GAP] = r.GAP_REST
        return words.astype(np.int32)

    def decode(self, ids: ArrayLike) -> Score:
        """The score of some words, at 120 quarters a minute. TokenError when they disobey the grammar."""
        words = self.check(ids)
        wrong = self.grammar.violation(words)
        if wrong is not None:
            raise TokenError(f"word {wrong} may not stand where it does")
        is_silent = words[:, KEY] == r.NO_KEY
        is_track = is_silent & (words[:, SLOT] < r.NO_SLOT)
        gaps = np.where(words[:, GAP] == r.GAP_REST, r.LONGEST_GAP, words[:, GAP]) * (words[:, GAP] != r.GAP_END)
        time, notes = np.cumsum(gaps)[~is_silent], words[~is_silent]
        declared = words[is_track]
        drums = notes[:, INSTRUMENT] == DRUM_INSTRUMENT
        table = note_table(
            onset=time,
            duration=notes[:, DURATION],
            pitch=notes[:, KEY] % 128,
            velocity=np.clip(4 * notes[:, VELOCITY] + 2, 1, 127),
            program=np.where(drums, 0, notes[:, INSTRUMENT]),
            channel=np.where(drums, DRUM_CHANNEL, 0),
            track=np.searchsorted(declared[:, SLOT], notes[:, SLOT]),
        )
        tracks = tuple(
            Track("", 0 if one == DRUM_INSTRUMENT else one, one == DRUM_INSTRUMENT)
            for one in declared[:, INSTRUMENT].tolist()
        )
        return Score(ticks_per_quarter=r.STEPS, notes=table, tracks=tracks)
