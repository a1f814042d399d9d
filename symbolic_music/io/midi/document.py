"""The MIDI file that a score was read from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.others import Others
from symbolic_music.score import Score, Tables


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

    def is_whole(self, score: Score) -> bool:
        """Whether a score is still what was read: nothing in it was changed."""
        return score.notes is self.tables[0] and self.is_whole_but_notes(score)

    def is_whole_but_notes(self, score: Score) -> bool:
        """Whether all tables of a score but that of its notes are still what was read."""
        return all(ours is theirs for ours, theirs in zip(score.as_tables()[1:], self.tables[1:], strict=True))


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
