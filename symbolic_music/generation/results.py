"""Results of an edit: notes as they are drawn, finished scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from symbolic_music.deprecation import warn_of_old_name
from symbolic_music.score import Array, Score

Progress = Callable[[float], None]


@dataclass(frozen=True)
class WrittenNote:
    """A note as it is drawn: its alternative, its track, when it sounds in seconds, its pitch and velocity.

    Examples:
        >>> note = next(sm.edit(song, bars=(9, 10), tracks=["bass"], seed=1).stream())
        >>> note.track, 16.0 <= note.onset_seconds < 20.0
        (2, True)
    """

    alternative: int
    track: int
    onset_seconds: float
    duration_seconds: float
    pitch: int
    velocity: int

    @property
    def offset_seconds(self) -> float:
        """When it ends."""
        return self.onset_seconds + self.duration_seconds

    @property
    def onset(self) -> float:
        """The old name of `onset_seconds`."""
        warn_of_old_name("WrittenNote.onset", "onset_seconds")
        return self.onset_seconds

    @property
    def duration(self) -> float:
        """The old name of `duration_seconds`."""
        warn_of_old_name("WrittenNote.duration", "duration_seconds")
        return self.duration_seconds


@dataclass(frozen=True)
class Written:
    """One result of an edit.

    Args:
        score: the piece with it.
        notes: a table of the new notes alone.
        number: of the alternative, from 0.
        log_likelihood: natural, under the model, a note written (rests included, before temperature and filters, among
            what grammar and limits allow); nan where nothing was written.
        complete: False where the writing was interrupted, or the limit of notes ended it.
        copies_original: whether nine in ten of its notes, and of those that were replaced, are the same: track and
            pitch, and onset within 50 ms.
        copy_of: number of the first alternative before it to which that applies; None for none.
        emptied: whether a region that is written had notes and has no new ones: there it only deletes.
        emptied_tracks: tracks that had notes in the written regions and have none there now.
        like: ticks of the bars whose style it was to follow; None for the whole piece.

    Examples:
        >>> written = sm.edit(song, bars=(9, 10), tracks=["bass"], seed=1).finish()[0]
        >>> written.complete, len(written.notes) > 0
        (True, True)
    """

    score: Score
    notes: Array
    number: int
    log_likelihood: float
    complete: bool
    copies_original: bool = False
    copy_of: int | None = None
    emptied: bool = False
    emptied_tracks: tuple[int, ...] = ()
    like: tuple[int, int] | None = None

    @property
    def written(self) -> NDArray[np.bool_]:
        """Which notes of `score` are the new ones, shape (notes,)."""
        new = set(self.notes.tolist())
        return np.array([row in new for row in self.score.notes.tolist()], bool)


class EditSession(Protocol):
    """An edit while it runs: it streams notes as they are drawn, and gives the scores at any time.

    Examples:
        >>> session = sm.edit(song, bars=(8, 9), tracks=["bass"])
        >>> drawn = [(note.onset_seconds, note.pitch) for note in session.stream()]
        >>> score = session.results()[0].score
    """

    @property
    def done(self) -> float:
        """The share that is written, of all alternatives."""
        ...

    def stream(self) -> Iterator[WrittenNote]:
        """Notes as they are drawn. Closing the iterator or an interrupt ends it; `results` has what there is."""
        ...

    def results(self) -> list[Written]:
        """The alternatives as far as they are written, those that are begun."""
        ...

    def finish(self) -> list[Written]:
        """Draw all notes; the alternatives."""
        for _ in self.stream():
            pass
        return self.results()


def finished(session: EditSession, progress: Progress | None) -> Score:
    """The first alternative, all of it; `progress` is called with the share that is done."""
    for _ in session.stream():
        if progress:
            progress(min(1.0, session.done))
    return session.results()[0].score
