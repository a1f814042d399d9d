"""Voices on a grid: a token a voice and step, in turn, as the chorale experiments of many papers have them.

Ids 0 to 127 are pitches, 128 is silence, 129 stands at the start. After it come the voices of the first step from the
highest to the lowest, then those of the second. A note that is held and one that is struck again are the same tokens.

Source: Huang et al. 2018 (arXiv 1809.04281), section 4.1: the serialised grid of JSB Chorales.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import OptionError, TokenError
from symbolic_music.score import METER, TEMPO, Score, Track, note_table
from symbolic_music.tokenizers.base import Grammar, Ids, Tokenizer, Vocabulary

SILENCE, START, SIZE = 128, 129, 130
_TICKS = 480
_NAMES = ("Soprano", "Alto", "Tenor", "Bass")
# String programs: one for each voice, so that a program names its voice.
_PROGRAMS = (40, 41, 42, 43)
_TEMPO = 600_000  # microseconds a quarter; the grid has no tempo


@lru_cache
def _vocabulary() -> Vocabulary:
    return Vocabulary(((*(f"Pitch_{p}" for p in range(128)), "Silence_None", "Start_None"),))


@dataclass(frozen=True)
class GridState:
    """Whether the start has been, and the voice that is next."""

    started: bool = False
    voice: int = 0


class GridGrammar(Grammar):
    """START once, then pitches and silence. A step may be left unfinished; decoding fills it with silence."""

    def __init__(self, voices: int) -> None:
        self.voices = voices

    def start(self) -> GridState:
        """Nothing has been."""
        return GridState()

    def allowed(self, state: GridState) -> NDArray[np.bool_]:
        """Mask of the ids that may follow, shape (130,), read-only."""
        mask = np.full(SIZE, state.started)
        mask[START] = not state.started
        mask.flags.writeable = False
        return mask

    def advance(self, state: GridState, token: int) -> GridState:
        """The state after one more id. TokenError when it may not stand here."""
        if not 0 <= int(token) < SIZE or not self.allowed(state)[int(token)]:
            raise TokenError(f"id {token} may not stand here")
        return GridState(True, (state.voice + 1) % self.voices if state.started else 0)


class GridTokenizer(Tokenizer):
    """See the module's docstring.

    Args:
        voices: a step; the first so many tracks with notes that are not drums, from the highest to the lowest mean.
        steps: of a quarter.
    """

    name: ClassVar[str] = "grid"

    def __init__(self, preset: str = "default", voices: int = 4, steps: int = 4) -> None:
        if not 1 <= voices <= 64 or not 1 <= steps <= 96:
            raise OptionError("grid takes 1 to 64 voices and 1 to 96 steps a quarter")
        self.preset, self.voices, self.steps = preset, voices, steps
        self.vocabulary = _vocabulary()
        self.grammar = GridGrammar(voices)

    def encode(self, score: Score) -> Ids:
        """Ids of a score; of each voice the highest note that sounds at a step's start, where a note begins by then.

        Onsets and ends are rounded to steps, halves up; a note has at least one.
        """
        notes = score.notes[[not score.tracks[track].is_drum for track in score.notes["track"]]]
        tracks = sorted(
            np.unique(notes["track"]).tolist(), key=lambda t: -float(notes["pitch"][notes["track"] == t].mean())
        )
        if not tracks:
            return np.array([START], np.int32)
        tick = score.ticks_per_quarter
        onset = notes["onset"].astype(np.int64)
        first = (2 * onset * self.steps + tick) // (2 * tick)
        last = (2 * (onset + notes["duration"]) * self.steps + tick) // (2 * tick)
        last = np.maximum(last, first + 1)
        grid = np.full((int(last.max()), self.voices), SILENCE, np.int32)
        for voice, track in enumerate(tracks[: self.voices]):
            own = np.flatnonzero(notes["track"] == track)
            # What starts later, and of one onset what is higher, stays on top.
            for i in own[np.lexsort((notes["pitch"][own], first[own]))]:
                grid[first[i] : last[i], voice] = notes["pitch"][i]
        return np.concatenate([[START], grid.ravel()]).astype(np.int32)

    def decode(self, ids: ArrayLike) -> Score:
        """The score of one track a voice that these ids stand for; equal neighbours are one note."""
        ids = self.check(ids)
        ids = ids[1:] if len(ids) and ids[0] == START else ids
        if (ids == START).any():
            raise TokenError("START may only stand first")
        steps = -(-len(ids) // self.voices)
        grid = np.full(steps * self.voices, SILENCE, np.int64)
        grid[: len(ids)] = ids
        columns = grid.reshape(steps, self.voices)
        tables = []
        for voice in range(self.voices):
            pitch = columns[:, voice]
            change = np.flatnonzero(np.diff(pitch, prepend=-1))
            length = np.diff(change, append=steps)
            one = np.stack([change, length, pitch[change], np.full(len(change), voice)], axis=1)
            tables.append(one[one[:, 2] < SILENCE])
        table = np.concatenate(tables)
        unit = _TICKS // self.steps if _TICKS % self.steps == 0 else 1
        four = self.voices == len(_NAMES)
        return Score(
            ticks_per_quarter=unit * self.steps,
            tempos=np.array([(0, _TEMPO)], TEMPO),
            meters=np.array([(0, 4, 4)], METER),
            notes=note_table(
                onset=table[:, 0] * unit,
                duration=table[:, 1] * unit,
                pitch=table[:, 2],
                velocity=80,
                program=np.array(_PROGRAMS)[table[:, 3]] if four else 0,
                channel=table[:, 3] if four else 0,
                track=table[:, 3],
            ),
            tracks=tuple(
                Track(_NAMES[v], _PROGRAMS[v]) if four else Track(f"Voice {v + 1}", 0) for v in range(self.voices)
            ),
        )

    def to_config(self) -> dict[str, Any]:
        """Name, preset and options."""
        return {"name": self.name, "preset": self.preset, "voices": self.voices, "steps": self.steps}
