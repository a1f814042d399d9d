"""Candidate solutions of an edit: notes drawn so far, and the finished scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symbolic_music.generation.near_copies import NEAR_COPY, share_of_twins
from symbolic_music.generation.regions import Span, inside
from symbolic_music.generation.results import Written, WrittenNote
from symbolic_music.generation.views.track_style import Voice
from symbolic_music.score import CONTROL, NOTE, Array, Score, Track
from symbolic_music.tokenizers.sustain_pedal import SUSTAIN

Event = tuple[int, int, int]
Placed = Callable[[int, int], tuple[int, int]]


class Draft:
    """One alternative.

    Args:
        number: of the alternative.
        tracks: of the score; those that its notes need are added.
    """

    def __init__(self, number: int, tracks: Sequence[Track]) -> None:
        self.number, self.tracks = number, list(tracks)
        self.begun, self.ticks = 0, 0
        self._rows: list[tuple[int, ...]] = []
        self._controls: list[tuple[int, int, int, int]] = []
        self._span: Span = (0, 0)
        self._before = self._in_span = self._pass = 0
        self._passes = 1
        self._placed: Placed | None = None
        self._busy: dict[tuple[int, int], int] = {}
        self._kept: set[int] = set()
        self._log_probability, self._drawn, self._complete = 0.0, 0, True

    def begin(
        self, span: Span, given: Array, written: Sequence[int], placed: Placed | None = None, passes: int = 1
    ) -> None:
        """Go on to the next region; `given` notes that sound into it keep their pitches busy.

        `placed` moves the onset and the end of a new note to a grid. The region is written in some `passes`.
        """
        self._placed, self._pass, self._passes = placed, 0, passes
        self.begun, self._span, self._before, self._in_span = self.begun + 1, span, self.ticks, 0
        ends = given["onset"].astype(np.int64) + given["duration"]
        held = (given["onset"] < span[0]) & (ends > span[0]) & np.isin(given["track"], written)
        self._busy, self._kept = {}, set()
        for track, pitch, end in zip(given["track"][held], given["pitch"][held], ends[held], strict=True):
            key = int(track), int(pitch)
            self._busy[key] = max(self._busy.get(key, 0), int(end))

    def end(self) -> None:
        """A pass of the region is written; the last one ends it."""
        self._pass += 1
        self._advance(self._span[0])

    def add(
        self, onset: int, end: int, pitch: int, track: int, voice: Voice, score: Score, velocity: int | None = None
    ) -> WrittenNote | None:
        """A note from one tick to another, kept within the region; None where its pitch is busy until its end.

        Without a velocity it has that of the track around it.
        """
        first, last = self._span
        if self._placed is not None:
            onset, end = self._placed(onset, end)
            if self._busy.get((track, pitch), 0) > onset:
                return None
        onset = max(min(max(onset, first), last - 1), self._busy.get((track, pitch), 0))
        end = min(max(end, onset + 1), last)
        if onset >= end:
            return None
        self._busy[track, pitch] = end
        loudness = voice.velocity(onset, pitch) if velocity is None else velocity
        return self._append((onset, end - onset, pitch, loudness, voice.program, voice.channel, track, 0), score)

    def adopt(self, other: Draft) -> None:
        """Go on from what another draft of the same piece has."""
        number, own = self.number, vars(other)
        vars(self).update({name: value.copy() if hasattr(value, "copy") else value for name, value in own.items()})
        self.number = number

    def press(self, onset: int, end: int, track: int) -> None:
        """The sustain pedal of a track goes down and up again, within the region."""
        first, last = self._span
        onset = min(max(onset, first), last - 1)
        end = min(max(end, onset + 1), last)
        self._controls += [(onset, SUSTAIN, 127, track), (end, SUSTAIN, 0, track)]

    def repitch(self, rows: Array, pitch: int, score: Score) -> WrittenNote:
        """The next of some rows with another pitch."""
        values = list(rows[self._in_span].item())
        values[2] = pitch
        self._in_span += 1
        return self._append(tuple(values), score)

    def keep(
        self, rows: Array, events: Sequence[tuple[int, int, int]], event: tuple[int, int, int], score: Score
    ) -> WrittenNote:
        """The first of some rows, not yet kept, whose event it is; `events` are those of the rows."""
        index = next(i for i, one in enumerate(events) if one == event and i not in self._kept)
        self._kept.add(index)
        return self._append(rows[index].item(), score)

    def _append(self, row: tuple[int, ...], score: Score) -> WrittenNote:
        self._rows.append(row)
        self._advance(row[0])
        start, end = score.seconds([row[0], row[0] + row[1]]).tolist()
        return WrittenNote(self.number, row[6], start, end - start, row[2], row[3])

    def _advance(self, tick: int) -> None:
        first, last = self._span
        self.ticks = self._before + (self._pass * (last - first) + tick - first) // self._passes

    def count(self, log_probability: float, notes: int, complete: bool) -> None:
        """Add the result of the sampler for a region: its log-probability, number of notes, and completeness."""
        self._log_probability += log_probability
        self._drawn += notes
        self._complete &= complete

    def has_notes(self, span: Span, tracks: Sequence[int]) -> bool:
        """Whether some tracks have written notes in a region."""
        return any(span[0] <= row[0] < span[1] and row[6] in tracks for row in self._rows)

    def among(self, given: Array) -> Array:
        """Given notes and those written, in order."""
        return inserted(given, np.array(self._rows, NOTE))

    def controls(self, score: Score) -> Array:
        """The controllers of a score with the pedal that is written; at one time it goes up before it goes down."""
        if not self._controls:
            return score.controls
        new = np.array(sorted(self._controls, key=lambda row: (row[0], row[2])), CONTROL)
        return np.insert(score.controls, np.searchsorted(score.controls["time"], new["time"], side="right"), new)

    def result(self, score: Score, replaced: Array, given: Array, spans: Sequence[Span]) -> Written:
        """The score with what is written so far, in place of some notes of regions."""
        notes = np.array(self._rows, NOTE)
        whole = score.replace(notes=inserted(given, notes), tracks=tuple(self.tracks), controls=self.controls(score))
        likelihood = self._log_probability / self._drawn if self._drawn else float("nan")
        complete = self._complete and self.begun == len(spans) and self._pass == self._passes
        copies = len(replaced) > 0 and share_of_twins(score, notes, replaced) >= NEAR_COPY
        emptied = any(inside(replaced, *span).any() and not inside(notes, *span).any() for span in spans[: self.begun])
        lost = tuple(np.setdiff1d(replaced["track"], notes["track"]).tolist())
        return Written(
            whole, notes, self.number, likelihood, complete, copies, emptied=emptied, emptied_tracks=lost
        )  # fmt: skip


def inserted(given: Array, new: Array) -> Array:
    """A note table with new notes put in by onset and, within one, by track; given ones keep their order."""
    if not len(new):
        return given
    new = new[np.lexsort((new["track"], new["onset"]))]
    keys, places = (notes["onset"].astype(np.int64) << 16 | notes["track"] for notes in (given, new))
    # Where given tracks are not in order within a tick, the new note comes before the first that is beyond it.
    at = np.searchsorted(np.maximum.accumulate(keys), places, side="right") if len(given) else np.zeros(len(new), int)
    rows = np.arange(len(new)) + at
    merged = np.empty(len(given) + len(new), NOTE)
    is_new = np.zeros(len(merged), bool)
    is_new[rows] = True
    merged[is_new], merged[~is_new] = new, given
    return merged
