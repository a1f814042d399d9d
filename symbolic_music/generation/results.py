"""Results of an edit: notes as they are drawn, finished scores, and their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from symbolic_music.deprecation import warn_of_old_name
from symbolic_music.evaluation.context import fit
from symbolic_music.score import Array, Score

Progress = Callable[[float], None]


# From this share of twins on, one is a near-copy of the other.
NEAR_COPY = 0.9

# As in the community's measure of transcriptions: Raffel et al. 2014, mir_eval.
_WITHIN = 0.05


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


def flagged(found: Sequence[Written]) -> list[Written]:
    """The results, with near-copies of earlier ones marked."""
    out: list[Written] = []
    for one in found:
        twins = (o.number for o in out if o.copy_of is None and _alike(one, o))
        out.append(replace(one, copy_of=next(twins, None)))
    return out


def _alike(one: Written, other: Written) -> bool:
    return share_of_twins(one.score, one.notes, other.notes) >= NEAR_COPY


def ranked(found: Sequence[Written]) -> list[Written]:
    """The likeliest first; those without notes last.

    Examples:
        >>> best = sm.ranked(sm.edit(song, bars=(8, 9), tracks=["bass"], count=2).finish())[0]
    """
    return sorted(found, key=lambda one: -one.log_likelihood if len(one.notes) else np.inf)


def ranked_by_fit(found: Sequence[Written]) -> list[Written]:
    """Results sorted by their fit to the context, by `fit_of`, best first; equal ones by likelihood.

    Examples:
        >>> best = sm.ranked_by_fit(sm.edit(song, bars=(8, 9), tracks=["bass"], count=2).finish())[0]
    """
    return sorted(ranked(found), key=lambda one: fit_of(one)[0] or 0.0, reverse=True)


def fit_of(one: Written) -> tuple[float | None, dict[str, float]]:
    """How well what was written fits its piece, 0 to 1, and the shares that this is the mean of.

    None where nothing was written. See `evaluation.context.fit`.
    """
    if not len(one.notes):
        return None, {}
    onset = one.notes["onset"]
    return fit(one.score, int(onset.min()), int(onset.max()) + 1, tuple(np.unique(one.notes["track"]).tolist()))


def share_of_twins(score: Score, one: Array, other: Array) -> float:
    """Twice the notes that the two share, over those that they have: 1 for the same, 0 for nothing in common.

    Notes are twins when they have track and pitch in common and begin within 50 ms of each other; each has one twin.
    Two empty tables are the same.

    Args:
        score: under whose tempo map both lie.
        one, other: note tables.
    """
    if not len(one) and not len(other):
        return 1.0
    mine, theirs = _by_pitch(score, one), _by_pitch(score, other)
    return 2 * sum(_twins(mine[key], theirs.get(key, [])) for key in mine) / (len(one) + len(other))


def _by_pitch(score: Score, notes: Array) -> dict[tuple[int, int], list[float]]:
    onsets: dict[tuple[int, int], list[float]] = defaultdict(list)
    seconds = score.seconds(notes["onset"]).tolist()
    for track, pitch, onset in zip(notes["track"].tolist(), notes["pitch"].tolist(), seconds, strict=True):
        onsets[track, pitch].append(onset)
    return {key: sorted(times) for key, times in onsets.items()}


def _twins(one: list[float], other: list[float]) -> int:
    """Pairs of sorted onsets, each of one, within reach."""
    i = j = count = 0
    while i < len(one) and j < len(other):
        if abs(one[i] - other[j]) <= _WITHIN:
            i, j, count = i + 1, j + 1, count + 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return count
