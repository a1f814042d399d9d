"""Program, channel and velocity of each track around a region, for its new notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.generation.regions import Span, inside
from symbolic_music.score import Array, Score, Track

# Notes around a region by which loudness is judged, and of how many alike the median is taken.
_JUDGED, _ALIKE, _FEW = 128, 16, 3
_UNKNOWN_VELOCITY, _UNKNOWN_PITCH = 80, 60.0


@dataclass(frozen=True, eq=False)
class Voice:
    """The common attributes of the new notes of a track.

    Args:
        program, channel: of all of them.
        pitch: mean of those that the track has.
        around: notes by which loudness is judged, the nearest to the region first.
        sixteenth: ticks.
    """

    program: int
    channel: int
    pitch: float
    around: Array
    sixteenth: float

    @property
    def instrument(self) -> int:
        """Its program, or 128 for drums."""
        return DRUM_INSTRUMENT if self.channel == DRUM_CHANNEL else self.program

    def velocity(self, onset: int, pitch: int) -> int:
        """The velocity of a new note: the median of the sixteen nearest similar notes, of all if fewer than three.

        Drums are alike by their pitch, other notes by the sixteenth of the quarter that they begin on.
        """
        if not len(self.around):
            return _UNKNOWN_VELOCITY
        if self.channel == DRUM_CHANNEL:
            alike = self.around["pitch"] == pitch
        else:
            alike = np.rint(self.around["onset"] / self.sixteenth) % 4 == round(onset / self.sixteenth) % 4
        chosen = self.around[alike] if alike.sum() >= _FEW else self.around
        return int(np.clip(np.median(chosen["velocity"][:_ALIKE]), 1, 127))

    def fitted(self, velocity: int) -> int:
        """A velocity within those of the notes around the region."""
        around = self.around["velocity"]
        return int(np.clip(velocity, max(1, around.min()), around.max())) if len(around) else max(1, velocity)


def voice_of(score: Score, given: Array, track: int, described: Track, span: Span) -> Voice:
    """How a track sounds around a region.

    Program and channel are those of its last note before the region, else of its first, else what the track says.
    Loudness is judged by the notes given in the track; where it has none by all that it played, else by all notes.
    """
    first, last = span
    own, kept = (notes[notes["track"] == track] for notes in (score.notes, given))
    before = max(int(np.searchsorted(own["onset"], first, side="right")) - 1, 0)
    judged = next((notes for notes in (kept, own) if len(notes)), score.notes)
    onset = judged["onset"].astype(np.int64)
    nearest = np.argsort(np.maximum(first - onset, onset - last), kind="stable")[:_JUDGED]
    return Voice(
        program=int(own["program"][before]) if len(own) else described.program,
        channel=int(own["channel"][before]) if len(own) else DRUM_CHANNEL * described.is_drum,
        pitch=float(judged["pitch"].mean()) if len(own) else _UNKNOWN_PITCH,
        around=judged[nearest],
        sixteenth=score.ticks_per_quarter / 4,
    )


def rewritten(score: Score, spans: Sequence[Span], tracks: Sequence[int]) -> tuple[Array, Array, dict[int, Voice]]:
    """The notes that stay when spans of some tracks are rewritten, those that go, and how each track sounds there."""
    asked = np.isin(score.notes["track"], tracks) & np.logical_or.reduce([inside(score.notes, *span) for span in spans])
    given, whole = score.notes[~asked], (spans[0][0], spans[-1][1])
    voices = {track: voice_of(score, given, track, score.tracks[track], whole) for track in tracks}
    return given, score.notes[asked], voices


def taken(rows: Array, given: Array) -> tuple[frozenset[int], ...]:
    """For each of some rows, the pitches that given notes of its track sound while it does."""
    starts, ends = given["onset"], given["onset"].astype(np.int64) + given["duration"]
    found = []
    for row in rows:
        last = int(row["onset"]) + int(row["duration"])
        with_it = (given["track"] == row["track"]) & (starts < last) & (ends > row["onset"])
        found.append(frozenset(given["pitch"][with_it].tolist()))
    return tuple(found)
