"""Whole scores as the words that a region model predicts: tracks first, then notes by time, track and pitch.

Preset `pedal`: the presses of a track's sustain pedal are notes of pitch 0 of a slot that has no instrument.

A word has six fields: gap, slot, instrument, key, duration, velocity. A declared track is (0, slot, instrument, none,
0, none); a rest of 240 steps is (rest, none, none, none, 0, none); a note has the gap to the word before in steps of
1/60 quarter. Tempo and meter are separate inputs of the model, not part of the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import CONTROL, Score, Track, note_table
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Grammar, Ids, Tokenizer, Vocabulary, whole_ids
from symbolic_music.tokenizers.region import rows as r
from symbolic_music.tokenizers.region.arrangement import arrange_stretch
from symbolic_music.tokenizers.region.events import grid_events
from symbolic_music.tokenizers.sustain_pedal import SUSTAIN, joined_presses

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
    """The instruments declared so far by slot, whether notes have begun, and the slot and key of the last note.

    Args:
        most_instruments: those that may be declared: 129, or 130 with the pedal.
    """

    declared: tuple[tuple[int, int], ...] = ()
    has_begun: bool = False
    last: tuple[int, int] = (-1, -1)
    has_ended: bool = False
    most_instruments: int = r.NO_INSTRUMENT


Mask = NDArray[np.bool_]
# Words that may follow: for each field the ids that it may hold.
Box = tuple[Mask, ...]


def _ids(field: int, *values: int | slice) -> Mask:
    mask = np.zeros(_vocabulary().sizes[field], bool)
    for value in values:
        mask[value] = True
    return mask


def _box(*fields: int | slice) -> Box:
    return tuple(_ids(field, value) for field, value in enumerate(fields))


@lru_cache(maxsize=1024)
def _boxes(state: RegionState) -> tuple[Box, ...]:
    """The words that may come next, as a union of boxes."""
    if state.has_ended:  # an end may be repeated
        return (_box(r.GAP_END, r.NO_SLOT, r.NO_INSTRUMENT, *_NO_NOTE),)
    found = []
    if not state.has_begun:
        first = state.declared[-1][0] + 1 if state.declared else 0
        found.append(_box(0, slice(first, r.SLOTS), slice(0, state.most_instruments), *_NO_NOTE))
    if state.declared:
        found.append(_box(slice(r.GAP_REST, r.GAPS), r.NO_SLOT, r.NO_INSTRUMENT, *_NO_NOTE))
    for slot, instrument in state.declared:
        low, high = (r.DRUM_KEYS, r.KEYS) if instrument == DRUM_INSTRUMENT else (0, r.DRUM_KEYS)
        if instrument == r.PEDAL_INSTRUMENT:
            low, high = r.PEDAL_KEY, r.PEDAL_KEY + 1
        rest = slice(1, r.DURATIONS), slice(0, r.VELOCITIES)
        found.append(_box(slice(1, r.LONGEST_GAP), slot, instrument, slice(low, high), *rest))
        if slot >= state.last[0]:
            floor = low if slot > state.last[0] else max(low, state.last[1] + 1)
            found.append(_box(0, slot, instrument, slice(floor, high), *rest))
    return tuple(box for box in found if all(mask.any() for mask in box))


class RegionGrammar(Grammar):
    """Tracks by ascending slots, then notes and rests; notes of one time ascend by slot and key."""

    def __init__(self, with_pedal: bool = False) -> None:
        self._most_instruments = r.NO_INSTRUMENT + with_pedal

    def start(self) -> RegionState:
        """Nothing has been."""
        return RegionState(most_instruments=self._most_instruments)

    def allowed(self, state: RegionState) -> tuple[Mask, ...]:
        """A mask for each field; which ids go together says `given`."""
        return self.given(state, [None] * len(_vocabulary().sizes))

    def given(self, state: RegionState, word: Sequence[int | None]) -> tuple[Mask, ...]:
        """For each field the ids of the allowed words that hold the ids of `word`; None marks a field not drawn."""
        masks = [np.zeros(size, bool) for size in _vocabulary().sizes]
        for box in _boxes(state):
            if all(value is None or own[value] for own, value in zip(box, word, strict=True)):
                for mask, own in zip(masks, box, strict=True):
                    mask |= own
        for mask in masks:
            mask.flags.writeable = False
        return tuple(masks)

    def advance(self, state: RegionState, token: Any) -> RegionState:
        """The state after one more word. TokenError when it may not follow here."""
        word = [int(value) for value in token]
        sizes = _vocabulary().sizes
        inside = len(word) == len(sizes) and all(0 <= value < size for value, size in zip(word, sizes, strict=True))
        if not inside or not any(all(own[v] for own, v in zip(box, word, strict=True)) for box in _boxes(state)):
            raise TokenError(f"word {tuple(word)} may not follow here")
        gap, slot, instrument, key = word[:4]
        if key < r.NO_KEY:
            return replace(state, has_begun=True, last=(slot, key))
        if gap >= r.LONGEST_GAP:
            return replace(state, has_begun=True, last=(-1, -1), has_ended=gap == r.GAP_END)
        return replace(state, declared=(*state.declared, (slot, instrument)))

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first word out of place, or None. TokenError unless they are of six fields."""
        return super().violation(whole_ids(ids, len(_vocabulary().sizes)))


class RegionTokenizer(Tokenizer):
    """See the module's docstring."""

    name: ClassVar[str] = "region"
    presets: ClassVar[tuple[str, ...]] = ("default", "pedal")

    def __init__(self, preset: str = "default") -> None:
        self.preset, self.reads_pedal = preset, preset == "pedal"
        self.tables = (*NOTES_AND_TIME, "controls") if self.reads_pedal else NOTES_AND_TIME
        self.vocabulary, self.grammar = _vocabulary(), RegionGrammar(self.reads_pedal)

    def to_config(self) -> dict[str, Any]:
        """Name and preset."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Words of a score, (n, 6). Onsets are rounded to 1/60 quarter, velocities to multiples of 4."""
        if not len(score):
            return np.zeros((0, 6), np.int32)
        events = grid_events(score, with_pedal=self.reads_pedal)
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
            raise TokenError(f"word {wrong} may not follow here")
        is_silent = words[:, KEY] == r.NO_KEY
        is_track = is_silent & (words[:, SLOT] < r.NO_SLOT)
        gaps = np.where(words[:, GAP] == r.GAP_REST, r.LONGEST_GAP, words[:, GAP]) * (words[:, GAP] != r.GAP_END)
        declared = words[is_track]
        # The pedal acts on the track before it.
        is_pedal = words[:, INSTRUMENT] == r.PEDAL_INSTRUMENT
        played = declared[declared[:, INSTRUMENT] != r.PEDAL_INSTRUMENT]
        presses = ~is_silent & is_pedal
        controls = _controls(np.cumsum(gaps)[presses], words[presses], played)
        is_note = ~is_silent & ~is_pedal
        time, notes, declared = np.cumsum(gaps)[is_note], words[is_note], played
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
        return Score(ticks_per_quarter=r.STEPS, notes=table, tracks=tracks, controls=controls)


def _controls(time: NDArray[np.int64], presses: Ids, played: Ids) -> NDArray[np.void]:
    """Controller 64 down and up of presses, each of the last track that was declared before its slot."""
    track = np.maximum(np.searchsorted(played[:, SLOT], presses[:, SLOT]) - 1, 0)
    order = np.argsort(track, kind="stable")
    time, track, duration = time[order], track[order], presses[order, DURATION].astype(np.int64)
    onset, end, track = joined_presses(time, time + duration, track)
    moves = np.zeros(2 * len(onset), CONTROL)
    moves["number"], moves["track"] = SUSTAIN, np.repeat(track, 2)
    moves["time"], moves["value"] = np.stack([onset, end], 1).ravel(), np.tile([127, 0], len(onset))
    return moves[np.argsort(moves["time"], kind="stable")]
