"""Passages that a piece shares with an index: equal intervals, at any pitch and tempo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from symbolic_music.evaluation.originality.index import TABLES, Index
from symbolic_music.evaluation.originality.interval_fingerprints import GRAM, Lines, fingerprints, lines_of
from symbolic_music.score import Score

# A fingerprint that stands in more places than this says nothing of where it is from.
_COMMON = 500
# Of a passage's times, those of the other under the best tempo are off by this part of a step between onsets, or less.
_RHYTHM = 0.25
# Passages that are looked at note by note, the longest first.
_LOOKED_AT = 8


@dataclass(frozen=True)
class Passage:
    """Notes in a row that stand in both pieces, transposed and at another tempo.

    Args:
        notes: how many.
        own: how many of these are searched for; all, unless `originality` has `among`.
        rows: of the piece's note table, shape (notes,).
        start, end: in seconds of the piece: onsets of its first and last note.
        piece: index in the store of the piece that has it too.
        source: file that this was read from.
        source_rows: of its note table, one for each of `rows`, shape (notes,).
        source_start, source_end: the same seconds there.
        transposition: semitones from there to here.
        stretch: seconds here over seconds there.
        rhythm: whether onsets agree too, under that stretch.
    """

    notes: int
    own: int
    rows: NDArray[np.int64]
    start: float
    end: float
    piece: int
    source: str
    source_rows: NDArray[np.int64]
    source_start: float
    source_end: float
    transposition: int
    stretch: float
    rhythm: bool


@dataclass(frozen=True)
class Originality:
    """Passages that a piece shares with an index.

    Args:
        notes: pitched notes of the piece that are asked about.
        passages: the longest ones, by number of notes; a note may be in several.
        copied: those of the notes that are in any passage of twelve or more intervals of the index.
        nearest: index in the store of the piece with the most fingerprints in common; None without any.
        nearest_source: its file.
        nearest_share: share of the fingerprints asked about that it has.
    """

    notes: int
    passages: Sequence[Passage]
    copied: int
    nearest: int | None
    nearest_source: str
    nearest_share: float

    @property
    def longest(self) -> int:
        """Most notes asked about in a passage that agrees in rhythm too; 0 when none of those looked at does."""
        return max((passage.own for passage in self.passages if passage.rhythm), default=0)

    @property
    def share(self) -> float:
        """Share of the notes that are in a passage, in any rhythm."""
        return self.copied / self.notes if self.notes else 0.0


def originality(
    score: Score, index: Index, without: int | None = None, among: NDArray[np.bool_] | None = None
) -> Originality:
    """Find passages that a score, or some of its notes, shares with the pieces of an index.

    Args:
        score: any piece; drums are not looked at.
        index: see `index.open_index`.
        without: a piece of the store that does not count, such as the score itself.
        among: the notes that are asked about, a mask of shape (notes,), such as those that a model wrote; all by
            default. A passage has at least one of them, and may run on into those that stand before and after.
    """
    lines = lines_of(score)
    asked = np.ones(len(lines), bool) if among is None else among[lines.rows]
    hashes, at = fingerprints(lines)
    before = np.concatenate([[0], np.cumsum(asked)])
    touching = before[at + GRAM] > before[at]
    hashes, at = hashes[touching], at[touching]
    first, last = index.find(hashes)
    counts = last - first
    counts[counts > _COMMON] = 0
    query = np.repeat(at, counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    place = index.places[row].astype(np.int64)
    piece = np.searchsorted(index.starts, place, side="right") - 1
    if without is not None:
        kept = index.pieces[piece] != without
        query, place, piece = query[kept], place[kept], piece[kept]
    if not len(query):
        return Originality(int(asked.sum()), (), 0, None, "", 0.0)
    pairs = np.unique(np.stack([piece, query]), axis=1)[0]
    fingerprinted = np.bincount(pairs)
    nearest = int(index.pieces[fingerprinted.argmax()])
    # Each piece is read once, however many passages it has.
    theirs = cache(lambda number: lines_of(index.store.music(int(index.pieces[number]), TABLES)))
    passages = [_passage(lines, asked, index, theirs(run[2]), *run) for run in _runs(query, place, piece)]
    found = [passage for passage in passages if passage is not None]
    covered = np.zeros(len(lines) + 1, np.int64)
    np.add.at(covered, np.unique(query), 1)
    np.add.at(covered, np.unique(query) + GRAM, -1)
    return Originality(
        notes=int(asked.sum()),
        passages=sorted(found, key=lambda passage: (-passage.own, -passage.notes, passage.start)),
        copied=int(((np.cumsum(covered[:-1]) > 0) & asked).sum()),
        nearest=nearest,
        nearest_source=index.store.piece(nearest).source,
        nearest_share=float(fingerprinted.max() / len(hashes)),
    )


def _runs(
    query: NDArray[np.int64], place: NDArray[np.int64], piece: NDArray[np.int64]
) -> list[tuple[int, int, int, int]]:
    """Stretches of hits that go on in both, longest first: (first note here, place there, piece's number, notes)."""
    diagonal = place - query
    order = np.lexsort((query, diagonal))
    query, place, piece, diagonal = query[order], place[order], piece[order], diagonal[order]
    # Hits less than a fingerprint apart on one diagonal share a note: all between are the same too.
    joined = (np.diff(diagonal) == 0) & (np.diff(query) < GRAM) & (np.diff(piece) == 0)
    begin = np.flatnonzero(np.append(True, ~joined))
    end = np.append(begin[1:], len(query)) - 1
    length = query[end] - query[begin] + GRAM
    best = np.argsort(-length, kind="stable")[:_LOOKED_AT]
    table = np.stack([query[begin], place[begin], piece[begin], length], axis=1)[best]
    return [(row[0], row[1], row[2], row[3]) for row in table.tolist()]


def _passage(
    lines: Lines, asked: NDArray[np.bool_], index: Index, theirs: Lines, first: int, place: int, number: int, count: int
) -> Passage | None:
    """The passage at a place of a piece, looked at note by note; None when hashes met by chance."""
    piece = int(index.pieces[number])
    begin = place - int(index.starts[number])
    count = min(count, len(lines) - first, len(theirs) - begin)
    apart = lines.pitch[first : first + count] - theirs.pitch[begin : begin + count]
    # The longest stretch at one distance: hashes may meet by chance in some place.
    change = np.flatnonzero(np.append(True, apart[1:] != apart[:-1]))
    lengths = np.diff(np.append(change, count))
    best = int(lengths.argmax())
    first, begin, count = first + int(change[best]), begin + int(change[best]), int(lengths[best])
    own = int(asked[first : first + count].sum())
    if count < GRAM or not own:
        return None
    here, there = lines.onset[first : first + count], theirs.onset[begin : begin + count]
    stretch, rhythm = _tempo(here, there)
    return Passage(
        notes=count,
        own=own,
        rows=lines.rows[first : first + count],
        start=float(here[0]),
        end=float(here[-1]),
        piece=piece,
        source=index.store.piece(piece).source,
        source_rows=theirs.rows[begin : begin + count],
        source_start=float(there[0]),
        source_end=float(there[-1]),
        transposition=int(apart[change[best]]),
        stretch=stretch,
        rhythm=rhythm,
    )


def _tempo(here: NDArray[np.float64], there: NDArray[np.float64]) -> tuple[float, bool]:
    """Seconds here over seconds there, by least squares, and whether that explains the onsets."""
    x, y = there - there.mean(), here - here.mean()
    if not (x @ x) or not (y @ y):
        return 1.0, bool(not (x @ x) and not (y @ y))
    stretch = float(x @ y / (x @ x))
    # Steps between chords, not between the notes of one.
    steps = np.diff(here)
    step = float(np.median(steps[steps > 0.02])) if (steps > 0.02).any() else float(here[-1] - here[0])
    return stretch, bool(stretch > 0 and np.median(np.abs(y - stretch * x)) <= _RHYTHM * step)
