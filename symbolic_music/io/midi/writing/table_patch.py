"""Controllers, bends, texts and names of tracks that were changed, as changes of the events of a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.source_file import Document
from symbolic_music.io.midi.tolerant_reader import Placed
from symbolic_music.io.midi.writing.chunk_patch import New
from symbolic_music.io.midi.writing.event_bytes import encoded, meta, text_message
from symbolic_music.io.midi.writing.event_changes import Place, Swap, coming
from symbolic_music.io.midi.writing.note_changes import matched
from symbolic_music.score import Array, Score, Text, Track

_NAME, _LYRIC, _MARKER = 3, 5, 6
_BEND_STATUS, _CONTROL_STATUS = 0xE0, 0xB0
_BANKS = (0, 32)


class _Event(NamedTuple):
    """An event of a port and channel: its tick, status without the channel, and two data bytes."""

    voice: tuple[int, int]
    time: int
    kind: int
    first: int
    second: int

    @property
    def same(self) -> tuple[object, ...]:
        """What an event that is in the place of another has in common with it: all but its value."""
        return self.voice, self.time, self.kind, self.first if self.kind == _CONTROL_STATUS else 0

    @property
    def data(self) -> bytes:
        return bytes([self.kind | self.voice[1], self.first, self.second])


def table_swaps(score: Score, document: Document, placed: Placed) -> list[Swap] | None:
    """What became of controllers, bends, texts and names; None where it cannot be said in the events of this file."""
    *_, controls, bends, tracks, texts = document.tables
    found: list[Swap] = []
    for ours, theirs, stood, places in (
        (score.controls, controls, placed.score.controls, placed.controls),
        (score.bends, bends, placed.score.bends, placed.bends),
    ):
        own = of_first(ours, len(tracks))
        if own is not theirs and not np.array_equal(own, theirs):
            if not np.array_equal(np.sort(theirs), np.sort(stood)):
                return None
            swapped = _of_channels(own, stood, places, placed)
            if swapped is None:
                return None
            found += swapped
    for swaps in (_of_texts(score.texts, texts, placed), _of_names(score.tracks, tracks, placed)):
        if swaps is None:
            return None
        found += swaps
    return found


def of_first(table: Array, tracks: int) -> Array:
    """The rows of the first tracks."""
    return table[table["track"] < tracks] if len(table) and table["track"].max() >= tracks else table


# -- controllers and bends ---------------------------------------------------------------------------------------


def _of_channels(ours: Array, stood: Array, places: NDArray[np.int64], placed: Placed) -> list[Swap] | None:
    """An event is one of its channel: it goes and comes for all parts there, or else cannot be said.

    `stood` are the events of the file, at these bytes of it.
    """
    tracks = placed.score.tracks
    old, new = matched(_packed(stood), _packed(ours))
    went, came = np.delete(np.arange(len(stood)), old), np.delete(np.arange(len(ours)), new)
    on_voice = Counter((track.port, track.channel) for track in tracks)
    going: dict[int, list[_Event]] = defaultdict(list)
    for event, byte in zip(_events(stood[went], tracks), places[went].tolist(), strict=True):
        going[byte].append(event)
    arriving: dict[_Event, Counter[int]] = defaultdict(Counter)
    for event, track in zip(_events(ours[came], tracks), ours["track"][came].tolist(), strict=True):
        arriving[event][track] += 1
    if any(len(same) != on_voice[same[0].voice] for same in going.values()):
        return None
    if any(len(of) != on_voice[event.voice] or len(set(of.values())) > 1 for event, of in arriving.items()):
        return None
    events = [*arriving, *(same[0] for same in going.values())]
    if any(event.kind == _CONTROL_STATUS and event.first in _BANKS for event in events):
        return None  # a bank says nothing until a program takes it
    starts = [extent.start for extent in placed.layout.tracks]
    free: dict[tuple[object, ...], list[Place]] = defaultdict(list)
    for byte, same in sorted(going.items()):
        file = int(np.searchsorted(starts, byte, side="right")) - 1
        free[same[0].same].append((file, byte - starts[file]))
    found: list[Swap] = []
    for event, of in arriving.items():
        for _ in range(next(iter(of.values()))):
            at = free[event.same].pop(0) if free[event.same] else None
            file = int(np.searchsorted(placed.first, min(of), side="right")) - 1 if at is None else at[0]
            found.append(coming(file, at, event.time, event.data, placed))
    return found + [Swap(file, place, None) for left in free.values() for file, place in left]


def _packed(table: Array) -> NDArray[np.int64]:
    """All that a controller or a bend says as two numbers, (rows, 2)."""
    time, track, value = (table[name].astype(np.int64) for name in ("time", "track", "value"))
    number = table["number"].astype(np.int64) if "number" in (table.dtype.names or ()) else 0
    return np.stack([time << 16 | track, number << 16 | value + 8192], -1)


def _events(table: Array, tracks: Sequence[Track]) -> Iterator[_Event]:
    bends = "number" not in (table.dtype.names or ())
    for time, *said, track in table.tolist():
        voice = (tracks[track].port, tracks[track].channel or 0)
        if bends:
            yield _Event(voice, time, _BEND_STATUS, said[0] + 8192 & 127, said[0] + 8192 >> 7)
        else:
            yield _Event(voice, time, _CONTROL_STATUS, *said)


# -- words -------------------------------------------------------------------------------------------------------


def _of_texts(ours: Sequence[Text], theirs: Sequence[Text], placed: Placed) -> list[Swap] | None:
    if ours is theirs or tuple(ours) == tuple(theirs):
        return []
    known = len(placed.score.tracks)
    if any(text.track is not None and text.track >= known for text in ours):
        return None
    stood = _texts(placed)
    if stood is None or Counter(text for text, _ in stood) != Counter(theirs):
        return None
    went, came = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
    free: dict[tuple[int, str, int | None], list[Place]] = defaultdict(list)
    for text, place in stood:
        if went[text]:
            went[text] -= 1
            free[text.time, text.kind, text.track].append(place)
    found: list[Swap] = []
    for text in came.elements():
        left = free[text.time, text.kind, text.track]
        at = left.pop(0) if left else None
        file = 0 if text.track is None else int(np.searchsorted(placed.first, text.track, side="right")) - 1
        found.append(coming(file if at is None else at[0], at, text.time, text_message(text)[2], placed))
    return found + [Swap(file, place, None) for left in free.values() for file, place in left]


def _texts(placed: Placed) -> list[tuple[Text, Place]] | None:
    """Markers and lyrics with their places; None where not all of them were read."""
    words: list[tuple[Text, Place]] = []
    for file, events in enumerate(placed.tracks):
        first, stop = placed.first[file : file + 2]
        singer = first if stop == first + 1 else None
        own = events.metas
        for kind, rows, name, track in ((_MARKER, own.markers, "marker", None), (_LYRIC, own.lyrics, "lyric", singer)):
            places = [place for place, size in _metas(placed, file, kind) if size]
            if len(places) != len(rows):
                return None
            words += [
                (Text(time, text, name, track, code), (file, place))
                for (time, text, code), place in zip(rows, places, strict=True)
            ]
    return words


def _metas(placed: Placed, file: int, kind: int) -> Iterator[tuple[int, int]]:
    """(place, bytes after the kind and the length of a short one) of the meta events of a kind."""
    table = placed.tracks[file].table
    if table is not None:
        for row in np.flatnonzero((table.status == 0xFF) & (table.kind == kind)).tolist():
            yield int(table.place[row]), int(table.stop[row] - table.place[row]) - 3


def _of_names(ours: Sequence[Track], theirs: Sequence[Track], placed: Placed) -> list[Swap] | None:
    """A track of the file has one name, which is that of all its parts."""
    found: list[Swap] = []
    for file, (first, stop) in enumerate(zip(placed.first[:-1], placed.first[1:], strict=True)):
        names = {track.name for track in ours[first:stop]}
        if names == {track.name for track in theirs[first:stop]}:
            continue
        places = [place for place, _ in _metas(placed, file, _NAME)]
        if len(names) > 1 or len(places) > 1:
            return None
        data = meta(_NAME, encoded(ours[first].name, ours[first].encoding))
        at = (file, places[0]) if places else None
        found.append(Swap(file, at[1], New(_tick(placed, *at), data, before=at[1])) if at else
                     Swap(file, None, New(0, data, first=True)))  # fmt: skip
    return found


def _tick(placed: Placed, file: int, place: int) -> int:
    table = placed.tracks[file].table
    assert table is not None
    return int(table.tick[np.searchsorted(table.place, place)])
