"""MIDI files that a strict reader refuses or misreads: everything in them that makes sense, and what did not."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

import numpy as np

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.chunks import DEFAULT_DIVISION, MAX_TRACKS, layout
from symbolic_music.io.midi.track_events import MAX_TICK, Events, track_events
from symbolic_music.score import BEND, CONTROL, KEY, METER, NOTE, TEMPO, Array, Score, Text, Track, joined

HANGING_SECONDS = 0.25
# Frames a second of the SMPTE divisions, and microseconds of as many frames as their name says.
_SMPTE = {24: 1_000_000, 25: 1_000_000, 29: 1_001_000, 30: 1_000_000}


def parse_tolerant(data: bytes) -> Score:
    """A score from the bytes of a MIDI file, good or bad; `Score.problems` says what was repaired or left out.

    As symusic does, a track is made of each (channel, program) that has notes in a track of the file, drums get
    channel 9 and all others 0, and lyrics get a track of their own. Notes of one tick are in order of their tracks, of
    a file with one track in that of the file. Notes that never end last 250 ms. The
    tracks of a type 2 file, which has independent sequences, are laid over each other.

    Raises:
        MidiError: when it is not MIDI, or has more than 10,000 tracks.
    """
    problems: Counter[str] = Counter()
    found = layout(data, problems)
    tracks = [track_events(data[t.start : t.bound], t.stop - t.start, problems) for t in found.tracks]
    if found.format == 2:
        problems["type 2: its independent sequences are laid over each other"] += 1
    ticks_per_quarter, smpte = _division(found.division, problems)
    parts: list[Track] = []
    notes: list[Array] = []
    controls: list[Array] = []
    bends: list[Array] = []
    lyrics: list[Text] = []
    playing = sum(bool(events.groups) for events in tracks)
    for events in tracks:
        groups = np.array(events.groups, np.int64)
        sung = np.array(events.sung, np.int64)
        own = np.unique(np.append(groups, sung))
        own_notes = _notes(events, groups, len(parts) + np.searchsorted(own, groups))
        # In a type 0 file the order of the notes of one tick, which some encodings keep, is that of the file.
        notes.append(own_notes if playing == 1 else own_notes[np.argsort(own_notes["track"], kind="stable")])
        controls.append(_grouped(events.controls, own, len(parts), CONTROL, ("number", "value")))
        bends.append(_grouped(events.bends, own, len(parts), BEND, ("value",)))
        singers = (len(parts) + np.searchsorted(own, sung)).tolist()
        lyrics += [Text(*lyric, "lyric", singer) for lyric, singer in zip(events.lyrics, singers, strict=True)]
        parts += [Track(events.name, int(g) & 127, int(g) >> 7 == DRUM_CHANNEL) for g in own]
        if len(parts) > MAX_TRACKS:
            raise MidiError(f"more than {MAX_TRACKS:,} parts")
    tempos = _table(chain.from_iterable(t.tempos for t in tracks), TEMPO)
    score = Score(
        ticks_per_quarter=ticks_per_quarter,
        notes=joined(notes, NOTE),
        tempos=tempos if smpte is None else smpte,
        meters=_table(chain.from_iterable(t.meters for t in tracks), METER),
        keys=_table(chain.from_iterable(t.keys for t in tracks), KEY),
        controls=joined(controls, CONTROL),
        bends=joined(bends, BEND),
        tracks=tuple(parts),
        texts=(*sorted((Text(*m) for t in tracks for m in t.markers), key=lambda text: text.time), *lyrics),
        problems=tuple(what if count == 1 else f"{what} ({count:,} times)" for what, count in problems.items()),
    )
    return _ended(score)


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


def _notes(events: Events, groups: Array, track: Array) -> Array:
    table = np.zeros(len(groups), NOTE)
    duration = np.array(events.durations, np.int64)
    table["onset"], table["duration"], table["hanging"] = events.onsets, np.maximum(duration, 0), duration < 0
    table["pitch"], table["velocity"] = events.pitches, events.velocities
    table["program"] = groups & 127
    table["channel"] = np.where(groups >> 7 == DRUM_CHANNEL, DRUM_CHANNEL, 0)
    table["track"] = track
    return table


def _grouped(
    rows: list[Any], own: Array, first: int, dtype: np.dtype[Any], columns: tuple[str, ...]
) -> Array:  # fmt: skip
    """Rows (time, group, ...) as a table."""
    values = np.array(rows, np.int64).reshape(-1, 2 + len(columns))
    table = np.zeros(len(values), dtype)
    table["time"] = values[:, 0]
    table["track"] = first + np.searchsorted(own, values[:, 1])
    for index, column in enumerate(columns):
        table[column] = values[:, 2 + index]
    return table[np.argsort(table["track"], kind="stable")]


def _table(rows: Any, dtype: np.dtype[Any]) -> Array:
    return np.array(list(rows), dtype)


def _ended(score: Score) -> Score:
    """Notes that never end, of 250 ms, or to the end of an older note of their pitch, which would end them first."""
    hanging = score.notes["hanging"].astype(bool)
    if not hanging.any():
        return score
    notes = score.notes.copy()
    onsets = notes["onset"].astype(np.int64)
    ends = onsets + notes["duration"]
    closed = np.rint(score.ticks(score.seconds(onsets[hanging]) + HANGING_SECONDS)).astype(np.int64)
    ends[hanging] = np.clip(closed, onsets[hanging] + 1, 2 * MAX_TICK - 1)
    voice = notes["track"].astype(np.int64) << 7 | notes["pitch"]
    order = np.lexsort((onsets, voice))
    latest = np.maximum.accumulate(ends[order] + (voice[order] << 33)) - (voice[order] << 33)
    ends[order] = np.where(hanging[order], latest, ends[order])
    notes["duration"] = ends - onsets
    return score.replace(notes=notes)
