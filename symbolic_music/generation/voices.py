"""How the tracks of a score sound around a region, which is how new notes in them sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symbolic_music.generation.parts import velocity_around
from symbolic_music.generation.regions import Span
from symbolic_music.score import DRUM_CHANNEL, DRUM_INSTRUMENT, Array, Score, Track


@dataclass(frozen=True)
class Voice:
    """What the new notes of a track have in common, and its mean pitch."""

    program: int
    channel: int
    velocity: int
    pitch: float

    @property
    def instrument(self) -> int:
        """Its program, or 128 for drums."""
        return DRUM_INSTRUMENT if self.channel == DRUM_CHANNEL else self.program


def voice_of(score: Score, given: Array, track: int, described: Track, span: Span) -> Voice:
    """How a track sounds around a region.

    Program and channel are those of its last note before the region, else of its first, else what the track says.
    The velocity is the median of the sixteen notes given in the track that are nearest to the region; where it has
    none, of all that it played; then of all notes of the score; else 80.
    """
    first, last = span
    own, kept = (notes[notes["track"] == track] for notes in (score.notes, given))
    before = max(int(np.searchsorted(own["onset"], first, side="right")) - 1, 0)
    heard = next((notes for notes in (kept, own) if len(notes)), score.notes)
    return Voice(
        program=int(own["program"][before]) if len(own) else described.program,
        channel=int(own["channel"][before]) if len(own) else DRUM_CHANNEL * described.is_drum,
        velocity=velocity_around(heard, first, last),
        pitch=float(heard["pitch"].mean()) if len(own) else 60.0,
    )
