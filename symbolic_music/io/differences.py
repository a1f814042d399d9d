"""Differences between two MIDI files: audible ones, and event by event."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

    Seconds, pitch and track of the file (in `a`, where it is there); `changed`: audible attributes, (in a, in b).
    """

    seconds: float
    pitch: int
    track: int
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
    found = [read_tracks(data, Counter())[0] for data in (first, second)]
    names = ("format", "division")
    header = {name: (getattr(found[0], name), getattr(found[1], name)) for name in names}
    header["tracks"] = (len(found[0].tracks), len(found[1].tracks))
    heard = [_by_key(data) for data in (first, second)]
    return Differences(
        notes=tuple(sorted(_notes(*heard), key=lambda one: (one.seconds, one.pitch))),
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


Keyed = dict[tuple[int, int, bool], list[tuple[Sound, int]]]


def _by_key(data: bytes) -> Keyed:
    """Sounds with their length in the grid, by onset in the grid, pitch and drum."""
    score = parse_midi(data)
    sounds = played(data)
    onsets = score.seconds([sound.time for sound in sounds])
    ends = score.seconds([sound.time + sound.length for sound in sounds])
    found: Keyed = defaultdict(list)
    for sound, onset, end in zip(sounds, onsets.tolist(), ends.tolist(), strict=True):
        found[round(onset * _GRID), sound.pitch, sound.drum].append((sound, round((end - onset) * _GRID)))
    return found


def _heard(one: tuple[Sound, int]) -> dict[str, Any]:
    return {**{name: getattr(one[0], name) for name in _HEARD}, "seconds": one[1] / _GRID}


def _notes(first: Keyed, second: Keyed) -> Iterator[NoteDifference]:
    for key in first.keys() | second.keys():
        mine, theirs = list(first.get(key, ())), list(second.get(key, ()))
        if [_heard(one) for one in mine] == [_heard(one) for one in theirs]:
            continue
        for one in list(mine):  # those of one key that are alike are no difference
            twin = next((other for other in theirs if _heard(other) == _heard(one)), None)
            if twin is not None:
                mine.remove(one)
                theirs.remove(twin)
        seconds, pitch, _ = key
        for one, other in zip(mine, theirs, strict=False):
            a, b = _heard(one), _heard(other)
            changed = {name: (a[name], b[name]) for name in a if a[name] != b[name]}
            yield NoteDifference(seconds / _GRID, pitch, one[0].track, None, changed)
        count = min(len(mine), len(theirs))
        for only, rest in (("a", mine[count:]), ("b", theirs[count:])):
            for one in rest:
                yield NoteDifference(seconds / _GRID, pitch, one[0].track, only, {})


def _events(first: bytes, second: bytes) -> Iterator[EventDifference]:
    """Events that are in a track of one file and not in the same track of the other; equal ones count."""
    mine, theirs = named(first), named(second)
    for track in range(max(len(mine), len(theirs))):
        a, b = (Counter(one[track]) if track < len(one) else Counter() for one in (mine, theirs))
        for only, rest in (("a", a - b), ("b", b - a)):
            for (tick, event), count in sorted(rest.items()):
                for _ in range(count):
                    yield EventDifference(track, tick, only, event)
