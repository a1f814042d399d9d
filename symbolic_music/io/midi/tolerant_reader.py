"""Read MIDI files that a strict reader refuses or misreads, with a list of their problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.chunks import DEFAULT_DIVISION, MAX_TRACKS, Layout, layout
from symbolic_music.io.midi.merged_tracks import Sounds, merged, sounds_of
from symbolic_music.io.midi.reading.drum_parts import drum_parts
from symbolic_music.io.midi.reading.early_end import read_on
from symbolic_music.io.midi.reading.event_table import MAX_TICK, EventTable
from symbolic_music.io.midi.reading.track_contents import Events, track_events
from symbolic_music.score import KEY, METER, NOTE, TEMPO, Array, Score, Text, Track, joined

HANGING_SECONDS = 0.25
_NO_VOICES = np.zeros(0, np.int64)
# Frames a second of the SMPTE divisions, and microseconds of as many frames as their name says.
_SMPTE = {24: 1_000_000, 25: 1_000_000, 29: 1_001_000, 30: 1_000_000}


def parse_tolerant(data: bytes) -> Score:
    """A score from the bytes of a MIDI file, good or bad; `Score.problems` says what was repaired or left out.

    A track of the score is what one track of the file plays on one channel with one program, as it is heard
    (`merged_tracks`, `drum_parts`); drums get channel 9 in the table of notes and all others 0. A controller belongs to
    all tracks that play on its channel, lyrics to the whole score where their track of the file has several parts or
    none. Notes of one tick are in order of their tracks, of a file with one track in that of the file. Notes that never
    end last 250 ms. The tracks of a type 2 file, which has independent sequences, are laid over each other.

    Raises:
        MidiError: when it is not MIDI, or has more than 2,048 tracks.
    """
    return parse_placed(data).score


@lru_cache(maxsize=4)
def placed(data: bytes) -> Placed:
    """`parse_placed` with the last few files kept: a file that is edited again and again is parsed once."""
    return parse_placed(data)


@dataclass(frozen=True, eq=False)
class Placed:
    """A score with where its notes stand: rows (track of the file, place of the note on, of the off or -1), (notes, 3).

    `first` is the first part of each track of the file, with the number of parts at the end. `controls` and `bends`
    are the bytes of the file at which those of the score stand.
    """

    score: Score
    layout: Layout
    tracks: list[Events]
    first: tuple[int, ...]
    notes: NDArray[np.int64]
    controls: NDArray[np.int64]
    bends: NDArray[np.int64]

    @property
    def parts(self) -> tuple[Track, ...]:
        """The tracks of the score."""
        return self.score.tracks

    @property
    def table(self) -> Array:
        """The notes of the score."""
        return self.score.notes

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Those of the notes whose places are known: all."""
        return np.arange(len(self.notes))

    def sounding(self, first: int, last: int) -> NDArray[np.int64]:
        """Those that sound between two ticks."""
        begin = self._onsets.searchsorted(first - self._longest)
        rows = np.arange(begin, self._onsets.searchsorted(last, side="right"))
        return np.asarray(rows[self._onsets[rows] + self.table["duration"][rows] >= first])

    @cached_property
    def _onsets(self) -> NDArray[np.int64]:
        return self.table["onset"].astype(np.int64)

    @cached_property
    def _longest(self) -> int:
        return int(self.table["duration"].max(initial=0))

    def events(self, file: int) -> EventTable | None:
        """The events of a track of the file; None where it is damaged."""
        return self.tracks[file].table

    def sounds(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bank << 7 | program in force after these (tick, place in the file, voice, track of the file), (rows, 4)."""
        return self._sounds.at(rows)

    @cached_property
    def _sounds(self) -> Sounds:
        return sounds_of(self.tracks, [extent.start for extent in self.layout.tracks], self.layout.format == 2)

    @cached_property
    def voices(self) -> frozenset[int]:
        """Port << 4 | channel of all notes, changes, controllers and bends."""
        columns = [(e.voices, e.changes[:, 2], e.controls[:, 2], e.bends[:, 2]) for e in self.tracks]
        return frozenset(np.unique(np.concatenate([*chain.from_iterable(columns), _NO_VOICES])).tolist())


def parse_placed(data: bytes) -> Placed:
    """Parse a file as `parse_tolerant` does, and note where its notes stand."""
    problems: Counter[str] = Counter()
    found, tracks = read_tracks(data, problems)
    if found.format == 2:
        problems["type 2: its independent sequences are laid over each other"] += 1
    drums = drum_parts(data, found, tracks)
    heard = merged(tracks, [t.start for t in found.tracks], found.format == 2, problems, drums)
    if len(heard.tracks) > MAX_TRACKS:
        raise MidiError(f"more than {MAX_TRACKS:,} parts")
    notes: list[Array] = []
    places: list[NDArray[np.int64]] = [np.zeros((0, 3), np.int64)]
    lyrics: list[Text] = []
    playing = sum(len(events.onsets) > 0 for events in tracks)
    at = 0
    for index, events in enumerate(tracks):
        part = heard.part[at : at + len(events.onsets)]
        at += len(part)
        own = note_rows(events, heard.tracks, part)
        where = np.stack([np.full(len(own), index), events.begun, events.ended], -1)
        if playing > 1:  # in a type 0 file the order of the notes of one tick, which some encodings keep, is its own
            order = np.argsort(part, kind="stable")
            own, where = own[order], where[order]
        notes.append(own)
        places.append(where)
        singer = heard.first[index] if heard.first[index + 1] == heard.first[index] + 1 else None
        lyrics += [Text(time, text, "lyric", singer, code) for time, text, code in events.metas.lyrics]
    table = joined(notes, NOTE)
    by_onset = np.argsort(table["onset"], kind="stable")
    score = Score(
        **maps(found.division, tracks, problems),
        notes=table[by_onset],
        controls=heard.controls,
        bends=heard.bends,
        tracks=heard.tracks,
        texts=(*markers(tracks), *lyrics),
        problems=tuple(what if count == 1 else f"{what} ({count:,} times)" for what, count in problems.items()),
    )
    by_time = [np.argsort(table["time"], kind="stable") for table in (heard.controls, heard.bends)]
    return Placed(
        ended(score),
        found,
        tracks,
        heard.first,
        notes=np.concatenate(places)[by_onset],
        controls=heard.control_places[by_time[0]],
        bends=heard.bend_places[by_time[1]],
    )


def read_tracks(data: bytes, problems: Counter[str]) -> tuple[Layout, list[Events]]:
    """Positions and events of the tracks of a file; problems are counted in `problems`."""
    found = layout(data, problems)
    tracks = []
    for extent in found.tracks:
        body, stop = data[extent.start : extent.bound], extent.stop - extent.start
        whole = read_on(body, stop)
        if whole is not body:
            problems["end-of-track before the notes left out"] += 1
        tracks.append(track_events(whole, stop, problems))
    return found, tracks


def maps(division: int, tracks: Sequence[Events], problems: Counter[str]) -> dict[str, Any]:
    """Ticks a quarter, tempos, meters and keys of these tracks, as arguments of Score."""
    ticks_per_quarter, smpte = _division(division, problems)
    tempos = _table(chain.from_iterable(t.metas.tempos for t in tracks), TEMPO)
    return {
        "ticks_per_quarter": ticks_per_quarter,
        "tempos": tempos if smpte is None else smpte,
        "meters": _table(chain.from_iterable(t.metas.meters for t in tracks), METER),
        "keys": _table(chain.from_iterable(t.metas.keys for t in tracks), KEY),
    }


def markers(tracks: Sequence[Events]) -> list[Text]:
    """The markers of all tracks."""
    return sorted(
        (Text(time, text, encoding=code) for t in tracks for time, text, code in t.metas.markers),
        key=lambda text: text.time,
    )


def _division(division: int, problems: Counter[str]) -> tuple[int, Array | None]:
    """Ticks a quarter, and for SMPTE time the one tempo under which ticks are the fractions of a second they are."""
    if division < 0x8000:
        if division == 0:
            problems[f"0 ticks a quarter: taken for {DEFAULT_DIVISION}"] += 1
        return division or DEFAULT_DIVISION, None
    frames, per_frame = 256 - (division >> 8), division & 0xFF
    if frames not in _SMPTE or not per_frame:
        problems[f"impossible SMPTE division of {frames} x {per_frame}: taken for 25 x 40"] += 1
        frames, per_frame = 25, 40
    microseconds = _SMPTE[frames]
    return (30 if frames == 29 else frames) * per_frame, np.array([(0, microseconds)], TEMPO)


def note_rows(events: Events, tracks: Sequence[Track], part: Array) -> Array:
    """The notes of a track of the file, each of which belongs to a part of these."""
    table = np.zeros(len(part), NOTE)
    duration = events.durations
    table["onset"], table["duration"], table["hanging"] = events.onsets, np.maximum(duration, 0), duration < 0
    table["pitch"], table["velocity"] = events.pitches, events.velocities
    table["program"] = np.array([track.program for track in tracks], np.uint8)[part]
    table["channel"] = np.where(np.array([track.is_drum for track in tracks], bool)[part], DRUM_CHANNEL, 0)
    table["track"] = part
    return table


def _table(rows: Any, dtype: np.dtype[Any]) -> Array:
    return np.array(list(rows), dtype)


def ended(score: Score) -> Score:
    """Notes that never end, of 250 ms, or to the end of an older note of their pitch, which would end them first."""
    hanging = score.notes["hanging"].astype(bool)
    if not hanging.any():
        return score
    notes = score.notes.copy()
    onsets = notes["onset"].astype(np.int64)
    ends = onsets + notes["duration"]
    closed = np.rint(score.ticks(score.seconds(onsets[hanging]) + HANGING_SECONDS)).astype(np.int64)
    ends[hanging] = np.clip(closed, onsets[hanging] + 1, MAX_TICK)  # no further than is read again
    voice = notes["track"].astype(np.int64) << 7 | notes["pitch"]
    order = np.lexsort((onsets, voice))
    latest = np.maximum.accumulate(ends[order] + (voice[order] << 33)) - (voice[order] << 33)
    ends[order] = np.where(hanging[order], latest, ends[order])
    notes["duration"] = ends - onsets
    return score.replace(notes=notes)
