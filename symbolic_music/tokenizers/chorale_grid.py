"""Voices on a grid: one token for each voice and step, as in the chorale experiments of many papers.

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
from symbolic_music.score import METER, TEMPO, Array, Score, Track, note_table
from symbolic_music.tokenizers.base import NOTES_AND_TIME, Grammar, Ids, Tokenizer, Vocabulary, whole_ids

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
        """The state after one more id. TokenError when it may not follow here."""
        if not 0 <= int(token) < SIZE or not self.allowed(state)[int(token)]:
            raise TokenError(f"id {token} may not follow here")
        return GridState(True, (state.voice + 1) % self.voices if state.started else 0)

    def violation(self, ids: ArrayLike) -> int | None:
        """Position of the first id out of place, or None; all at once."""
        ids = whole_ids(ids)
        wrong = (ids < 0) | (ids >= START)
        wrong[:1] = ids[:1] != START
        return int(wrong.argmax()) if wrong.any() else None


class GridTokenizer(Tokenizer):
    """See the module's docstring.

    Args:
        voices: a step, 1 to 4. Tracks of programs 40 to 43, each once, are these voices; other tracks with notes, drums
            aside, are taken from the highest mean pitch to the lowest, as many as there are voices.
        steps: of a quarter.
    """

    name: ClassVar[str] = "grid"
    tables = NOTES_AND_TIME

    def __init__(self, preset: str = "default", voices: int = 4, steps: int = 4) -> None:
        if not 1 <= voices <= len(_PROGRAMS) or not 1 <= steps <= 96:
            raise OptionError("grid takes 1 to 4 voices and 1 to 96 steps a quarter")
        self.preset, self.voices, self.steps = preset, voices, steps
        self.vocabulary = _vocabulary()
        self.grammar = GridGrammar(voices)

    def encode(self, score: Score) -> Ids:
        """Ids of a score; of each voice the highest note that sounds at a step's start, where a note begins by then.

        Onsets and ends are rounded to steps, halves up; a note has at least one.
        """
        notes, voice_of = self._voices(score)
        if not len(notes):
            return np.array([START], np.int32)
        tick = score.ticks_per_quarter
        onset = notes["onset"].astype(np.int64)
        first = (2 * onset * self.steps + tick) // (2 * tick)
        last = (2 * (onset + notes["duration"]) * self.steps + tick) // (2 * tick)
        last = np.maximum(last, first + 1)
        grid = np.full((int(last.max()), self.voices), SILENCE, np.int32)
        # What starts later, and of one onset what is higher, stays on top.
        for i in np.lexsort((notes["pitch"], first)).tolist():
            grid[first[i] : last[i], voice_of[i]] = notes["pitch"][i]
        return np.concatenate([[START], grid.ravel()]).astype(np.int32)

    def _voices(self, score: Score) -> tuple[Array, NDArray[np.int64]]:
        """The notes that have a voice, and which."""
        drums = np.array([track.is_drum for track in score.tracks], bool)
        notes = score.notes[~drums[score.notes["track"]]] if len(score) else score.notes
        tracks = np.unique(notes["track"]).tolist()
        programs = [score.tracks[track].program for track in tracks]
        own = _PROGRAMS[: self.voices]
        if len(set(programs)) == len(programs) and set(programs) <= set(own):
            voices = {track: own.index(program) for track, program in zip(tracks, programs, strict=True)}
        else:
            mean = {track: -float(notes["pitch"][notes["track"] == track].mean()) for track in tracks}
            voices = {track: voice for voice, track in enumerate(sorted(tracks, key=mean.__getitem__))}
        voice_of = np.array([voices[int(track)] for track in notes["track"]], np.int64)
        kept = voice_of < self.voices
        return notes[kept], voice_of[kept]

    def decode(self, ids: ArrayLike) -> Score:
        """The score of one track a voice that these ids stand for; equal neighbours are one note."""
        ids = self.check(ids)
        ids = ids[1:] if len(ids) and ids[0] == START else ids
        if (ids == START).any():
            raise TokenError("START may only be the first id")
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
        return Score(
            ticks_per_quarter=unit * self.steps,
            tempos=np.array([(0, _TEMPO)], TEMPO),
            meters=np.array([(0, 4, 4)], METER),
            notes=note_table(
                onset=table[:, 0] * unit,
                duration=table[:, 1] * unit,
                pitch=table[:, 2],
                velocity=np.full(len(table), 80),
                program=np.array(_PROGRAMS)[table[:, 3]],
                channel=table[:, 3],
                track=table[:, 3],
            ),
            tracks=tuple(map(Track, _NAMES[: self.voices], _PROGRAMS)),
        )

    def to_config(self) -> dict[str, Any]:
        """Name, preset and options."""
        return {"name": self.name, "preset": self.preset, "voices": self.voices, "steps": self.steps}
