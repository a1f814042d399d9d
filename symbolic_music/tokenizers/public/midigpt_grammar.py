"""The grammar of MIDI-GPT: whole pieces, and bars that are filled in after the tracks."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, whole_ids
from symbolic_music.tokenizers.public.midigpt_layout import SHIFTS, Layout


class State(NamedTuple):
    """The state of the grammar: the last id, and the position in a piece.

    Args:
        last: the kind of the last id.
        is_drum: of the track, or of the bar that is filled.
        time: steps into the bar of the last onset, -1 before any.
        steps: of the bar.
        fills: whether bars may be left to be filled.
        waiting: (is_drum, steps) of the bars to be filled, the next first.
        filling: whether a bar is being filled.
        on_grid: whether onsets are not shifted off their steps.
    """

    last: str = ""
    is_drum: bool = False
    time: int = -1
    steps: int = 0
    fills: bool = False
    waiting: tuple[tuple[bool, int], ...] = ()
    filling: bool = False
    on_grid: bool = False


class MidiGptGrammar(Grammar):
    """See the module's docstring. A piece may go on with further tracks; one whose bars are filled ends."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._kinds = [(kind, value) for kind, size in layout.size.items() for value in range(size)]
        self._can_fill = all(kind in layout.first for kind in ("FillInPlaceholder", "FillInStart", "FillInEnd"))
        self._mask = lru_cache(maxsize=4096)(self._masked)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None. TokenError unless they are whole numbers in a row."""
        return super().violation(whole_ids(ids))

    def start(self) -> State:
        """The state before the first id."""
        return State()

    @override
    def allowed(self, state: State) -> NDArray[np.bool_]:
        return self._mask(*state[:5], len(state.waiting) > 0, state.filling, state.on_grid)

    @override
    def advance(self, state: State, token: int) -> State:
        if not 0 <= token < len(self._kinds) or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow {state.last or 'nothing'}")
        kind, value = self._kinds[token]
        state = state._replace(last=kind)
        if kind == "PieceStart":
            return state._replace(fills=value == 1)
        if kind == "UseMicrotiming":
            return state._replace(on_grid=value == 0)
        if kind == "Track":
            return state._replace(is_drum=value == 1)
        if kind == "TimeSig":
            numerator, denominator = self._layout.meters[value]
            return state._replace(time=-1, steps=round(4 * self._layout.resolution * numerator / denominator))
        if kind == "TimeAbsolutePos":
            return state._replace(time=value)
        if kind in ("NoteOnset", "VelocityLevel"):
            return state._replace(time=max(state.time, 0))
        if kind == "FillInPlaceholder":
            return state._replace(waiting=(*state.waiting, (state.is_drum, state.steps)))
        if kind == "FillInStart":
            (is_drum, steps), *rest = state.waiting
            return state._replace(is_drum=is_drum, steps=steps, time=-1, waiting=tuple(rest), filling=True)
        if kind == "FillInEnd":
            return state._replace(filling=False)
        return state

    def _masked(
        self,
        last: str,
        is_drum: bool,
        time: int,
        steps: int,
        fills: bool,
        is_waiting: bool,
        filling: bool,
        on_grid: bool,
    ) -> NDArray[np.bool_]:
        layout = self._layout
        mask = np.zeros(len(self._kinds), bool)
        for kind in self._following(last, is_drum, fills, is_waiting, filling):
            if on_grid and kind in SHIFTS:
                continue
            if kind not in layout.first:
                continue
            first, size = layout.first[kind], layout.size[kind]
            if kind == "PieceStart" and not self._can_fill:
                size = 1
            values = np.ones(size, bool)
            if kind == "TimeAbsolutePos":
                at = np.arange(size)
                values = (at > max(time, 0)) & (at < steps)
            if kind == "VelocityLevel":
                values[0] = False
            mask[first : first + size] = values
        mask.flags.writeable = False
        return mask

    def _following(self, last: str, is_drum: bool, fills: bool, is_waiting: bool, filling: bool) -> tuple[str, ...]:
        """Kinds that may follow a kind."""
        closing = "FillInEnd" if filling else "BarEnd"
        attributes, of_bars, switches = self._layout.attributes, self._layout.bar_attributes, self._layout.switches
        shifts = SHIFTS if self._layout.shifts else ()
        after_note = ("TimeAbsolutePos", "VelocityLevel", *shifts, "NoteOnset", closing)
        if last in attributes:
            return (*attributes[attributes.index(last) + 1 :], "Bar")
        if last in of_bars:
            return (*of_bars[of_bars.index(last) + 1 :], "TimeSig")
        if switches and last in ("PieceStart", *switches[:-1]):
            return (switches[0 if last == "PieceStart" else switches.index(last) + 1],)
        if last == "NoteOnset" and not is_drum:
            return ("NoteDuration",)
        if last in ("FillInEnd", "TrackEnd") and is_waiting:
            return ("FillInStart",) if last == "FillInEnd" else ("FillInStart", "Track")
        following: dict[str, tuple[str, ...]] = {
            "": ("PieceStart",),
            "PieceStart": ("Genre", "NumBars"),
            **dict.fromkeys(switches[-1:], ("Genre", "NumBars")),
            "Genre": ("NumBars",),
            "NumBars": ("Track",),
            "Track": ("Instrument",),
            "Instrument": (*attributes, "Bar"),
            "Bar": (*of_bars, "TimeSig"),
            "TimeSig": (*after_note, *(("FillInPlaceholder",) if fills else ())),
            "FillInPlaceholder": ("BarEnd",),
            "FillInStart": after_note,
            "TimeAbsolutePos": ("VelocityLevel", *shifts, "NoteOnset"),
            "VelocityLevel": (*shifts, "NoteOnset"),
            "DeltaDirection": ("Delta",),
            "Delta": ("NoteOnset",),
            "NoteOnset": after_note,
            "NoteDuration": after_note,
            "BarEnd": ("Bar", "TrackEnd"),
            "TrackEnd": ("Track",),
            "FillInEnd": (),
        }
        return following[last]
