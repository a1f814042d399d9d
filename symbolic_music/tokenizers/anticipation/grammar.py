"""The grammar of the anticipatory encodings: triples (quadruples with velocity) of events and controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.anticipation import vocabulary as v
from symbolic_music.tokenizers.base import Grammar, whole_ids

_FLAGS = (v.AUTOREGRESS, v.ANTICIPATE)
_SIZES = {3: v.SIZE, 4: v.EXPRESSIVE_SIZE}


@dataclass(frozen=True)
class _State:
    slot: int = -1  # field of the next id; -1 where a flag may stand as well
    control: bool = False
    duration: int = 0
    rest: bool = False
    separators: int = 0  # how many must follow
    event_time: int = 0
    control_time: int = 0


class AnticipationGrammar(Grammar):
    """A flag or none, then rows of one kind: event times never fall, control times never fall.

    A rest has duration 0, and velocity bin 0 where velocities are written. As many SEPARATORs as a row has fields
    stand between pieces and set both clocks back to 0. Times are below 100 s: the absolute times that `encode` gives
    beyond do not obey; models see windows with times of their own.

    Args:
        fields: 3 for (time, duration, note), 4 with velocity.
    """

    def __init__(self, fields: int = 3) -> None:
        self.fields = fields

    def start(self) -> _State:
        """Before a flag or the first row."""
        return _State()

    def allowed(self, state: _State) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (55028,), or (55092,) with velocity."""
        mask = np.zeros(_SIZES[self.fields], bool)
        if state.separators:
            mask[v.SEPARATOR] = True
        elif state.slot <= 0:
            mask[v.TIME + state.event_time : v.DURATION] = True
            mask[v.ATIME + state.control_time : v.ADURATION] = True
            mask[v.SEPARATOR] = True
            mask[v.AUTOREGRESS : v.ANTICIPATE + 1] = state.slot < 0
        else:
            first = (v.CONTROL_BLOCKS if state.control else v.EVENT_BLOCKS)[state.slot]
            mask[first : first + (1 if state.rest else v.BLOCK_SIZES[state.slot])] = True
            if state.slot == 2:
                mask[v.REST] = not state.control and state.duration == 0
        mask.flags.writeable = False
        return mask

    def advance(self, state: _State, token: int) -> _State:
        """The state after one more id."""
        token = int(token)
        if not 0 <= token < _SIZES[self.fields] or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow here")
        if token == v.SEPARATOR:
            left = (state.separators or self.fields) - 1
            return _State(slot=0, separators=left)
        if token in _FLAGS:
            return _State(slot=0)
        times = (state.event_time, state.control_time)
        if state.slot <= 0:
            control = token >= v.CONTROL
            times = (times[0], token - v.ATIME) if control else (token - v.TIME, times[1])
            return _State(1, control, 0, False, 0, *times)
        duration = token - (v.ADURATION if state.control else v.DURATION) if state.slot == 1 else state.duration
        if state.slot == self.fields - 1:
            return _State(0, False, 0, False, 0, *times)
        return _State(state.slot + 1, state.control, duration, token == v.REST, 0, *times)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None when all obey. Reads all ids at once.

        Each id is judged as if all before it stood right: so the first that is judged wrong is wrong.
        """
        array = whole_ids(ids)
        offset = int(len(array) > 0 and array[0] in _FLAGS)
        body = array[offset:]
        # A row cut short is filled up with what is not looked at.
        rows = np.append(body, np.zeros(-len(body) % self.fields, np.int64)).reshape(-1, self.fields)
        time = rows[:, 0]
        is_separator = time == v.SEPARATOR
        is_control = (time >= v.ATIME) & (time < v.ADURATION)
        is_event = (time >= v.TIME) & (time < v.DURATION)
        wrong = np.empty(rows.shape, bool)
        wrong[:, 0] = ~(is_separator | is_control | is_event)
        piece = np.cumsum(is_separator)
        for kind in (is_event, is_control):
            at = np.flatnonzero(kind)
            falls = (np.diff(time[at]) < 0) & (np.diff(piece[at]) == 0)
            wrong[at[1:][falls], 0] = True
        is_rest = (rows[:, 2] == v.REST) & ~is_control
        for field in range(1, self.fields):
            value = rows[:, field] - np.where(is_control, v.CONTROL_BLOCKS[field], v.EVENT_BLOCKS[field])
            good = (value >= 0) & (value < v.BLOCK_SIZES[field])
            if field == 2:
                good |= is_rest & (rows[:, 1] == v.DURATION)
            elif field == 3:
                good &= ~is_rest | (value == 0)
            wrong[:, field] = np.where(is_separator, rows[:, field] != v.SEPARATOR, ~good)
        judged = wrong.ravel()[: len(body)]
        return offset + int(np.argmax(judged)) if judged.any() else None
