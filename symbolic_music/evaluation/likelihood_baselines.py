"""Baseline models: unigram, Markov, and copy of the continuation of an earlier match.

All three cost the same events: the gap from the onset before, instrument and pitch, duration; times are in twelfths of
a quarter. Their bits a second and a note compare with those of models on the same pieces; a model with finer times
encodes more information, and one whose ids omit something encodes less.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.evaluation.likelihood import Likelihood
from symbolic_music.evaluation.store_likelihood import chosen_pieces
from symbolic_music.score import Score

NAMES = ("unigram", "markov", "copy")
# Steps of a quarter, and the longest time in steps; instruments times pitches.
_STEPS, _LONGEST, _NOTES = 12, 192, 129 * 128
_SIZES = (_LONGEST + 1, _NOTES, _LONGEST + 1)
# Events of which the same have to stand before for a copy, the most first.
_SUFFIXES = (16, 8, 4, 2, 1)
Event = tuple[int, int, int]
Progress = Callable[[float], None]
_TABLES = ("notes", "tempos")


def events_of(score: Score) -> list[Event]:
    """The notes of a score in order of onset, instrument and pitch: (gap, 128 * instrument + pitch, duration)."""
    notes = score.notes
    code = score.instruments * 128 + notes["pitch"]
    quarter = score.ticks_per_quarter
    onset = np.floor(notes["onset"].astype(np.int64) * _STEPS / quarter + 0.5).astype(np.int64)
    order = np.lexsort((code, onset))
    length = np.floor(notes["duration"] * _STEPS / quarter + 0.5).astype(np.int64)
    gaps = np.clip(np.diff(onset[order], prepend=0), 0, _LONGEST)
    lengths = np.clip(length[order], 1, _LONGEST)
    return list(zip(gaps.tolist(), code[order].tolist(), lengths.tolist(), strict=True))


@dataclass
class _Counts:
    """How often each symbol followed a context."""

    total: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    each: dict[object, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, context: object, symbol: int) -> None:
        self.total[context] += 1
        self.each[context][symbol] += 1

    def mixed(self, context: object, symbol: int, below: float) -> float:
        """Witten and Bell's (1991) mixture of what is counted here with a probability of lower order."""
        if context not in self.total:
            return below
        kinds = len(self.each[context])
        return (self.each[context].get(symbol, 0) + kinds * below) / (self.total[context] + kinds)


class Baselines:
    """Counts of the events of some pieces, and what other pieces cost under them.

    Args:
        scores: pieces to count; no more than a thousand or so, as the counts are held in memory.
    """

    def __init__(self, scores: Iterable[Score]) -> None:
        self._counts = [[_Counts() for _ in range(3)] for _ in range(3)]
        # Of each length of suffix: copies that were right, by part of the event, and all.
        self._right = {length: [[1, 2], [1, 2], [1, 2]] for length in _SUFFIXES}
        for score in scores:
            events = events_of(score)
            for at in range(len(events)):
                for part, symbol in enumerate(events[at]):
                    for order, context in enumerate(_contexts(events, at, part)):
                        self._counts[part][order].add(context, symbol)
            for at, (found, length) in enumerate(_copies(events)):
                if found is not None:
                    for part in range(3):
                        right = found[part] == events[at][part]
                        self._right[length][part][0] += right
                        self._right[length][part][1] += 1
                        if not right:
                            break

    def likelihoods(self, score: Score) -> dict[str, Likelihood]:
        """The likelihood of a piece under each baseline, by name."""
        events = events_of(score)
        nats = dict.fromkeys(NAMES, 0.0)
        for at, (found, length) in enumerate(_copies(events)):
            copied = found is not None
            for part, symbol in enumerate(events[at]):
                p, chain = 1 / _SIZES[part], []
                for order, context in enumerate(_contexts(events, at, part)):
                    p = self._counts[part][order].mixed(context, symbol, p)
                    chain.append(p)
                nats["unigram"] -= math.log(chain[0])
                nats["markov"] -= math.log(chain[-1])
                if copied and found is not None:
                    right, of = self._right[length][part]
                    share, hit = right / of, found[part] == symbol
                    # What the copy says with its share of being right, all else by the chain with the rest.
                    nats["copy"] -= math.log(share * hit + (1 - share) * chain[-1])
                    copied = hit
                else:
                    nats["copy"] -= math.log(chain[-1])
        count = len(events)
        return {name: Likelihood(value, 3 * count, count, score.duration) for name, value in nats.items()}


def of_store(
    store: NoteStore,
    split: str = "test",
    train: str = "train",
    pieces: int = 500,
    progress: Progress | None = None,
    most: int | None = None,
) -> Mapping[str, Likelihood]:
    """Likelihood of a split of a store under baselines that count pieces of another.

    Args:
        store: of notes.
        split: the split to evaluate.
        train: whose pieces are counted, evenly chosen when there are more than `pieces`.
        pieces: to count at most.
        progress: called with the share that is done.
        most: maximum number of pieces, evenly spaced as in `store_likelihood.evaluate`; None for all.

    Raises:
        CorpusError: when the store lacks a split.
    """
    scored, counted = chosen_pieces(store, split, most), chosen_pieces(store, train, pieces)
    baselines = Baselines(store.music(index, _TABLES) for index in counted.tolist())
    total = dict.fromkeys(NAMES, Likelihood())
    for number, index in enumerate(scored.tolist(), 1):
        for name, found in baselines.likelihoods(store.music(index, _TABLES)).items():
            total[name] += found
        if progress:
            progress(number / len(scored))
    return total


def _contexts(events: Sequence[Event], at: int, part: int) -> tuple[object, object, object]:
    """The contexts of a part of an event: of length zero, one and two."""
    before = events[at - 1] if at else (-1, -1, -1)
    earlier = events[at - 2] if at > 1 else (-1, -1, -1)
    if part == 0:
        return (), before[0], (before[0], earlier[0])
    if part == 1:
        return (), before[1], (before[1], earlier[1])
    note = events[at][1]
    return (), note // 128, (note, before[2])


def _copies(events: Sequence[Event]) -> Iterable[tuple[Event | None, int]]:
    """For each event what followed the longest suffix of those before it when that last stood, and its length."""
    last: dict[tuple[int, int], int] = {}
    out: list[tuple[Event | None, int]] = []
    for at in range(len(events)):
        found: tuple[Event | None, int] = (None, 0)
        for length in _SUFFIXES:
            if length <= at:
                key = (length, hash(tuple(events[at - length : at])))
                place = last.get(key)
                if place is not None and found[0] is None:
                    found = (events[place], length)
                last[key] = at
        out.append(found)
    return out
