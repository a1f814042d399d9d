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
_FEW = 128
# Numbers that are compared at once, so that little is compared behind the first that differs.
_PIECE = 1 << 13


@dataclass(frozen=True)
class Change:
    """Rows of the old table that `went`, rows of the new one that `came`; `kept`: of each new row its old one or -1.

    `stayed`: mask of the old rows that did not go;
    `twins`: of a note that came the one that went with its onset, duration and track, where there is one.
    """

    went: Ints
    came: Ints
    kept: Ints
    stayed: NDArray[np.bool_]
    twins: dict[int, int]


def packed(notes: Array) -> Ints:
    """All that a note says as two numbers, (notes, 2)."""
    return np.asarray(np.ascontiguousarray(notes, NOTE).view(np.int64).reshape(-1, len(_SAID)) & _SAID)


def changes(old: Array, new: Array) -> Change:
    """What became of the notes; of equal ones the first of the new table is the first of the old one."""
    head = _alike(old, new)
    tail = _alike(old[head:], new[head:], from_end=True)
    before, after = slice(head, len(old) - tail), slice(head, len(new) - tail)
    first, second = matched(packed(old[before]), packed(new[after]))
    kept = np.arange(len(new))
    kept[len(new) - tail :] += len(old) - len(new)
    kept[after] = -1
    kept[head + second] = head + first
    stayed = np.ones(len(old), bool)
    stayed[before] = False
    stayed[head + first] = True
    went, came = head + np.flatnonzero(~stayed[before]), head + np.flatnonzero(kept[after] < 0)
    gone, come = matched(_frames(old[went]), _frames(new[came]))
    return Change(went, came, kept, stayed, dict(zip(came[come].tolist(), went[gone].tolist(), strict=True)))


def _frames(notes: Array) -> Ints:
    """Onset, duration and track."""
    rows = packed(notes)
    rows[:, 1] = notes["track"]
    return rows


def _alike(a: Array, b: Array, from_end: bool = False) -> int:
    """How many rows both begin with, or end with."""
    width = len(_SAID)
    numbers = [np.ascontiguousarray(table, NOTE).view(np.int64) for table in (a, b)]
    at, count = 0, min(len(a), len(b)) * width
    while at < count:
        stop = min(at + _PIECE, count)
        mine, theirs = (one[len(one) - stop : len(one) - at] if from_end else one[at:stop] for one in numbers)
        differs = mine != theirs
        place = _nearest(differs, from_end)
        if place is not None and not (mine[place] ^ theirs[place]) & _SAID[place % width]:
            # What differs between the columns says nothing.
            differs = ((mine ^ theirs).reshape(-1, width) & _SAID).ravel() != 0
            place = _nearest(differs, from_end)
        if place is not None:
            return (at + (stop - at - 1 - place if from_end else place)) // width
        at = stop
    return count // width


def _nearest(mask: NDArray[np.bool_], from_end: bool) -> int | None:
    """The first place of a mask, or the last one; None where there is none."""
    place = len(mask) - 1 - int(mask[::-1].argmax()) if from_end else int(mask.argmax())
    return place if mask[place] else None


def matched(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Rows of `a` and of `b` that are equal, each once, the first with the first."""
    if not len(a) or not len(b):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if len(a) + len(b) <= _FEW:  # where one look into a dict costs less than a call of NumPy
        found = _matched_few(a, b)
        return found[:, 0], found[:, 1]
    both = np.concatenate([a, b])
    order = np.lexsort((both[:, 1], both[:, 0]))  # stable: of equal rows those of `a` come first
    rows = both[order]
    new = np.append(True, (rows[1:] != rows[:-1]).any(1))
    begins, run = np.flatnonzero(new), np.cumsum(new) - 1
    of_a = order < len(a)
    in_a = np.add.reduceat(of_a, begins, dtype=np.int64)
    in_both = np.minimum(in_a, np.diff(begins, append=len(order)) - in_a)
    rank = np.arange(len(order)) - begins[run]
    chosen = np.where(of_a, rank, rank - in_a[run]) < in_both[run]
    return order[chosen & of_a], order[chosen & ~of_a] - len(a)


def _matched_few(a: Ints, b: Ints) -> Ints:
    rows: dict[tuple[int, ...], list[int]] = {}
    for number, row in enumerate(zip(*a.T.tolist(), strict=True)):
        rows.setdefault(row, []).append(number)
    found = [
        (own.pop(0), number) for number, row in enumerate(zip(*b.T.tolist(), strict=True)) if (own := rows.get(row))
    ]
    return np.array(found, np.int64).reshape(-1, 2)
