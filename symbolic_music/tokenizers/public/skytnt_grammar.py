"""The grammar of SkyTNT's rows: a beginning, events in order of time, an end; each with the parameters of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, whole_ids
from symbolic_music.tokenizers.public.skytnt_vocabulary import BOS, EOS, FIELDS, PAD, STEPS, RowLayout

Mask = NDArray[np.bool_]
_SINGLE = {BOS, EOS}


class RowState(NamedTuple):
    """Where a piece is (before, within, after), and the step of the quarter of its last event."""

    where: str = "before"
    step: int = 0


class SkyTntGrammar(Grammar):
    """Rows of eight ids. Notes are of at least one step, and not silent.

    A sampler that draws field by field asks `given` with the fields drawn so far.
    """

    def __init__(self, layout: RowLayout) -> None:
        self._layout, self._size = layout, len(layout.names)
        self._forms: dict[int, tuple[Mask, ...]] = {
            single: tuple(self._only(single if field == 0 else PAD) for field in range(FIELDS)) for single in _SINGLE
        }
        for kind, number in layout.kinds.items():
            fields = [self._only(number)]
            for name in layout.parameters[kind]:
                least = int(name == "duration" or (kind == "note" and name == "velocity"))
                first = layout.first[name]
                fields.append(self._range(first + least, first + layout.sizes[name]))
            self._forms[number] = (*fields, *[self._only(PAD)] * (FIELDS - len(fields)))
        self._now = layout.first["time1"]
        self._steps = layout.first["time2"]
        self._masks = {state: self._built(state, (None,) * FIELDS) for state in self._states()}

    @override
    def start(self) -> RowState:
        return RowState()

    @override
    def allowed(self, state: RowState) -> tuple[Mask, ...]:
        return self._masks[state]

    def within(self, step: int) -> RowState:
        """The state after an event on this step of its quarter."""
        return RowState("within", step)

    def given(self, state: RowState, row: Sequence[int | None]) -> tuple[Mask, ...]:
        """For each field the ids of the allowed rows that hold the ids of `row`; None marks a field not drawn."""
        return self._built(state, tuple(None if token is None else int(token) for token in row))

    def following(self, state: RowState, drawn: Sequence[int]) -> Mask:
        """The ids that may come next in a row of which some are drawn, in order."""
        if not drawn:
            return self.allowed(state)[0]
        mask = self._forms[drawn[0]][len(drawn)]
        if len(drawn) == 2 and drawn[0] not in _SINGLE and drawn[1] == self._now:
            mask = mask & self._range(self._steps + state.step, self._steps + STEPS)
        return mask

    @override
    def advance(self, state: RowState, token: Any) -> RowState:
        row = np.asarray(token).tolist()
        if not isinstance(row, list) or len(row) != FIELDS or not self._holds(state, row):
            raise TokenError(f"row {tuple(np.atleast_1d(token).tolist())} may not follow here")
        if row[0] in _SINGLE:
            return RowState("within" if row[0] == BOS else "after")
        return RowState("within", row[2] - self._steps)

    @override
    def violation(self, ids: ArrayLike) -> int | None:
        return super().violation(whole_ids(ids, FIELDS))

    def _states(self) -> list[RowState]:
        return [RowState(), RowState("after"), *(RowState("within", step) for step in range(STEPS))]

    def _following(self, state: RowState) -> list[int]:
        if state.where == "within":
            return [EOS, *self._layout.kind_of]
        return [BOS] if state.where == "before" else []

    def _holds(self, state: RowState, row: list[int]) -> bool:
        form = self._forms.get(row[0]) if row[0] in self._following(state) else None
        if form is None or not all(0 <= t < self._size and mask[t] for mask, t in zip(form, row, strict=True)):
            return False
        return row[0] in _SINGLE or row[1] != self._now or row[2] - self._steps >= state.step

    def _built(self, state: RowState, row: tuple[int | None, ...]) -> tuple[Mask, ...]:
        total = [np.zeros(self._size, bool) for _ in range(FIELDS)]
        kinds = self._following(state)
        for kind in kinds if row[0] is None else [row[0]] if row[0] in kinds else []:
            fields = list(self._forms[kind])
            if kind not in _SINGLE:
                # Within the same quarter time does not go back.
                if row[1] == self._now:
                    fields[2] = fields[2] & self._range(self._steps + state.step, self._steps + STEPS)
                if row[2] is not None and row[2] - self._steps < state.step:
                    fields[1] = fields[1] & ~self._only(self._now)
            if all(t is None or (0 <= t < self._size and mask[t]) for mask, t in zip(fields, row, strict=True)):
                for place, (mask, token) in enumerate(zip(fields, row, strict=True)):
                    total[place] |= mask if token is None else self._only(token)
        for mask in total:
            mask.flags.writeable = False
        return tuple(total)

    def _only(self, token: int) -> Mask:
        return self._range(token, token + 1)

    def _range(self, first: int, last: int) -> Mask:
        mask = np.zeros(self._size, bool)
        mask[first:last] = True
        return mask
