"""The MIDI file that a score was read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.behind_notes import Behind, behind_notes
from symbolic_music.io.midi.other_events import Others
from symbolic_music.io.midi.tolerant_reader import placed
from symbolic_music.score import Array, Other, Score, Tables


@dataclass(frozen=True, eq=False)
class Document:
    """The bytes of a file, and the tables that they were read as.

    `alone`: no track of the file acts on the notes of another, so that readers which keep tracks apart read the same.
    `plain`: each has one part on a channel of its own with one program, so that readers which merge them do so too.
    `files`: the track of a plain file in which each track of the score stands.
    """

    data: bytes
    ticks_per_quarter: int
    tables: Tables
    others: Others
    alone: bool = False
    plain: bool = False
    files: tuple[int, ...] = ()
    # What was done to all times since: each is multiplied by a fraction, rounded half up, and added to.
    moves: tuple[tuple[int, int, int], ...] = ()

    def moved(self, ticks: int, numerator: int = 1, denominator: int = 1) -> Document:
        """The same for a score whose times were all multiplied by a fraction and moved by these ticks."""
        return replace(self, moves=(*self.moves, (numerator, denominator, ticks)))

    def moved_to(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these ticks of the file are now; under 0, what came before the beginning."""
        for numerator, denominator, ticks in self.moves:
            times = (2 * times * numerator + denominator) // (2 * denominator) + ticks
        return times

    def set_to(self, times: NDArray[np.int64], behind: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The same for what is set at these ticks: what stands at tick 0 stays there, but `behind` a note."""
        for numerator, denominator, ticks in self.moves:
            moved = (2 * times * numerator + denominator) // (2 * denominator) + ticks
            times = np.where((times == 0) & ~behind, 0, moved) if ticks > 0 else moved
        return times

    @cached_property
    def behind(self) -> Behind:
        """What stands behind a note of the first tick in this file."""
        back = replace(self, moves=tuple(takewhile(lambda move: move[2] <= 0, self.moves)))
        return behind_notes(self.others, back.moved_to)

    def behind_notes(self, score: Score) -> dict[str, NDArray[np.bool_]]:
        """Masks of what stands in a score at tick 0 behind a note: of its controllers, bends and other events."""
        tracks = self.tables[6]
        if not len(score.notes) or score.notes["onset"][0] > 0 or score.tracks[: len(tracks)] != tracks:
            return {}
        stood = placed(self.data).score
        tables = ((stood.controls, score.controls), (stood.bends, score.bends))
        rows = [(_states(theirs), _states(ours)) for theirs, ours in tables]
        rows.append((_messages(self.others), _messages(score.others)))
        return {
            name: _last(were, behind & (self.set_to(were[0], behind) == 0), are)
            for (were, are), name, behind in zip(rows, Behind._fields, self.behind, strict=True)
        }

    def is_whole(self, score: Score) -> bool:
        """Whether a score is still what was read: nothing in it was changed."""
        return score.notes is self.tables[0] and self.is_whole_but_notes(score)

    def is_whole_but_notes(self, score: Score) -> bool:
        """Whether all tables of a score but that of its notes are still what was read."""
        return all(ours is theirs for ours, theirs in zip(score.as_tables()[1:], self.tables[1:], strict=True))


# Ticks of events, and how to tell which each of them is.
_Said = tuple[NDArray[np.int64], Callable[[int], Hashable]]


def _states(table: Array) -> _Said:
    return table["time"].astype(np.int64), lambda row: table[row].item()[1:]


def _messages(others: Sequence[Other]) -> _Said:
    times = np.array([other.time for other in others], np.int64)
    return times, lambda row: (others[row].data, others[row].track)


def _last(were: _Said, chosen: NDArray[np.bool_], are: _Said) -> NDArray[np.bool_]:
    """Mask of the last events of tick 0 that are the chosen ones, each as often as it was there."""
    left = Counter(were[1](row) for row in np.flatnonzero(chosen).tolist())
    mask = np.zeros(len(are[0]), bool)
    for row in np.flatnonzero(are[0] == 0)[::-1].tolist():
        event = are[1](row)
        mask[row] = left[event] > 0
        left[event] -= 1
    return mask


def document_of(score: Score) -> Document | None:
    """The file that a score was read from, when it was a MIDI file."""
    return score.source if isinstance(score.source, Document) else None


def remember(score: Score, data: bytes, alone: bool = False, plain: bool = False, files: tuple[int, ...] = ()) -> Score:
    """A score that was just read, knowing its file: the same score for a file that is read again soon."""
    if document_of(score) is None:
        others = Others(data)
        document = Document(data, score.ticks_per_quarter, score.as_tables(), others, alone, plain, files)
        object.__setattr__(score, "others", others)
        object.__setattr__(score, "source", document)
    return score
