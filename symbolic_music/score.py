"""A score is a table of notes with tempo and meter maps beside it.

Times are integer ticks; seconds, beats and bars are vectorised views through the maps. A Score is
immutable: its arrays are read-only, and functions on it (`symbolic_music.transforms`) return new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from dataclasses import replace as _replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import RegionError, ScoreError, SymbolicMusicError
from symbolic_music.general_midi import DRUM_CHANNEL as DRUM_CHANNEL
from symbolic_music.general_midi import DRUM_INSTRUMENT as DRUM_INSTRUMENT
from symbolic_music.general_midi import instrument_name

# 16 bytes a note. `channel` 9 is General MIDI's drum channel; `track` indexes Score.tracks; `hanging` is 1 for a note
# that its file never ended (its duration is the reader's), which most of the published encodings leave out.
NOTE = np.dtype(
    [
        ("onset", np.int32),
        ("duration", np.int32),
        ("pitch", np.uint8),
        ("velocity", np.uint8),
        ("program", np.uint8),
        ("channel", np.uint8),
        ("track", np.uint16),
        ("hanging", np.uint8),
    ],
    align=True,
)
# Microseconds per quarter note, as in the MIDI tempo event.
TEMPO = np.dtype([("time", np.int32), ("microseconds", np.int32)])
METER = np.dtype([("time", np.int32), ("numerator", np.uint8), ("denominator", np.uint8)])
# Sharps (positive) or flats (negative) of the signature; minor is 0 or 1.
KEY = np.dtype([("time", np.int32), ("sharps", np.int8), ("minor", np.uint8)])
# The printed number of the bar that begins at a tick.
BAR_NUMBER = np.dtype([("time", np.int32), ("number", np.int32)])
CONTROL = np.dtype([("time", np.int32), ("number", np.uint8), ("value", np.uint8), ("track", np.uint16)], align=True)
# Pitch bend, -8192..8191.
BEND = np.dtype([("time", np.int32), ("value", np.int16), ("track", np.uint16)])

_MAX_BARS = 1_000_000
DEFAULT_TEMPO = 500_000
Array = NDArray[Any]
Tables = tuple[Array, Array, Array, Array, Array, Array, "tuple[Track, ...]", "tuple[Text, ...]"]


@dataclass(frozen=True)
class Track:
    """A part: its name, its General MIDI program (0-127), and whether it plays the drum kit.

        sm.Track("Bass", 33), sm.Track("Drums", is_drum=True)

    Where it was read from MIDI, its channel (0-15), port and bank (14 bits, controller 0 first) too. They are not
    compared: parts that differ in nothing else play the same, but for the bank, on any channel.
    """

    name: str = ""
    program: int = 0
    is_drum: bool = False
    channel: int | None = field(default=None, compare=False)
    port: int = field(default=0, compare=False)
    bank: int = field(default=0, compare=False)
    # In which its name was read, and is written again.
    encoding: str = field(default="utf-8", compare=False)


@dataclass(frozen=True)
class Text:
    """A text event at a tick; track is None for the whole score.

    Kind is "marker", "lyric", "chord" (a chord symbol such as Am7/G) or "text" (any other words).

    Examples:
        >>> chord = sm.score.Text(0, "Am7/G", "chord")
        >>> song.replace(texts=(chord,)).write("chords.musicxml").name
        'chords.musicxml'
    """

    time: int
    text: str
    kind: str = "marker"
    track: int | None = None
    encoding: str = field(default="utf-8", compare=False)


@dataclass(frozen=True)
class Other:
    """An event of a MIDI file that no table of a score holds: exclusive messages, aftertouch, copyright, cues, ...

    A note off is that of the note that ends there, if another velocity than 64 lets go of it. A chunk of another kind
    than tracks stands at tick 0, from its name on.

    Its tick, and its bytes with their status. It stands in a track of the score, or, where that is None, in a track
    of the file in which nothing plays: that many others of the file come before it.

    Examples:
        >>> other = sm.score.Other(0, bytes([0xF0, 0x7E, 0x7F, 0x09, 0x01, 0xF7]))  # General MIDI on
        >>> song.replace(others=(other,)).others[0].time
        0
    """

    time: int
    data: bytes
    track: int | None = None
    chunk: int = 0


def note_table(rows: Sequence[Sequence[int]] = (), **columns: ArrayLike) -> Array:
    """A note table from rows (onset, duration, pitch, velocity, program, channel, track) or from columns.

    Missing trailing fields of a row and missing columns are 0, velocity 64.

    Raises:
        ScoreError: for a number that its column cannot hold, as an onset of 2^31 ticks.

    Examples:
        >>> notes = sm.score.note_table([(0, 480, 60), (480, 480, 64), (960, 960, 67)])
        >>> sm.Score(notes=notes).duration
        2.0
    """
    if columns:
        size = max((np.size(np.asarray(c)) for c in columns.values()), default=0)
        table = np.zeros(size, NOTE)
        table["velocity"] = 64
        for name, column in columns.items():
            _check_range(name, np.asarray(column), table.dtype[name])
            table[name] = column
        return table
    table = np.zeros(len(rows), NOTE)
    table["velocity"] = 64
    for i, row in enumerate(rows):
        for name, value in zip(NOTE.names or (), row, strict=False):
            try:
                table[name][i] = value
            except OverflowError:
                raise ScoreError(f"notes: {name} {value} is out of range") from None
    return table


def _check_range(name: str, values: Array, dtype: np.dtype[Any]) -> None:
    """ScoreError for numbers that NumPy would turn into others."""
    if dtype.kind not in "iu" or values.dtype.kind not in "iuf" or not values.size:
        return
    for value in (values.min(), values.max()):
        if not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:  # nor is nan
            raise ScoreError(f"notes: {name} {value} is out of range")


def _frozen(array: Array, dtype: np.dtype[Any]) -> Array:
    array = np.ascontiguousarray(array, dtype=dtype)
    if array.flags.writeable:
        # As plain bytes: NumPy copies records field by field, forty times slower.
        array = array.view(f"V{dtype.itemsize}").copy().view(dtype)
        array.flags.writeable = False
    return array


def joined(tables: Sequence[Array], dtype: np.dtype[Any]) -> Array:
    """Tables of one dtype after each other, as a new table.

    Examples:
        >>> both = sm.score.joined([song.notes, melody.notes], song.notes.dtype)
        >>> len(both) == len(song.notes) + len(melody.notes)
        True
    """
    plain = f"V{dtype.itemsize}"
    parts = [np.ascontiguousarray(table, dtype).view(plain) for table in tables]
    return np.concatenate(parts).view(dtype) if parts else np.zeros(0, dtype)


# Least and greatest value of columns that their dtype does not bound.
_RANGES: dict[str, dict[str, tuple[int, int | None]]] = {
    "notes": {"duration": (0, None), "pitch": (0, 127), "velocity": (0, 127), "program": (0, 127), "channel": (0, 15)},
    "tempos": {"microseconds": (1, None)},
    "meters": {"numerator": (1, None), "denominator": (1, None)},
    "keys": {"sharps": (-7, 7), "minor": (0, 1)},
    "controls": {"number": (0, 127), "value": (0, 127)},
    "bends": {"value": (-8192, 8191)},
    "bar_numbers": {"number": (0, None)},
}


def _check_rows(name: str, table: Array) -> None:
    """ScoreError for a value that is out of range; the table is sorted by time."""
    if not len(table):
        return
    time = "onset" if name == "notes" else "time"
    if table[time][0] < 0:
        raise ScoreError(f"{name}: {time} {table[time][0]} is before the beginning")
    for column, (low, high) in _RANGES[name].items():
        values = table[column]
        if values.min() < low or (high is not None and values.max() > high):
            bad = values.min() if values.min() < low else values.max()
            raise ScoreError(
                f"{name}: {column} {bad} is not {low} to {high}" if high else f"{name}: {column} {bad} is under {low}"
            )


def _empty(dtype: np.dtype[Any]) -> Any:
    return field(default_factory=lambda: np.zeros(0, dtype))


@dataclass(frozen=True, eq=False)
class Score:
    """Notes and what they need to sound: maps of tempo, meter and key, controllers, tracks, texts.

        song = sm.read("song.mid")
        low = song.notes[song.notes["pitch"] < 48]  # a NumPy record array
        song.seconds(low["onset"]), song.bars(), song.tracks

    Tables are kept sorted by time; of notes with one onset the given order stays (file order). Before the
    first tempo event the tempo is 120 quarter notes a minute, before the first meter event 4/4, as MIDI says.

    Raises:
        ScoreError: when a table holds a value that MIDI has not, or a time before the beginning.
    """

    ticks_per_quarter: int = 480
    notes: Array = _empty(NOTE)
    tempos: Array = _empty(TEMPO)
    meters: Array = _empty(METER)
    keys: Array = _empty(KEY)
    controls: Array = _empty(CONTROL)
    bends: Array = _empty(BEND)
    bar_numbers: Array = _empty(BAR_NUMBER)
    tracks: tuple[Track, ...] = ()
    texts: tuple[Text, ...] = ()
    problems: tuple[str, ...] = ()
    # Events that are in none of the tables, in order of time.
    others: Sequence[Other] = ()
    # What a file was beyond its notes, for its writer to patch: of the reader that made it, None for any other score.
    source: object | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.ticks_per_quarter < 1:
            raise SymbolicMusicError("ticks_per_quarter must be at least 1")
        for name, dtype, key in (
            ("notes", NOTE, "onset"),
            ("tempos", TEMPO, "time"),
            ("meters", METER, "time"),
            ("keys", KEY, "time"),
            ("controls", CONTROL, "time"),
            ("bends", BEND, "time"),
            ("bar_numbers", BAR_NUMBER, "time"),
        ):
            table = np.asarray(getattr(self, name), dtype=dtype)
            times = table[key]
            if len(times) > 1 and np.any(times[1:] < times[:-1]):
                table = table[np.argsort(times, kind="stable")]
            _check_rows(name, table)
            object.__setattr__(self, name, _frozen(table, dtype))
        for track in self.tracks:
            if not 0 <= track.program <= 127:
                raise ScoreError(f"a program is 0 to 127, not {track.program}")
        if any(text.time < 0 for text in self.texts):
            raise ScoreError("a text begins before the score does")
        needed = 0
        for table in (self.notes, self.controls, self.bends):
            if len(table):
                needed = max(needed, int(table["track"].max()) + 1)
        if needed > len(self.tracks):
            object.__setattr__(self, "tracks", self._named_tracks(needed))

    def __reduce__(self) -> tuple[type[Score], tuple[Any, ...]]:
        """Pickled and deep-copied through the constructor: copies of arrays are writable, and a score is not."""
        return type(self), tuple(getattr(self, one.name) for one in fields(self))

    def _named_tracks(self, needed: int) -> tuple[Track, ...]:
        """The given tracks, completed from the notes for indices without a description."""
        tracks = list(self.tracks)
        for index in range(len(tracks), needed):
            own = self.notes[self.notes["track"] == index]
            if len(own):
                tracks.append(Track("", int(own["program"][0]), bool(own["channel"][0] == DRUM_CHANNEL)))
            else:
                tracks.append(Track())
        return tuple(tracks)

    def as_tables(self) -> Tables:
        """Notes, tempos, meters, keys, controls, bends, tracks, texts."""
        return (
            self.notes, self.tempos, self.meters, self.keys, self.controls, self.bends, self.tracks, self.texts
        )  # fmt: skip

    def replace(self, **changes: Any) -> Score:
        """A copy with these fields changed."""
        return _replace(self, **changes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        return (
            self.ticks_per_quarter == other.ticks_per_quarter
            and self.tracks == other.tracks
            and self.texts == other.texts
            and all(
                np.array_equal(getattr(self, name), getattr(other, name))
                for name in ("notes", "tempos", "meters", "keys", "controls", "bends")
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """The number of notes."""
        return len(self.notes)

    def __repr__(self) -> str:
        return (
            f"Score({len(self.notes)} notes, {len(self.tracks)} tracks, {self.duration:.1f} s, "
            f"{self.ticks_per_quarter} ticks a quarter)"
        )

    def without_hanging(self) -> Score:
        """The score without notes that its file never ended: as symusic, pretty_midi, MidiTok and note-seq read it."""
        rows = np.flatnonzero(self.notes["hanging"] == 0)
        return self if len(rows) == len(self.notes) else self.replace(notes=self.notes[rows])

    # -- time ---------------------------------------------------------------------------------------------

    @property
    def end(self) -> int:
        """The tick at which the last note ends (0 for an empty score)."""
        if not len(self.notes):
            return 0
        return int((self.notes["onset"].astype(np.int64) + self.notes["duration"]).max())

    @property
    def duration(self) -> float:
        """Seconds from tick 0 to the end of the last note."""
        return float(self.seconds(self.end))

    @cached_property
    def _tempo_map(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """(ticks, seconds at those ticks, seconds a tick from there on); of one tick's events the last counts."""
        ticks = self.tempos["time"].astype(np.int64)
        mspq = self.tempos["microseconds"].astype(np.float64)
        if not len(ticks) or ticks[0] > 0:
            ticks = np.concatenate([[0], ticks])
            mspq = np.concatenate([[DEFAULT_TEMPO], mspq])
        last = np.append(ticks[1:] != ticks[:-1], True)
        ticks, mspq = ticks[last], mspq[last]
        per_tick = mspq / (1e6 * self.ticks_per_quarter)
        starts = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * per_tick[:-1])])
        return ticks, starts, per_tick

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Seconds at these ticks under the tempo map. Any shape in, the same shape out."""
        at, starts, per_tick = self._tempo_map
        ticks = np.asarray(ticks, dtype=np.float64)
        if len(at) == 1:
            return np.asarray(ticks * per_tick[0])
        i = np.maximum(np.searchsorted(at, ticks, side="right") - 1, 0)
        return np.asarray(starts[i] + (ticks - at[i]) * per_tick[i])

    def ticks(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Ticks (not rounded) at these seconds: the inverse of `seconds`."""
        at, starts, per_tick = self._tempo_map
        seconds = np.asarray(seconds, dtype=np.float64)
        i = np.maximum(np.searchsorted(starts, seconds, side="right") - 1, 0)
        return np.asarray(at[i] + (seconds - starts[i]) / per_tick[i])

    def beats(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Quarter notes from the start at these ticks."""
        return np.asarray(ticks, dtype=np.float64) / self.ticks_per_quarter

    @property
    def onset_seconds(self) -> NDArray[np.float64]:
        """Onset of each note in seconds, shape (notes,)."""
        return self.seconds(self.notes["onset"])

    @property
    def offset_seconds(self) -> NDArray[np.float64]:
        """End of each note in seconds, shape (notes,)."""
        return self.seconds(self.notes["onset"].astype(np.int64) + self.notes["duration"])

    @property
    def instruments(self) -> NDArray[np.int64]:
        """Instrument of each note, shape (notes,): its program, or 128 for drums."""
        drums = self.notes["channel"] == DRUM_CHANNEL
        return np.where(drums, DRUM_INSTRUMENT, self.notes["program"]).astype(np.int64)

    def bars(self, until: int | None = None) -> NDArray[np.int64]:
        """Ticks at which bars start, from 0 up to and excluding `until` (the end of the last note).

        A meter change starts a new bar, even inside one.

        Raises:
            RegionError: when there are more than a million.
        """
        until = self.end if until is None else until
        times = self.meters["time"].astype(np.int64)
        quarters = 4 * self.meters["numerator"].astype(np.float64) / np.maximum(self.meters["denominator"], 1)
        if not len(times) or times[0] > 0:
            times, quarters = np.concatenate([[0], times]), np.concatenate([[4.0], quarters])
        last = np.append(times[1:] != times[:-1], True)
        times, quarters = times[last], quarters[last]
        steps = np.maximum(1, np.rint(quarters * self.ticks_per_quarter)).astype(np.int64)
        stops = np.minimum(np.append(times[1:], until), until)
        if (np.maximum(stops - times, 0) // steps).sum() > _MAX_BARS:
            raise RegionError(f"the score has more than {_MAX_BARS:,} bars")
        pieces = [np.arange(*bars, dtype=np.int64) for bars in zip(times, stops, steps, strict=True)]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)

    def numbers(self, until: int | None = None) -> NDArray[np.int64]:
        """The printed number of each bar of `bars(until)`: from 1 on, but for what `bar_numbers` says.

        An upbeat is bar 0; both halves of a bar that a repeat divides have one number.
        """
        lines = self.bars(until)
        if not len(self.bar_numbers) or not len(lines):
            return np.arange(1, len(lines) + 1)
        said = np.searchsorted(lines, self.bar_numbers["time"].astype(np.int64), side="right") - 1
        begin, number = np.append(0, said), np.append(1, self.bar_numbers["number"].astype(np.int64))
        latest = np.searchsorted(begin, np.arange(len(lines)), side="right") - 1
        return np.asarray(number[latest] + np.arange(len(lines)) - begin[latest])

    # -- shortcuts to what users do first -------------------------------------------------------------------

    def clip(self, start: float, end: float) -> Score:
        """The part between two times in seconds; see `transforms.clip`."""
        from symbolic_music import transforms

        return transforms.clip(self, start, end)

    def write(self, path: str | Path) -> Path:
        """Write as MIDI (.mid, .midi) or MusicXML (.musicxml, .xml); see `symbolic_music.io.write`."""
        from symbolic_music import io

        return io.write(self, path)

    def _repr_png_(self) -> bytes | None:
        """A piano roll, for notebooks; without notes there is none, and the text is shown."""
        if not len(self):
            return None
        from symbolic_music import plotting

        return plotting.piano_roll_png(self)


def track_title(score: Score, track: int) -> str:
    """The title of a track: its name, else that of its instrument, without invisible characters.

    Examples:
        >>> sm.score.track_title(song, 2)
        'Bass'
    """
    own = score.tracks[track]
    name = " ".join("".join(c if c.isprintable() else " " for c in own.name).split())
    return name or instrument_name(DRUM_INSTRUMENT if own.is_drum else own.program)
