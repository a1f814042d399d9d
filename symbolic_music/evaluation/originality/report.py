"""Bars of a piece and their positions in the training data: as plain data, and as a page with piano rolls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.originality.passages import Originality, Passage
from symbolic_music.evaluation.report import Media, Report, Section, Table
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score
from symbolic_music.transforms import clip

# Passages that are drawn, of each piece.
_DRAWN = 3
# Seconds to either side of a passage that is drawn.
_AROUND = 1.0


@dataclass(frozen=True)
class BarOrigin:
    """A bar of a piece, and where its notes stand too.

    Args:
        bar: number on the page, else counted from 1.
        notes: pitched notes that begin in it, of those that are asked about.
        copied: those that are in one of the passages looked at, which agree in rhythm.
        sources: (file, bar there, in which the passage's first note of this bar stands), most notes first.
    """

    bar: int
    notes: int
    copied: int
    sources: Sequence[tuple[str, int]]


def bar_origins(
    score: Score, found: Originality, store: NoteStore, among: NDArray[np.bool_] | None = None
) -> list[BarOrigin]:
    """The bars of a piece that have notes which are asked about, in order.

    Args:
        score, among: the arguments of `originality`.
        found: what it found.
        store: of its index.
    """
    lines, numbers = score.bars(score.end + 1), score.numbers(score.end + 1)
    counted = score.notes["channel"] != DRUM_CHANNEL
    counted = counted if among is None else counted & among
    bar_of = np.searchsorted(lines, score.notes["onset"].astype(np.int64), side="right") - 1
    passages = [passage for passage in found.passages if passage.rhythm]
    theirs = {passage.piece: store.music(passage.piece) for passage in passages}
    out = []
    for bar in np.unique(bar_of[counted]).tolist():
        here = counted & (bar_of == bar)
        copied, sources = np.zeros(len(score), bool), list[tuple[int, str, int]]()
        for passage in passages:
            mine = passage.rows[here[passage.rows]]
            if len(mine):
                copied[mine] = True
                there = passage.source_rows[here[passage.rows]][0]
                sources.append((len(mine), passage.source, _bar_of(theirs[passage.piece], int(there))))
        named = tuple((name, number) for _, name, number in sorted(sources, key=lambda one: -one[0]))
        out.append(BarOrigin(int(numbers[bar]), int(here.sum()), int(copied.sum()), named))
    return out


def as_json(found: Originality) -> dict[str, Any]:
    """The result as plain data: seconds to the millisecond, shares to four decimals."""
    passages = [
        {
            "notes": passage.notes,
            "own": passage.own,
            "start": round(passage.start, 3),
            "end": round(passage.end, 3),
            "source": passage.source,
            "source_start": round(passage.source_start, 3),
            "source_end": round(passage.source_end, 3),
            "transposition": passage.transposition,
            "stretch": round(passage.stretch, 4),
            "rhythm": passage.rhythm,
        }
        for passage in found.passages
    ]
    return {
        "notes": found.notes,
        "longest": found.longest,
        "share": round(found.share, 4),
        "nearest": found.nearest_source,
        "nearest_share": round(found.nearest_share, 4),
        "passages": passages,
    }


def originality_report(
    pieces: Sequence[tuple[str, Score, Originality, NDArray[np.bool_] | None]],
    store: NoteStore,
    facts: Mapping[str, Any],
) -> Report:
    """The page: of each piece its passages, its bars and where they stand too, and both as piano rolls.

    Args:
        pieces: name, score, what was found, and the notes that were asked about (None for all).
        store: of the index.
        facts: store, split, command and what else says how the page came about.

    Raises:
        MissingExtraError: without matplotlib.
    """
    sections = [_section(*piece, store) for piece in pieces]
    return Report("What is in the training data too", facts, sections)


def _section(name: str, score: Score, found: Originality, among: NDArray[np.bool_] | None, store: NoteStore) -> Section:
    from symbolic_music.plotting.figures import figure_bytes
    from symbolic_music.plotting.rolls.roll import piano_roll

    summary = (
        f"{found.notes:,} notes asked about, {found.share:.1%} in passages of twelve or more that the store has too"
    )
    if not found.passages:
        return Section(name, summary)
    rows = [
        [
            f"{passage.start:.1f} to {passage.end:.1f} s", passage.notes, passage.own, passage.source,
            f"{passage.source_start:.1f} to {passage.source_end:.1f} s", f"{passage.transposition:+d}",
            round(1 / passage.stretch, 2) if passage.stretch > 0 else float("nan"), "yes" if passage.rhythm else "no",
        ]
        for passage in found.passages
    ]  # fmt: skip
    columns = ["where", "notes", "asked about", "in", "there", "semitones", "tempo", "same rhythm"]
    bars = [
        [one.bar, one.notes, one.copied, ", ".join(f"bar {bar} of {source}" for source, bar in one.sources)]
        for one in bar_origins(score, found, store, among)
    ]
    copied = np.zeros(len(score), bool)
    for passage in found.passages:
        copied[passage.rows] |= passage.rhythm
    whole = figure_bytes(piano_roll(score, copied), dpi=80)
    parts: list[Table | Media] = [
        Table(columns, rows),
        Table(["bar", "notes", "copied", "where in the training data"], bars),
        Media(whole, ".png", f"{name}: notes of passages in the same rhythm stand out"),
    ]
    for number, passage in enumerate([one for one in found.passages if one.rhythm][:_DRAWN], 1):
        parts += _pair(number, score, passage, store)
    return Section(name, summary, parts)


def _pair(number: int, score: Score, passage: Passage, store: NoteStore) -> list[Table | Media]:
    """A passage here and there, each with what stands around it."""
    theirs = store.music(passage.piece)
    marked, there = np.zeros(len(score), bool), np.zeros(len(theirs), bool)
    marked[passage.rows] = True
    there[passage.source_rows] = True
    return [
        *_roll(score, marked, passage.start, passage.end, f"passage {number} here"),
        *_roll(theirs, there, passage.source_start, passage.source_end,
               f"and in {passage.source}, {passage.transposition:+d} semitones from there to here"),
    ]  # fmt: skip


def _roll(score: Score, marked: NDArray[np.bool_], start: float, end: float, caption: str) -> list[Table | Media]:
    from symbolic_music.plotting.figures import figure_bytes
    from symbolic_music.plotting.rolls.roll import piano_roll

    first, last = max(0.0, start - _AROUND), end + _AROUND
    part = clip(score, first, last)
    begin, stop = np.searchsorted(score.notes["onset"], np.rint(score.ticks([first, last])))
    return [Media(figure_bytes(piano_roll(part, marked[begin:stop]), dpi=80), ".png", caption)]


def _bar_of(score: Score, row: int) -> int:
    """Number of the bar in which a note begins."""
    lines, numbers = score.bars(score.end + 1), score.numbers(score.end + 1)
    return int(numbers[np.searchsorted(lines, int(score.notes["onset"][row]), side="right") - 1])
