"""The file of a score as other readers read it, for encodings that were published with them.

Each function gives a score as that reader has it, or the score as it is where no file is remembered or something was
changed since.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.reading.track_contents import Events
from symbolic_music.io.midi.source_file import document_of
from symbolic_music.io.midi.strict_reader import parse_strict
from symbolic_music.io.midi.tolerant_reader import ended, maps, markers, note_rows, read_tracks
from symbolic_music.score import BEND, CONTROL, NOTE, Array, Score, Text, Track, joined

_LYRICS_CHANNEL = 15
_TEMPO = b"\xff\x51\x03"


def as_symusic_reads(score: Score) -> Score:
    """Each track of the file by itself, with its own programs and controllers: symusic 0.6, and so MidiTok."""
    document = document_of(score)
    if document is None or document.alone or not document.is_whole(score):
        return score
    strict = parse_strict(document.data)
    return _track_by_track(document.data) if strict is None else strict.score


def as_pretty_midi_reads(score: Score) -> Score:
    """The score with the notes of pretty_midi 0.2: a note off ends all notes of its pitch that began before its tick.

    So a note of no length is left out, and one that lies inside another ends with it. Tempos count in the first track
    of the file only. Notes of one tick in a file of one track (type 0) come in order of the parts' first ends.
    """
    document = document_of(score)
    if document is None or not document.is_whole(score):
        return score
    score = _tempos_of_the_first_track(as_symusic_reads(score), document.data)
    if document.data[8:10] == b"\0\0":
        score = _by_first_end(score)
    notes = score.notes
    voice = notes["track"].astype(np.int64) << 7 | notes["pitch"]
    onset, end = notes["onset"].astype(np.int64), notes["onset"] + notes["duration"].astype(np.int64)
    order = np.lexsort((onset, voice))
    alike = voice[order][1:] == voice[order][:-1]
    if not (notes["duration"] == 0).any() and not (alike & (onset[order][1:] < end[order][:-1])).any():
        return score
    ends = _first_end(voice, onset, np.where(notes["hanging"] != 0, -1, end))
    kept = (ends > onset) & (notes["duration"] > 0)
    notes = notes.copy()
    notes["duration"], notes["hanging"] = np.where(kept, ends - onset, 0), 0
    return score.replace(notes=notes[kept])


def _by_first_end(score: Score) -> Score:
    ends = np.full(max(1, len(score.tracks)), np.iinfo(np.int64).max)
    np.minimum.at(ends, score.notes["track"], score.notes["onset"] + score.notes["duration"].astype(np.int64))
    rank = np.argsort(np.argsort(ends, kind="stable"), kind="stable")
    order = np.lexsort((rank[score.notes["track"]], score.notes["onset"]))
    return score if np.all(order[1:] > order[:-1]) else score.replace(notes=score.notes[order])


def _first_end(voice: NDArray[np.int64], onset: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each note the first of its voice's ends that lies after its onset; -1 where there is none."""
    ends = np.sort((voice << 33 | end)[end >= 0])
    at = np.searchsorted(ends, voice << 33 | onset, side="right")
    found = np.append(ends, -1)[at]
    return np.where(found >> 33 == voice, found & ((1 << 33) - 1), -1)


def _tempos_of_the_first_track(score: Score, data: bytes) -> Score:
    begin = data.find(b"MTrk")
    if data.find(_TEMPO, begin + 8 + int.from_bytes(data[begin + 4 : begin + 8], "big")) < 0:
        return score
    found, tracks = read_tracks(data, Counter())
    return score.replace(tempos=maps(found.division, tracks[:1], Counter())["tempos"])


def as_mido_merges(score: Score) -> Score:
    """All tracks of the file as one, ports left aside: mido 1.3, as the anticipation repository reads.

    A note is ended by the first off of its pitch and channel that comes while the channel has the note's program; one
    for which none comes was never ended.
    """
    document = document_of(score)
    if document is None or document.plain or not document.is_whole(score):
        return score
    found, tracks = read_tracks(document.data, Counter())
    events = sorted(
        (time, track, place, channel, kind, first)
        for track, own in enumerate(tracks)
        for time, place, channel, kind, first in _messages(own)
    )
    programs = [0] * 16
    sounding: dict[tuple[int, int, int], deque[int]] = defaultdict(deque)
    table = np.zeros(sum(len(own.onsets) for own in tracks), NOTE)
    pitches, velocities = ([column.tolist() for column in columns] for columns in (
        [own.pitches for own in tracks], [own.velocities for own in tracks]
    ))  # fmt: skip
    rows: list[tuple[int, int, int, int, int, int]] = []
    durations = [-1] * len(table)
    for time, track, _, channel, kind, first in events:
        if kind == _CHANGE:
            programs[channel] = first
            continue
        pitch = pitches[track][first] if kind == _ON else first
        program = 0 if channel == DRUM_CHANNEL else programs[channel]
        queue = sounding[program, pitch, channel]
        if kind == _ON:
            queue.append(len(rows))
            rows.append((time, pitch, velocities[track][first], program, channel, track))
        elif queue:
            note = queue.popleft()
            durations[note] = time - rows[note][0]
    length = np.array(durations, np.int64)
    for column, values in zip(
        ("onset", "pitch", "velocity", "program", "channel", "track"), zip(*rows, strict=True), strict=False
    ):
        table[column] = values
    table["duration"], table["hanging"] = np.maximum(length, 0), length < 0
    table["channel"] = np.where(table["channel"] == DRUM_CHANNEL, DRUM_CHANNEL, 0)
    return ended(Score(**maps(found.division, tracks, Counter()), notes=table))


_CHANGE, _ON, _OFF = range(3)


def _messages(own: Events) -> list[tuple[int, int, int, int, int]]:
    """(time, place, channel, kind, note or pitch or program) of program changes, notes on and off."""
    out = [(time, place, voice & 15, _CHANGE, program) for time, place, voice, program in own.changes.tolist()]
    out += [
        (t, at, voice & 15, _ON, i)
        for i, (t, at, voice) in enumerate(np.stack([own.onsets, own.begun, own.voices], -1).tolist())
    ]
    return out + [(time, place, voice & 15, _OFF, pitch) for time, place, voice, pitch in own.offs.tolist()]


def _track_by_track(data: bytes) -> Score:
    """The notes by symusic's rules, for a file that it refuses or whose simultaneous notes it reorders."""
    problems: Counter[str] = Counter()
    found, tracks = read_tracks(data, problems)
    parts: list[Track] = []
    notes: list[Array] = []
    controls: list[Array] = []
    bends: list[Array] = []
    lyrics: list[Text] = []
    playing = sum(len(events.onsets) > 0 for events in tracks)
    for events in tracks:
        groups = (events.voices & 15) << 7 | events.own
        begins = _begins(events, groups.tolist())
        made = sorted(begins)
        part = len(parts) + np.searchsorted(made, groups)
        here = [Track(events.metas.name, group & 127, group >> 7 == DRUM_CHANNEL, group >> 7) for group in made]
        own = note_rows(events, [*parts, *here], part)
        notes.append(own if playing == 1 else own[np.argsort(part, kind="stable")])
        number = {group: len(parts) + index for index, group in enumerate(made)}
        controls.append(_taken(events.controls, begins, number, CONTROL, ("number", "value")))
        bends.append(_taken(events.bends, begins, number, BEND, ("value",)))
        for (time, text, code), (_, program) in zip(events.metas.lyrics, events.sung, strict=True):
            lyrics.append(Text(time, text, "lyric", number[_LYRICS_CHANNEL << 7 | program], code))
        parts += here
    score = Score(
        **maps(found.division, tracks, problems),
        notes=joined(notes, NOTE),
        controls=joined(controls, CONTROL),
        bends=joined(bends, BEND),
        tracks=tuple(parts),
        texts=(*markers(tracks), *lyrics),
    )
    return ended(score)


def _begins(events: Events, groups: list[int]) -> dict[int, int]:
    """The place at which each group (channel << 7 | program) begins: with its first note or lyric.

    symusic gives lyrics to the sixteenth channel, for their status ends in F.
    """
    begins: dict[int, int] = {}
    sung = [(place, _LYRICS_CHANNEL << 7 | program) for place, program in events.sung]
    for place, group in sorted([*zip(events.begun.tolist(), groups, strict=True), *sung]):
        begins.setdefault(group, place)
    return begins


def _taken(
    rows: NDArray[np.int64],
    begins: dict[int, int],
    number: dict[int, int],
    dtype: np.dtype[Any],
    columns: tuple[str, ...],
) -> Array:
    """Rows (time, place, voice, own program, ...) as a table.

    What comes before its group has begun belongs to the next group of its channel that begins.
    """
    following = {
        channel: sorted((place, group) for group, place in begins.items() if group >> 7 == channel)
        for channel in {group >> 7 for group in begins}
    }
    kept: list[tuple[int, ...]] = []
    for time, place, voice, program, *values in rows.tolist():
        group = (voice & 15) << 7 | program
        if begins.get(group, place) >= place:
            coming = following.get(voice & 15, [])
            at = bisect_right(coming, (place, 0))
            if at == len(coming):
                continue
            group = coming[at][1]
        kept.append((number[group], time, *values))
    kept.sort(key=lambda row: row[:2])
    table = np.zeros(len(kept), dtype)
    for column, values in zip(("track", "time", *columns), zip(*kept, strict=True), strict=False):
        table[column] = values
    return table
