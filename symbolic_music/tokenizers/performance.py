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
from symbolic_music.tokenizers.sustain import sustained

SHIFTS, BINS = 100, 32
# At 120 quarters a minute one tick is one step of 10 ms.
_TICKS_PER_QUARTER, _MICROSECONDS = 50, 500_000


@dataclass(frozen=True)
class Layout:
    """Where the blocks of a vocabulary begin: pitches low..high, after `specials` (PAD, EOS)."""

    low: int
    high: int
    specials: tuple[str, ...] = ()

    @property
    def pitches(self) -> int:
        """Number of pitches."""
        return self.high - self.low + 1

    @property
    def on(self) -> int:
        """First NOTE_ON."""
        return len(self.specials)

    @property
    def off(self) -> int:
        """First NOTE_OFF."""
        return self.on + self.pitches

    @property
    def shift(self) -> int:
        """TIME_SHIFT of one step."""
        return self.off + self.pitches

    @property
    def velocity(self) -> int:
        """First VELOCITY bin."""
        return self.shift + SHIFTS

    @property
    def size(self) -> int:
        """Number of ids."""
        return self.velocity + BINS

    def names(self) -> tuple[str, ...]:
        """Name of each id."""
        return (
            *(f"{s}_None" for s in self.specials),
            *(f"NoteOn_{p}" for p in range(self.low, self.high + 1)),
            *(f"NoteOff_{p}" for p in range(self.low, self.high + 1)),
            *(f"TimeShift_{s + 1}" for s in range(SHIFTS)),
            *(f"Velocity_{b + 1}" for b in range(BINS)),
        )


LAYOUTS = {"default": Layout(0, 127), "score2perf": Layout(21, 108, ("PAD", "EOS"))}


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
        at = self.layout
        notes = sustained(score)
        notes = notes[(notes["pitch"] >= at.low) & (notes["pitch"] <= at.high)]
        # note-seq refuses nothing here, but a note of velocity 0 cannot be written.
        notes = notes[notes["velocity"] > 0]
        notes = notes[np.lexsort((notes["pitch"], notes["onset"]))]
        start = _steps(score.seconds(notes["onset"]))
        end = _steps(score.seconds(notes["onset"].astype(np.int64) + notes["duration"]))
        end = np.maximum(end, start + 1)
        count = len(notes)
        step = np.concatenate([start, end])
        index = np.tile(np.arange(count), 2)
        is_off = np.repeat([False, True], count)
        order = np.lexsort((is_off, index, step))
        step, index, is_off = step[order], index[order], is_off[order]
        pitch = notes["pitch"][index].astype(np.int64) - at.low
        bins = (notes["velocity"][index].astype(np.int64) - 1) // 4
        # A velocity stands before the first note on and before each whose bin is not the last one's.
        changed = np.zeros(len(order), bool)
        onsets = np.flatnonzero(~is_off)
        changed[onsets] = np.diff(bins[onsets], prepend=-1) != 0
        gap = np.diff(step, prepend=0)
        full = np.maximum(gap - 1, 0) // SHIFTS
        lengths = full + (gap > 0) + changed + 1
        last = np.cumsum(lengths) - 1
        ids = np.full(int(lengths.sum()), at.shift + SHIFTS - 1, np.int32)
        ids[last] = np.where(is_off, at.off, at.on) + pitch
        ids[(last - 1)[changed]] = at.velocity + bins[changed]
        shifted = gap > 0
        ids[(last - 1 - changed)[shifted]] = at.shift + (gap - SHIFTS * full - 1)[shifted]
        return ids

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


def _steps(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return (seconds * 100 + 0.5).astype(np.int64)


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
