"""The grammar of flat encodings: allowed sequences of types, increasing positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, Vocabulary, whole_ids

START = "START"  # the "type" before the first token
_UNKNOWN, _PITCHED, _DRUMS = -1, 0, 1


@dataclass(frozen=True)
class FlatState:
    """The state of the grammar.

    `last` is the type of the last token, `floor` the lowest position that may come in this bar, `capacity` the
    number of positions of the bar, `drums` -1 when no program was named in this bar, else whether it is drums.
    """

    last: str = START
    floor: int = 0
    capacity: int = 0
    drums: int = _UNKNOWN


class FlatGrammar(Grammar):
    """Token types by a table of what may follow what, and three rules on values.

    - A Position is below the capacity of its bar (the TimeSig's, or `capacity` where there are none), and above
      the last one in the bar, or with `repeats` not below it. Bar and Rest set it back.
    - With `by_program`, Pitch (and Chord, where it follows a Program) comes only where the Program in force is not
      -1, PitchDrum only where it is; a Bar resets the program.

    Args:
        vocabulary: one field.
        follows: type -> types that may follow it, START included.
        capacity: positions of a bar; a function from the value of a TimeSig ("3/4"), or a constant.
        repeats: whether a position may be named again.
        by_program: whether pitches depend on programs.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        follows: Mapping[str, Iterable[str]],
        capacity: int | Callable[[str], int],
        repeats: bool = False,
        by_program: bool = False,
    ) -> None:
        names = vocabulary.fields[0]
        self._types = [START, *dict.fromkeys(name.partition("_")[0] for name in names)]
        number = {name: i for i, name in enumerate(self._types)}
        self._type_of = np.array([number[name.partition("_")[0]] for name in names])
        self._follows = np.zeros((len(self._types), len(self._types)), bool)
        for before, after in follows.items():
            for one in after:
                if before in number and one in number:
                    self._follows[number[before], number[one]] = True
        self._number = number
        self._repeats, self._by_program = repeats, by_program
        pitched = [kind for kind in ("Pitch", "Chord") if kind in follows.get("Program", ())]
        self._of_pitched = np.isin(self._type_of, [number.get(kind, -1) for kind in pitched])
        self._of_drums = self._type_of == number.get("PitchDrum", -1)
        value = [name.partition("_")[2] for name in names]
        # A number a token: the position of a Position, the capacity of a TimeSig, the program of a Program.
        self._value = np.zeros(len(names), np.int64)
        self._constant = capacity if isinstance(capacity, int) else 0
        for i, name in enumerate(names):
            if name.startswith("Position_"):
                # The original writes positions 1/16 to 16/16.
                numerator, slash, _ = value[i].partition("/")
                self._value[i] = int(numerator) - bool(slash)
            elif name.startswith("Program_"):
                self._value[i] = int(value[i])
            elif name.startswith("TimeSig_") and not isinstance(capacity, int):
                self._value[i] = capacity(value[i])
        self._masks: dict[FlatState, NDArray[np.bool_]] = {}

    def start(self) -> FlatState:
        """Before the first token."""
        return FlatState(capacity=self._constant)

    def allowed(self, state: FlatState) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (vocabulary,), read-only."""
        mask = self._masks.get(state)
        if mask is None:
            mask = self._masks[state] = self._build_mask(state)
        return mask

    def _build_mask(self, state: FlatState) -> NDArray[np.bool_]:
        mask = self._follows[self._number[state.last]][self._type_of]
        mask &= ~self._is("Position") | ((self._value >= state.floor) & (self._value < state.capacity))
        if self._by_program:
            mask &= ~self._of_pitched | (state.drums == _PITCHED)
            mask &= ~self._of_drums | (state.drums == _DRUMS)
        mask.flags.writeable = False
        return np.asarray(mask)

    def _is(self, kind: str) -> NDArray[np.bool_]:
        return np.asarray(self._type_of == self._number.get(kind, -1))

    def advance(self, state: FlatState, token: int) -> FlatState:
        """The state after one more id. TokenError when it may not follow here."""
        token = int(token)
        if not 0 <= token < len(self._type_of) or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow {state.last}")
        kind, value = self._types[self._type_of[token]], int(self._value[token])
        floor, capacity, drums = state.floor, state.capacity, state.drums
        if kind == "Bar":
            floor, drums = 0, _UNKNOWN
        elif kind == "Rest":
            floor = 0
        elif kind == "Position":
            floor = value + (not self._repeats)
        elif kind == "TimeSig":
            capacity = value
        elif kind == "Program":
            drums = _DRUMS if value == -1 else _PITCHED
        return FlatState(kind, floor, capacity, drums)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None; all at once.

        Each condition looks at what came before an id, so the first id that breaks one is the first violation.
        """
        ids = whole_ids(ids)
        inside = (ids >= 0) & (ids < len(self._type_of))
        if not inside.all():
            outside = int(np.argmin(inside))
            before = self.violation(ids[:outside])
            return outside if before is None else before
        if not len(ids):
            return None
        kind = self._type_of[ids]
        good = self._follows[np.append(self._number[START], kind[:-1]), kind]
        value = self._value[ids]

        def last(kinds: Iterable[str]) -> NDArray[np.int64]:
            """Index of the last token of these types before each token, -1 when there is none."""
            index = np.full(len(ids) + 1, -1)
            for one in kinds:
                rows = np.flatnonzero(kind == self._number.get(one, -1))
                index[rows + 1] = rows
            return np.asarray(np.maximum.accumulate(index)[:-1])

        rows = np.flatnonzero(kind == self._number["Position"])
        position = last(["Position"])[rows]
        reset = last(["Bar", "Rest"])[rows]
        floor = np.where(position > reset, value[position] + (not self._repeats), 0)
        meter = last(["TimeSig"])[rows]
        capacity = np.where(meter >= 0, value[meter], self._constant)
        good[rows] &= (value[rows] >= floor) & (value[rows] < capacity)
        if self._by_program:
            rows = np.flatnonzero(self._of_pitched[ids] | self._of_drums[ids])
            program, bar = last(["Program"])[rows], last(["Bar"])[rows]
            drums = np.where(program > bar, value[program] == -1, _UNKNOWN)
            wanted = np.where(self._of_drums[ids[rows]], _DRUMS, _PITCHED)
            good[rows] &= drums == wanted
        return None if good.all() else int(np.argmin(good))
