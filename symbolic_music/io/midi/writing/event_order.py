"""The order of events of one tick: as in the file that a score comes from, else one that reads right."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from symbolic_music.io.midi.source_file import Document, document_of
from symbolic_music.io.midi.tolerant_reader import Placed, placed
from symbolic_music.score import Array, Other, Score

Ints = NDArray[np.int64]
# What comes first at one tick: names, ports and texts (HEAD), then banks before programs. A pedal that goes down where
# a note ends holds it, as it does in a score. What stood in the file follows these, in its order: at IN_FILE and twice
# its place there.
HEAD, BANK, PROGRAM, CONTROL, OFF = range(5)
# With room before each for a program.
IN_FILE = 6
# Behind all places in a file.
LATE = 1 << 40
BANK_HIGH, BANK_LOW = 0, 32


class Order:
    """Numbers to sort events of one tick by, for the rows of tables.

    `on`: that of the beginning of a note; the end of a note of no length follows it, a program may come before it.
    """

    on = OFF + 2

    def ons(self, notes: Array) -> Ints:
        """Those of the beginnings of notes."""
        return _all(self.on, notes)

    def offs(self, notes: Array) -> Ints:
        """Those of their ends."""
        lasting = notes["duration"] > 0
        return _all(OFF, notes) if lasting.all() else np.where(lasting, OFF, self.on + 1)

    def controls(self, table: Array) -> Ints:
        """Those of controllers: banks come before the program that takes them."""
        banks = (table["number"] == BANK_HIGH) | (table["number"] == BANK_LOW)
        return np.where(banks, BANK, CONTROL) if banks.any() else _all(CONTROL, table)

    def bends(self, table: Array) -> Ints:
        """Those of bends."""
        return _all(CONTROL, table)

    def touch(self, other: Other) -> int:
        """That of a message of a channel without a table."""
        return CONTROL

    def homes(self, orders: Ints, tracks: Sequence[int]) -> Ints:
        """To which of these tracks, which share a channel, events of such an order are written: to the first."""
        return np.zeros(len(orders), np.int64)


class FileOrder(Order):
    """The order of a file for all that still is where it was, or where moves of the whole have brought it."""

    on = LATE

    def __init__(self, document: Document) -> None:
        found = placed(document.data)
        self._document = document
        self._starts = starts = np.array([extent.start for extent in found.layout.tracks], np.int64)
        self._first = found.first
        notes = found.score.notes
        track, onset = notes["track"].astype(np.int64), notes["onset"].astype(np.int64)
        on, off = (np.where(places >= 0, starts[found.notes[:, 0]] + places, -1) for places in found.notes[:, 1:].T)
        self._on = _Places(_key(track, document.moved_to(onset), notes["pitch"]), on)
        self._off = _Places(_key(track, document.moved_to(onset + notes["duration"]), notes["pitch"]), off)
        self._controls, self._bends = _of_channels(document, found)

    @override
    def ons(self, notes: Array) -> Ints:
        return self._on.of(_key(notes["track"], notes["onset"], notes["pitch"]), super().ons(notes))

    @override
    def offs(self, notes: Array) -> Ints:
        ends = notes["onset"].astype(np.int64) + notes["duration"]
        return self._off.of(_key(notes["track"], ends, notes["pitch"]), super().offs(notes))

    @override
    def controls(self, table: Array) -> Ints:
        usual = super().controls(table)
        return np.where(
            usual == BANK, BANK, self._controls.of(_key(table["track"], table["time"], table["number"]), usual)
        )

    @override
    def bends(self, table: Array) -> Ints:
        return self._bends.of(_key(table["track"], table["time"], 0), super().bends(table))

    @override
    def touch(self, other: Other) -> int:
        left = self._touches[other.time, other.track, other.data]
        return IN_FILE + 2 * left.popleft() if left else super().touch(other)

    @cached_property
    def _touches(self) -> dict[tuple[int, int | None, bytes], deque[int]]:
        """Where messages of channels stand."""
        others = self._document.others
        times = np.array([other.time for other in others], np.int64)
        if self._document.moves:
            times = self._document.set_to(times, self._document.behind.others)
        found: dict[tuple[int, int | None, bytes], deque[int]] = defaultdict(deque)
        for other, time, (file, place) in zip(others, times.tolist(), others.places, strict=True):
            if file >= 0:
                found[time, other.track, other.data].append(int(self._starts[file]) + place)
        return found

    @override
    def homes(self, orders: Ints, tracks: Sequence[int]) -> Ints:
        """To the track in which they stand, else to the last before it, so that the order of a tick stays."""
        files = np.searchsorted(self._starts, (orders - IN_FILE) // 2, side="right") - 1
        last = np.searchsorted(np.searchsorted(self._first, tracks, side="right") - 1, files, side="right") - 1
        return np.where(orders >= IN_FILE, np.maximum(last, 0), 0)


class PartByPart(Order):
    """Another order, in which notes of one tick without a place in the file have room for a program between parts.

    For parts that take turns on a channel. Shorter ones come first, so that first in, first out ends them right.
    """

    def __init__(self, order: Order) -> None:
        self.on = order.on
        self._order = order

    @override
    def ons(self, notes: Array) -> Ints:
        return self._apart(self._order.ons(notes), self.on, notes)

    @override
    def offs(self, notes: Array) -> Ints:
        return self._apart(self._order.offs(notes), self.on + 1, notes)

    @override
    def controls(self, table: Array) -> Ints:
        return self._order.controls(table)

    @override
    def bends(self, table: Array) -> Ints:
        return self._order.bends(table)

    @override
    def touch(self, other: Other) -> int:
        return self._order.touch(other)

    @override
    def homes(self, orders: Ints, tracks: Sequence[int]) -> Ints:
        return self._order.homes(orders, tracks)

    @staticmethod
    def _apart(turns: Ints, usual: int, notes: Array) -> Ints:
        rank = notes["duration"].astype(np.int64) << 23 | notes["track"].astype(np.int64) << 7 | notes["program"]
        return np.where(turns == usual, usual + 2 * rank, turns)


def _all(number: int, table: Array) -> Ints:
    """The same number for all rows, without memory of their own."""
    return np.broadcast_to(np.int64(number), len(table))


def order_of(score: Score) -> Order:
    """The order for a score: that of its file, where its tracks are those of the file."""
    document = document_of(score)
    if document is None:
        return Order()
    tracks = document.tables[6]
    return FileOrder(document) if score.tracks[: len(tracks)] == tracks else Order()


class _Places:
    """Places in a file by a key; of equal keys the n-th asked for has the n-th place."""

    def __init__(self, keys: Ints, places: Ints) -> None:
        known = (places >= 0) & (keys >= 0)
        order = np.lexsort((places[known], keys[known]))
        self._keys, self._places = keys[known][order], places[known][order]

    def of(self, keys: Ints, usual: Ints) -> Ints:
        """The order of these; the usual one where they are not in the file."""
        if not len(self._keys) or not len(keys):
            return usual
        by_key = np.argsort(keys, kind="stable")
        sorted_keys = keys[by_key]
        first = np.searchsorted(sorted_keys, sorted_keys)
        at = np.empty(len(keys), np.int64)
        at[by_key] = np.searchsorted(self._keys, sorted_keys) + np.arange(len(keys)) - first
        at = np.minimum(at, len(self._keys) - 1)
        return np.where(self._keys[at] == keys, IN_FILE + 2 * self._places[at], usual)


def _of_channels(document: Document, found: Placed) -> tuple[_Places, _Places]:
    controls, bends = found.score.controls, found.score.bends
    times = [table["time"].astype(np.int64) for table in (controls, bends)]
    if document.moves:
        times = [document.set_to(*of) for of in zip(times, document.behind[:2], strict=True)]
    return (
        _Places(_key(controls["track"], times[0], controls["number"]), found.controls),
        _Places(_key(bends["track"], times[1], 0), found.bends),
    )


def _key(track: Any, time: Any, number: Any) -> Ints:
    """A key; a negative one, which nothing asks for, where the time is."""
    wide = [np.asarray(column, np.int64) for column in (track, time, number)]
    return np.where(wide[1] < 0, -1, wide[0] << 39 | wide[1] << 7 | wide[2])
