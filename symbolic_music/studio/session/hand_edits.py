"""Edits by hand in the page, as data: each names one function of `symbolic_music.edits`."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel

from symbolic_music import edits, transforms
from symbolic_music.errors import RegionError
from symbolic_music.score import METER, TEMPO, Score, Track

_MOST_ROWS = 200_000
_MOST = 1 << 30  # ticks, and whatever is counted
Rows = Annotated[list[Annotated[int, Field(ge=0, le=_MOST)]], Field(max_length=_MOST_ROWS)]
Ticks = Annotated[int, Field(ge=-_MOST, le=_MOST)]
Number = Annotated[int, Field(ge=-_MOST, le=_MOST)]


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NewNote(_Change):
    """A note to be added, in ticks."""

    onset: Annotated[int, Field(ge=0, le=_MOST)]
    duration: Annotated[int, Field(ge=1, le=_MOST)]
    pitch: Annotated[int, Field(ge=0, le=127)]
    velocity: Annotated[int, Field(ge=1, le=127)] = 80
    track: Annotated[int, Field(ge=0, le=_MOST)]


class AddNotes(_Change):
    """Draw notes."""

    do: Literal["add"]
    notes: Annotated[list[NewNote], Field(min_length=1, max_length=10_000)]

    def apply(self, score: Score) -> Score:
        """The score after it."""
        table = np.array([(n.onset, n.duration, n.pitch, n.velocity, n.track) for n in self.notes], np.int64)
        return edits.add_notes(score, *table.T)


class DeleteNotes(_Change):
    """Delete notes."""

    do: Literal["delete"]
    rows: Rows

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.delete_notes(score, self.rows)


class MoveNotes(_Change):
    """Move notes in time and pitch."""

    do: Literal["move"]
    rows: Rows
    ticks: Ticks = 0
    semitones: Number = 0

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.move_notes(score, self.rows, self.ticks, self.semitones)


class StretchNotes(_Change):
    """Make notes longer or shorter."""

    do: Literal["stretch"]
    rows: Rows
    ticks: Ticks

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.stretch_notes(score, self.rows, self.ticks)


class ChangeVelocities(_Change):
    """Make notes louder or softer."""

    do: Literal["velocity"]
    rows: Rows
    factor: float = 1.0
    add: Number = 0

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.change_velocities(score, self.rows, self.factor, self.add)


class Transpose(_Change):
    """Move notes by semitones; drums stay."""

    do: Literal["transpose"]
    rows: Rows
    semitones: Annotated[int, Field(ge=-127, le=127)]

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.transpose_notes(score, self.rows, self.semitones)


class Quantise(_Change):
    """Draw onsets to a grid of quarter notes."""

    do: Literal["quantise"]
    rows: Rows
    grid: float = 0.25
    strength: float = 1.0
    ends: bool = False

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.quantise(score, self.grid, self.strength, self.rows, self.ends)


class Swing(_Change):
    """Delay every second line of a grid of quarter notes."""

    do: Literal["swing"]
    rows: Rows
    share: float = 2 / 3
    grid: float = 0.5

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.swing(score, self.share, self.grid, self.rows)


class Humanise(_Change):
    """Onsets and velocities a little off."""

    do: Literal["humanise"]
    rows: Rows
    seconds: float = 0.01
    velocity: Number = 6
    seed: Annotated[int, Field(ge=0, le=_MOST)] = 0

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.humanise(score, self.seconds, self.velocity, self.seed, self.rows)


class CopyBars(_Change):
    """Repeat bars; what follows moves on."""

    do: Literal["copy-bars"]
    first: Number
    last: Number
    before: Number | None = None
    times: Number = 1

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.copy_bars(score, self.first, self.last, self.before, self.times)


class DeleteBars(_Change):
    """Delete bars; what follows moves up."""

    do: Literal["delete-bars"]
    first: Number
    last: Number

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.delete_bars(score, self.first, self.last)


class ChangeTrack(_Change):
    """Rename a track, give it another instrument or volume."""

    do: Literal["track"]
    track: Number
    name: Annotated[str, Field(max_length=120)] | None = None
    instrument: Number | None = None
    volume: Number | None = None

    def apply(self, score: Score) -> Score:
        """The score after it."""
        return edits.change_track(score, self.track, name=self.name, instrument=self.instrument, volume=self.volume)


class NewTrack(_Change):
    """Add an empty track."""

    do: Literal["new-track"]
    name: Annotated[str, Field(max_length=120)] = ""
    instrument: Annotated[int, Field(ge=0, le=128)] = 0

    def apply(self, score: Score) -> Score:
        """The score after it."""
        drum = self.instrument == 128
        return score.replace(tracks=(*score.tracks, Track(self.name, 0 if drum else self.instrument, drum)))


class RemoveTrack(_Change):
    """A track less."""

    do: Literal["remove-track"]
    track: Number

    def apply(self, score: Score) -> Score:
        """The score after it."""
        if len(score.tracks) == 1:
            raise RegionError("this is the only track: a piece has one at least")
        return edits.remove_track(score, self.track)


class ChangeTempo(_Change):
    """Play everything faster or slower, to this many quarter notes a minute at the beginning."""

    do: Literal["tempo"]
    quarters_per_minute: Annotated[float, Field(ge=10, le=400)]

    def apply(self, score: Score) -> Score:
        """The score after it."""
        at_first = score.tempos[score.tempos["time"] <= 0]
        now = 60e6 / (int(at_first[-1]["microseconds"]) if len(at_first) else 500_000)
        if not len(score.tempos):
            return score.replace(tempos=np.array([(0, round(60e6 / self.quarters_per_minute))], TEMPO))
        return transforms.stretch(score, now / self.quarters_per_minute)


class Change(RootModel[
    Annotated[
        AddNotes | DeleteNotes | MoveNotes | StretchNotes | ChangeVelocities | Transpose | Quantise | Swing | Humanise
        | CopyBars | DeleteBars | ChangeTrack | NewTrack | RemoveTrack | ChangeTempo,
        Field(discriminator="do"),
    ]
]):  # fmt: skip
    """One change."""


class Changes(_Change):
    """Changes made one after the other, as one step of undo."""

    state: int
    label: Annotated[str, Field(max_length=80)] = ""
    changes: Annotated[list[Change], Field(min_length=1, max_length=100)]

    def apply(self, score: Score) -> Score:
        """The score after all of them."""
        for change in self.changes:
            score = change.root.apply(score)
        return score

    def summary(self) -> str:
        """The name of the step."""
        return self.label or ", ".join(dict.fromkeys(change.root.do for change in self.changes))


def blank() -> Score:
    """Nothing yet: one piano track, 4/4 at 120."""
    return Score(
        tracks=(Track("Piano", 0),), tempos=np.array([(0, 500_000)], TEMPO), meters=np.array([(0, 4, 4)], METER)
    )
