"""Performance events: note on, note off, time shift, velocity (Simon & Oore 2017; Oore et al. 2018).

Sustain is folded into the notes first. Lost on the way: tracks and programs (all notes become one piano track),
tempo, meter and controllers, times finer than 10 ms, velocities finer than 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import TokenError, UnknownNameError
from symbolic_music.score import TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary
from symbolic_music.tokenizers.performance_events import events
from symbolic_music.tokenizers.performance_layout import LAYOUTS, Layout

# At 120 quarters a minute one tick is one step of 10 ms.
_TICKS_PER_QUARTER, _MICROSECONDS = 50, 500_000


class PerformanceTokenizer(Tokenizer):
    """Presets: `default`, note-seq's 388 ids; `score2perf`, Music Transformer's 310 (pitches 21-108, PAD, EOS).

    All tracks are taken together, drums too, as note-seq's conversion does. Pitches outside the layout are
    dropped. Score2perf's EOS is not written by `encode`; `decode` stops at it and skips PAD.
    """

    name: ClassVar[str] = "performance"

    def __init__(self, preset: str = "default") -> None:
        if preset not in LAYOUTS:
            raise UnknownNameError(f"performance has no preset {preset!r}: choose from {', '.join(LAYOUTS)}")
        self.preset = preset
        self.layout = LAYOUTS[preset]
        self.vocabulary = Vocabulary((self.layout.names(),))
        self.grammar = PerformanceGrammar(self.layout)

    def to_config(self) -> dict[str, Any]:
        """Name and preset."""
        return {"name": self.name, "preset": self.preset}

    def encode(self, score: Score) -> Ids:
        """Ids of a score, int32, shape (n,)."""
        return events(score, self.layout)

    def decode(self, ids: ArrayLike) -> Score:
        """One piano track of these events: a note off ends the first open note of its pitch.

        A note off without a note, and a note of no length, are skipped; notes still open end with the events.
        """
        at = self.layout
        open_notes: dict[int, list[tuple[int, int]]] = {}
        rows: list[tuple[int, int, int, int]] = []
        time, velocity = 0, 64
        for token in self.check(ids).tolist():
            if token >= at.velocity:
                velocity = 1 + 4 * (token - at.velocity)
            elif token >= at.shift:
                time += token - at.shift + 1
            elif token >= at.off:
                pitch = token - at.off + at.low
                if open_notes.get(pitch):
                    begun, loud = open_notes[pitch].pop(0)
                    if time > begun:
                        rows.append((begun, time - begun, pitch, loud))
            elif token >= at.on:
                open_notes.setdefault(token - at.on + at.low, []).append((time, velocity))
            elif token == 1:  # EOS
                break
        rows += [(b, time - b, p, loud) for p, notes in open_notes.items() for b, loud in notes if time > b]
        table = np.array(sorted(rows), np.int64).reshape(-1, 4)
        return Score(
            ticks_per_quarter=_TICKS_PER_QUARTER,
            tempos=np.array([(0, _MICROSECONDS)], TEMPO),
            notes=note_table(
                onset=table[:, 0], duration=table[:, 1], pitch=table[:, 2], velocity=table[:, 3],
                program=np.zeros(len(table)), channel=np.zeros(len(table)), track=np.zeros(len(table)),
            ),
            tracks=(Track("Piano"),),
        )  # fmt: skip


@dataclass(frozen=True)
class _State:
    sounding: tuple[int, ...] = ()  # pitches, one entry for each open note
    has_velocity: bool = False
    after_velocity: bool = False
    ended: bool = False


class PerformanceGrammar(Grammar):
    """A note on needs a velocity before it, a note off a sounding note; a velocity is followed by a note on.

    After EOS only PAD follows. Notes may be left open: decoding ends them with the events.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def start(self) -> _State:
        """Nothing sounds."""
        return _State()

    def allowed(self, state: _State) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (vocabulary,)."""
        at = self.layout
        mask = np.zeros(at.size, bool)
        if state.ended:
            mask[0] = True
            return mask
        mask[at.on : at.off] = state.has_velocity
        if state.after_velocity:
            return mask
        mask[[at.off + p for p in state.sounding]] = True
        mask[at.shift :] = True
        if at.specials:
            mask[1] = True
        return mask

    def advance(self, state: _State, token: int) -> _State:
        """The state after one more id."""
        at, token = self.layout, int(token)
        if not 0 <= token < at.size or not self.allowed(state)[token]:
            raise TokenError(f"id {token} may not stand here")
        if token >= at.velocity:
            return _State(state.sounding, True, True)
        if token >= at.shift:
            return _State(state.sounding, state.has_velocity)
        if token >= at.off:
            sounding = list(state.sounding)
            sounding.remove(token - at.off)
            return _State(tuple(sounding), state.has_velocity)
        if token >= at.on:
            return _State((*state.sounding, token - at.on), state.has_velocity)
        return _State(state.sounding, state.has_velocity, ended=True)
