"""Differences between two MIDI files: audible ones, and event by event."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.io.midi.event_names import named
from symbolic_music.io.midi.player import Sound, played
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.io.midi.tolerant_reader import read_tracks
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import Score

# Audible attributes of a note; durations and times are compared to a tenth of a millisecond.
_HEARD = ("velocity", "program", "bank", "volume", "pan", "expression", "bend", "bend_range")
_GRID = 10_000


@dataclass(frozen=True)
class NoteDifference:
    """A note in one file only (`only` is "a" or "b"), or with a different sound in the other.

    Seconds, printed number of the bar (None if there are too many), pitch, whether it is a drum's, number and name of
    the track of the file (in `a`, where it is there); `changed`: audible attributes, (in a, in b).
    """

    seconds: float
    bar: int | None
    pitch: int
    drum: bool
    track: int
    name: str
    only: str | None
    changed: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class EventDifference:
    """An event that stands in one file only: its track of the file, tick, and what it says."""

    track: int
    tick: int
    only: str
    event: str


@dataclass(frozen=True)
class Differences:
    """Notes that sound otherwise, events that are not the same, and headers; `notes_compared` are those of `a`.

    Examples:
        >>> found = sm.io.differences(song, sm.transforms.transpose(song, 1))
        >>> found.notes_compared, len(found.notes) > 0
        (546, True)
    """

    notes: tuple[NoteDifference, ...]
    events: tuple[EventDifference, ...]
    header: dict[str, tuple[int, int]]
    notes_compared: int

    @property
    def sounds_alike(self) -> bool:
        """Whether there is no audible difference."""
        return not self.notes

    @property
    def is_equal(self) -> bool:
        """Whether the files say the same, event by event."""
        return not (self.notes or self.events or self.header)

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {"sounds_alike": self.sounds_alike, "equal": self.is_equal, **asdict(self)}


def differences(a: str | Path | bytes | Score, b: str | Path | bytes | Score) -> Differences:
    """Compare two files, or scores as they would be written.

    Raises:
        FileError, MidiError, NotationError: when a file cannot be read.

    Examples:
        >>> edited = sm.infill(song, bars=(9, 9), tracks=["bass"], seed=1)
        >>> {note.track for note in sm.io.differences(song, edited).notes}  # of the file, whose first has no notes
        {3}
    """
    first, second = _bytes(a), _bytes(b)
    found, tracks = zip(*(read_tracks(data, Counter()) for data in (first, second)), strict=True)
    header = {name: (getattr(found[0], name), getattr(found[1], name)) for name in ("format", "division")}
    header["tracks"] = (len(tracks[0]), len(tracks[1]))
    heard = [_by_key(data, [own.metas.name for own in of]) for data, of in zip((first, second), tracks, strict=True)]
    return Differences(
        notes=tuple(sorted(_notes(*heard), key=lambda one: (one.seconds, one.track, one.pitch))),
        events=tuple(_events(first, second)),
        header={name: values for name, values in header.items() if values[0] != values[1]},
        notes_compared=sum(map(len, heard[0].values())),
    )


def _bytes(source: str | Path | bytes | Score) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, Score):
        return midi_bytes(source)
    from symbolic_music.io.files import read  # which reads MIDI through this package

    score = read(source)
    data = getattr(score.source, "data", None)
    return data if isinstance(data, bytes) else midi_bytes(score)


class _Heard(NamedTuple):
    """A sound with its length in the grid, its bar, and the name of its track."""

    sound: Sound
    length: int
    bar: int | None
    name: str

    @property
    def said(self) -> dict[str, Any]:
        """What is compared."""
        return {**{name: getattr(self.sound, name) for name in _HEARD}, "seconds": self.length / _GRID}


_Keyed = dict[tuple[int, int, bool], list[_Heard]]


def _by_key(data: bytes, names: Sequence[str]) -> _Keyed:
    """Sounds by onset in the grid, pitch and drum; `names` of the tracks of the file."""
    score = parse_midi(data)
    sounds = played(data)
    times = np.array([sound.time for sound in sounds], np.int64)
    onsets = score.seconds(times)
    ends = score.seconds([sound.time + sound.length for sound in sounds])
    found: _Keyed = defaultdict(list)
    for sound, onset, end, bar in zip(sounds, onsets.tolist(), ends.tolist(), _bars(score, times), strict=True):
        one = _Heard(sound, round((end - onset) * _GRID), bar, names[sound.track])
        found[round(onset * _GRID), sound.pitch, sound.drum].append(one)
    return found


def _bars(score: Score, times: NDArray[np.int64]) -> list[int | None]:
    """The printed number of the bar of each tick."""
    until = int(times.max(initial=0)) + 1
    try:
        lines, numbers = score.bars(until), score.numbers(until)
    except RegionError:
        return [None] * len(times)
    found: list[int | None] = numbers[np.searchsorted(lines, times, side="right") - 1].tolist()
    return found


def _notes(first: _Keyed, second: _Keyed) -> Iterator[NoteDifference]:
    for key in first.keys() | second.keys():
        mine, theirs = list(first.get(key, ())), list(second.get(key, ()))
        # Those that are alike are no difference; else those of one track belong together, then those that are struck
        # alike and last as long, and last those that differ in one thing: tracks may have moved.
        _paired(mine, theirs, lambda one, other: one.said == other.said)
        pairs = _paired(mine, theirs, lambda one, other: one.sound.track == other.sound.track)
        pairs += _paired(mine, theirs, lambda one, other: (one.sound.velocity, one.length) ==
                         (other.sound.velocity, other.length))  # fmt: skip
        pairs += _paired(
            mine, theirs, lambda one, other: sum(x != other.said[name] for name, x in one.said.items()) < 2
        )
        for one, other in pairs:
            changed = {name: (x, other.said[name]) for name, x in one.said.items() if x != other.said[name]}
            yield _difference(key, one, None, changed)
        for only, rest in (("a", mine), ("b", theirs)):
            for one in rest:
                yield _difference(key, one, only, {})


def _paired(
    mine: list[_Heard], theirs: list[_Heard], belong: Callable[[_Heard, _Heard], bool]
) -> list[tuple[_Heard, _Heard]]:  # fmt: skip
    """Take those that belong together out of both lists."""
    pairs = []
    for one in list(mine):
        other = next((other for other in theirs if belong(one, other)), None)
        if other is not None:
            mine.remove(one)
            theirs.remove(other)
            pairs.append((one, other))
    return pairs


def _difference(
    key: tuple[int, int, bool], one: _Heard, only: str | None, changed: dict[str, tuple[Any, Any]]
) -> NoteDifference:  # fmt: skip
    seconds, pitch, drum = key
    return NoteDifference(seconds / _GRID, one.bar, pitch, drum, one.sound.track, one.name, only, changed)


def _events(first: bytes, second: bytes) -> Iterator[EventDifference]:
    """Events that are in a track of one file and not in the same track of the other; equal ones count."""
    mine, theirs = named(first), named(second)
    for track in range(max(len(mine), len(theirs))):
        a, b = (Counter(one[track]) if track < len(one) else Counter() for one in (mine, theirs))
        for only, rest in (("a", a - b), ("b", b - a)):
            for (tick, event), count in sorted(rest.items()):
                for _ in range(count):
                    yield EventDifference(track, tick, only, event)
