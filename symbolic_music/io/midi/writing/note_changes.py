"""Which notes of a table went, which came and which stayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.score import NOTE, Array

Ints = NDArray[np.int64]


def _said() -> Ints:
    """The bits of a row of notes that hold its columns; those between and behind them say nothing."""
    row = np.zeros(1, NOTE)
    for name in NOTE.names or ():
        row[name] = -1 if NOTE[name].kind == "i" else np.iinfo(NOTE[name]).max
    return row.view(np.int64)


_SAID = _said()


@dataclass(frozen=True)
class Change:
    """Rows of the old table that `went`, rows of the new one that `came`; `kept`: of each new row its old one or -1.

    `twins`: of a note that came the one that went with its onset, duration and track, where there is one.
    """

    went: Ints
    came: Ints
    kept: Ints
    twins: dict[int, int]


def packed(notes: Array) -> Ints:
    """All that a note says as two numbers, (notes, 2)."""
    return np.asarray(np.ascontiguousarray(notes, NOTE).view(np.int64).reshape(-1, len(_SAID)) & _SAID)


def changes(old: Array, new: Array) -> Change:
    """What became of the notes; of equal ones the first of the new table is the first of the old one."""
    a, b = packed(old), packed(new)
    head = _alike(a, b)
    tail = _alike(a[head:][::-1], b[head:][::-1])
    kept = np.full(len(b), -1)
    kept[:head] = np.arange(head)
    if tail:
        kept[-tail:] = np.arange(len(a) - tail, len(a))
    mine, theirs = a[head : len(a) - tail], b[head : len(b) - tail]
    first, second = matched(mine, theirs)
    kept[head + second] = head + first
    stayed = np.zeros(len(a), bool)
    stayed[kept[kept >= 0]] = True
    went, came = np.flatnonzero(~stayed), np.flatnonzero(kept < 0)
    gone, come = matched(_frames(old[went]), _frames(new[came]))
    return Change(went, came, kept, dict(zip(came[come].tolist(), went[gone].tolist(), strict=True)))


def _frames(notes: Array) -> Ints:
    """Onset, duration and track."""
    rows = packed(notes)
    rows[:, 1] = notes["track"]
    return rows


def _alike(a: Ints, b: Ints) -> int:
    """How many rows both begin with."""
    count = min(len(a), len(b))
    differ = (a[:count] != b[:count]).any(1)
    return int(differ.argmax()) if differ.any() else count


def matched(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Rows of `a` and of `b` that are equal, each once, the first with the first."""
    both = np.concatenate([a, b])
    if not len(a) or not len(b):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort((both[:, 1], both[:, 0]))  # stable: of equal rows those of `a` come first
    rows = both[order]
    new = np.append(True, (rows[1:] != rows[:-1]).any(1))
    run = np.cumsum(new) - 1
    of_a = order < len(a)
    count = np.where(of_a, np.cumsum(of_a), np.cumsum(~of_a))
    before = np.where(of_a, (np.cumsum(of_a) - of_a)[new][run], (np.cumsum(~of_a) - ~of_a)[new][run])
    key = run << 32 | count - before
    _, first, second = np.intersect1d(key[of_a], key[~of_a], assume_unique=True, return_indices=True)
    return order[of_a][first], order[~of_a][second] - len(a)
