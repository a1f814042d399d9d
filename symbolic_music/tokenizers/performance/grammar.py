"""The grammar of performance events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError
from symbolic_music.tokenizers.base import Grammar, whole_ids
from symbolic_music.tokenizers.performance.decoding import matched_offs
from symbolic_music.tokenizers.performance.vocabulary import EOS, PAD, Layout


@dataclass(frozen=True)
class PerformanceState:
    """What may follow depends on the open notes, on whether a velocity is known or was just named, and on EOS."""

    sounding: tuple[int, ...] = ()  # pitches above the lowest, sorted, one entry for each open note
    has_velocity: bool = False
    after_velocity: bool = False
    ended: bool = False


class PerformanceGrammar(Grammar):
    """A note on needs a velocity before it, a note off a sounding note; a velocity is followed by a note on.

    After EOS only PAD follows. Notes may be left open: decoding ends them with the events.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def start(self) -> PerformanceState:
        """Nothing sounds."""
        return PerformanceState()

    def allowed(self, state: PerformanceState) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (vocabulary,), read-only."""
        at = self.layout
        mask = np.zeros(at.size, bool)
        if state.ended:
            mask[PAD] = True
        else:
            mask[at.on : at.off] = state.has_velocity
            if not state.after_velocity:
                mask[[at.off + pitch for pitch in state.sounding]] = True
                mask[at.shift :] = True
                if at.specials:
                    mask[EOS] = True
        mask.flags.writeable = False
        return mask

    def advance(self, state: PerformanceState, token: int) -> PerformanceState:
        """The state after one more id. TokenError when it may not follow here."""
        at, token = self.layout, int(token)
        if not 0 <= token < at.size or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not follow here")
        sounding, has_velocity = state.sounding, state.has_velocity
        if token >= at.velocity:
            return PerformanceState(sounding, True, True)
        if token >= at.shift:
            return PerformanceState(sounding, has_velocity)
        if token >= at.off:
            ended = sounding.index(token - at.off)
            return PerformanceState(sounding[:ended] + sounding[ended + 1 :], has_velocity)
        if token >= at.on:
            return PerformanceState(tuple(sorted((*sounding, token - at.on))), has_velocity)
        return PerformanceState(sounding, has_velocity, ended=True)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None; all at once.

        Each condition looks at what came before an id, so the first id that breaks one is the first violation.
        """
        at = self.layout
        ids = whole_ids(ids)
        is_on, is_off = (ids >= at.on) & (ids < at.off), (ids >= at.off) & (ids < at.shift)
        loud = ids >= at.velocity
        good = (ids >= 0) & (ids < at.size)
        good[1:] &= is_on[1:] | ~loud[:-1]
        known = _first(loud)
        good[:known] &= ~is_on[:known]
        sounds = np.flatnonzero(is_on | is_off)
        order, matched = matched_offs((ids[sounds] - at.on) % at.pitches, is_off[sounds])
        good[sounds[order]] &= matched | is_on[sounds[order]]
        if at.specials:
            end = _first(ids == EOS)
            good[:end] &= ids[:end] != PAD
            good[end + 1 :] &= ids[end + 1 :] == PAD
        return None if good.all() else int(np.argmin(good))


def _first(mask: NDArray[np.bool_]) -> int:
    """Index of the first True, or the length."""
    return int(np.argmax(mask)) if mask.any() else len(mask)
