"""Patch the MIDI file of a score with what changed in the score.

Tracks without a change keep their bytes; in the others notes go and come, and every other event keeps its tick, its
bytes and its order. New parts get tracks of their own, in a file of one track a channel of their own. Tempos, meters,
keys, aftertouch, controllers, bends, texts and names that were changed change where they stand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.reading.drum_parts import DrumParts, drum_parts
from symbolic_music.io.midi.reading.event_table import EventTable
from symbolic_music.io.midi.source_file import Document, document_of
from symbolic_music.io.midi.tolerant_reader import Placed, ended, placed
from symbolic_music.io.midi.writing.chunk_patch import New, changes_port, insertions, patched_chunk
from symbolic_music.io.midi.writing.event_changes import Swap
from symbolic_music.io.midi.writing.event_columns import part_chunks
from symbolic_music.io.midi.writing.header_repair import repaired
from symbolic_music.io.midi.writing.map_patch import swaps
from symbolic_music.io.midi.writing.nearby_notes import Nearby, nearby
from symbolic_music.io.midi.writing.note_changes import Change, changes, packed
from symbolic_music.io.midi.writing.overlapping_notes import layered
from symbolic_music.io.midi.writing.pairing_check import Ints, Sound, keys_of, note_key, pairs, touched_keys
from symbolic_music.io.midi.writing.table_patch import table_swaps
from symbolic_music.score import Array, Score, Track, note_table

_PORTS = 16


def patched(score: Score) -> bytes | None:
    """The bytes of the file with this score's notes; None where no file is remembered, or it cannot be patched.

    That is so when times or the order of tracks were changed, programs, banks, or controllers of some of the parts of a
    channel only; or when the file is damaged within.
    """
    document = document_of(score)
    if document is None or not _patchable(score, document):
        return None
    data = document.data if not score.problems else repaired(document.data)
    if data is None or (document.is_whole(score) and score.others is document.others):
        return data
    if document.files and document.is_whole_but_notes(score) and score.others is document.others:
        change = changes(document.tables[0], score.notes)
        near = nearby(document, change, score.notes)
        if near is not None:
            with suppress(MidiError, _ImpossibleError):
                return _Patch(score, data, near, change, (), apart=False).whole()
    found = placed(data)
    if not found.layout.tracks or not _reads_alike(found, document):
        return None
    swapped, others = swaps(score, document, found), table_swaps(score, document, found)
    if swapped is None or others is None or (swapped and score.notes["hanging"].any()):
        return None  # a note that never ends lasts 250 ms, which depends on the tempo
    change = changes(found.score.notes, score.notes)
    for apart in (False, True):
        try:
            return _Patch(score, data, found, change, [*swapped, *others], apart).whole()
        except (MidiError, _ImpossibleError):
            continue
    return None


class _ImpossibleError(Exception):
    """The change cannot be made in this file."""


@lru_cache(maxsize=4)
def _reads_alike(found: Placed, document: Document) -> bool:
    """Whether the notes whose places are known are those that were read."""
    ours, theirs = found.score.notes, document.tables[0]
    return ours is theirs or np.array_equal(packed(ours), packed(theirs))


def _patchable(score: Score, document: Document) -> bool:
    """Whether all is as it was but for notes, added tracks and what `map_patch` and `table_patch` look at."""
    tracks = document.tables[6]
    ours = score.tracks[: len(tracks)]
    return (
        score.ticks_per_quarter == document.ticks_per_quarter
        and len(ours) == len(tracks)
        and all(map(_sounds_alike, ours, tracks))
    )


def _sounds_alike(ours: Track, theirs: Track) -> bool:
    """Whether a track may differ from that of the file in its name alone; one without a channel stays where it is."""
    return (ours.program, ours.is_drum) == (theirs.program, theirs.is_drum) and (
        ours.channel is None or (ours.channel, ours.port, ours.bank) == (theirs.channel, theirs.port, theirs.bank)
    )


@dataclass
class _Extra:
    """A track of its own for some notes. `voice` None: a channel is yet to be found."""

    track: int
    voice: int | None
    rows: list[int] = field(default_factory=list)


class _Patch:
    """A change of a file under way. `apart`: what is added goes into tracks of its own, on the channel of its part."""

    def __init__(
        self, score: Score, data: bytes, placed: Placed | Nearby, change: Change, swapped: Sequence[Swap], apart: bool
    ) -> None:
        self._score, self._data, self._placed, self._change = score, data, placed, change
        self._extents = placed.layout.tracks
        # On the channels of the file, with the names that they have now; then what was added.
        self._tracks = [
            known
            if (known.name, known.encoding) == (track.name, track.encoding)
            else replace(known, name=track.name, encoding=track.encoding)
            for known, track in zip(placed.parts, score.tracks, strict=False)
        ]
        self._tracks += score.tracks[len(self._tracks) :]
        self._removed: dict[int, set[int]] = defaultdict(set)
        self._new: dict[int, list[New]] = defaultdict(list)
        self._extras: dict[tuple[int, int | None], _Extra] = {}
        # Port << 4 | channel of tracks that were added.
        self._given: set[int] = set()
        # (onset, duration, key, velocity) of the notes that come into each track
        self._came: dict[int, list[Sound]] = defaultdict(list)
        for file, begun, over in placed.notes[change.went].tolist():
            own = self._removed[file]
            own |= {begun, over} if over >= 0 else {begun}
        for swap in swapped:
            if swap.place is not None:
                self._removed[swap.file].add(swap.place)
            if swap.new is not None:
                self._new[swap.file].append(swap.new)
        self._add(apart)

    def whole(self) -> bytes:
        """The bytes of the file."""
        extras = self._extra_chunks()
        pieces: list[bytes | bytearray | memoryview] = []
        at, data = 0, memoryview(self._data)  # slices without copies
        for file, extent in enumerate(self._extents):
            if self._removed[file] or self._new[file]:
                table = self._placed.events(file)
                if table is None:
                    raise _ImpossibleError
                coming = insertions(table, self._new[file])
                gone = table.rows(sorted(self._removed[file]))
                self._check(file, table, gone, coming)
                body = patched_chunk(data[extent.start : extent.stop], table, gone.tolist(), coming)
                pieces += [data[at : extent.start - 4], len(body).to_bytes(4, "big"), body]
                at = extent.stop
        end = self._extents[-1].stop
        pieces += [data[at:end], *(b"MTrk" + len(body).to_bytes(4, "big") + body for body in extras)]
        whole = b"".join([*pieces, data[end:]])
        head = whole.index(b"MThd") + 10
        if head > 10 and len(whole) != len(self._data):
            raise _ImpossibleError  # within a container that says how long it is
        kind = 1 if extras and self._placed.layout.format == 0 else int.from_bytes(whole[head - 2 : head], "big")
        numbers = b"".join(number.to_bytes(2, "big") for number in (kind, len(self._extents) + len(extras)))
        return whole if whole[head - 2 : head + 2] == numbers else whole[: head - 2] + numbers + whole[head + 2 :]

    def _check(self, file: int, table: EventTable, gone: Ints, coming: dict[int, list[New]]) -> None:
        """That a reader of this track finds the notes that stayed and those that came, and no others.

        Looked at is the span of the change alone. Before it nothing differs; behind it nothing does either, if the same
        notes are waiting for their ends there, but for such as no note off ever reaches.
        """
        keys = touched_keys(table, gone, coming)
        first, stop = min([*gone[:1].tolist(), *coming]), max([*(gone[-1:] + 1).tolist(), *coming])
        notes, places = self._placed.table, self._placed.notes
        begin, end = int(table.place[first]), int(table.place[stop]) if stop < len(table) else table.end
        rows = self._placed.rows
        rows = rows[self._change.stayed[rows]]
        of, begun, ended = places[rows].T
        rows = rows[(of == file) & (begun < end) & ((ended >= begin) | (ended < 0))]
        key = keys_of(self._placed.parts, notes, rows)
        rows, key = rows[keys[key]], key[keys[key]]
        _, begun, ended = places[rows].T
        stayed = notes[rows]
        if stayed["hanging"].any() and not self._hanging_alike(keys):
            raise _ImpossibleError
        lasts = np.where((ended < end) & (ended >= 0), stayed["duration"], -1)
        columns = (stayed["onset"], lasts, key, stayed["velocity"])
        kept = zip(*(column.tolist() for column in columns), strict=True)
        before = table.rows(begun[begun < begin])
        if pairs(table, (first, stop), gone, coming, keys, before) != sorted([*kept, *self._came[file]]):
            raise _ImpossibleError

    def _hanging_alike(self, keys: NDArray[np.bool_]) -> bool:
        """Whether notes that never end, whose length depends on older ones of their pitch, still last as long."""
        pitches: NDArray[np.bool_] = np.logical_or.reduce(keys[:-1].reshape(16, 128))
        notes = self._score.notes[pitches[self._score.notes["pitch"]]]
        return bool(np.array_equal(ended(self._score.replace(notes=notes)).notes["duration"], notes["duration"]))

    # -- where a note goes -------------------------------------------------------------------------------------

    def _add(self, apart: bool) -> None:
        inside: list[int] = []
        files: list[int] = []
        voices: list[int] = []
        came = self._change.came.tolist()
        for index, row in zip(came, self._score.notes[came].tolist(), strict=True):
            *_, program, channel, track, _ = row
            described = self._tracks[track]
            if program != described.program or (channel == DRUM_CHANNEL) != described.is_drum:
                raise _ImpossibleError
            if track >= len(self._placed.parts):
                self._extra(track, None).rows.append(index)
            else:
                inside.append(index)
                files.append(self._file(track))
                voices.append(_voice(described))
        coming = self._score.notes[inside]
        stops = [self._extents[file].stop for file in files]
        rows = np.array([coming["onset"].tolist(), stops, voices, files], np.int64).T.reshape(-1, 4)
        kind = self._placed.layout.format
        heard = self._placed.sounds(rows).tolist()
        sounding = self._sounding(files, voices, coming)
        anchors = self._anchors()
        elsewhere = {file for file in {*files} if self._changes_port(file)}
        for index, file, voice, sound, row in zip(inside, files, voices, heard, coming.tolist(), strict=True):
            onset, duration, pitch, velocity, *_, track, _ = row
            described = self._tracks[track]
            span = (onset, onset + duration)
            if sound != described.bank << 7 | described.program:
                self._extra(track, None).rows.append(index)
                continue
            others = sounding[file, voice, pitch]
            twin = self._change.twins.get(index)
            # One that differs in its velocity alone is paired as the one that went was.
            louder = twin is not None and self._placed.table["pitch"][twin] == pitch
            if apart or file in elsewhere or (not louder and any(_nested(one, span) for one in others)):
                # In a file of one track a channel of its own stands for a track of its own; drums have but one. A
                # sequence on its own (type 2) needs a program of its own.
                own = kind == 2 or (kind == 0 and not described.is_drum)
                self._extra(track, None if own else voice).rows.append(index)
                continue
            others.append(span)
            anchor = anchors.get(index) if all(onset not in one for one in others[:-1]) else None
            end = -1
            if twin is not None and file == self._placed.notes[twin, 0]:
                # A note in the place of another: both its events stand where those of the other stood.
                _, anchor, end = self._placed.notes[twin].tolist()
            off = self._off(file, voice & 15, pitch, end)
            on = bytes([0x90 | voice & 15, pitch, max(1, velocity)])
            self._new[file].append(New(onset, on, before=anchor))
            self._came[file].append((onset, duration, note_key(voice, pitch), max(1, velocity)))
            if end >= 0:
                self._new[file].append(New(onset + duration, off, before=end))
            elif duration:
                self._new[file].append(New(onset + duration, off, first=True))
            else:
                self._new[file].append(New(onset, off, before=anchor))

    @cached_property
    def _onsets(self) -> NDArray[np.int32]:
        """Those of all notes of the score, in order."""
        return np.ascontiguousarray(self._score.notes["onset"])

    def _changes_port(self, file: int) -> bool:
        table, extent = self._placed.events(file), self._extents[file]
        return table is not None and changes_port(memoryview(self._data)[extent.start : extent.stop], table)

    def _off(self, file: int, channel: int, pitch: int, place: int) -> bytes:
        """A note off, said as at this place, or as this track says them where it is -1."""
        table = self._placed.events(file)
        if table is None:
            raise _ImpossibleError
        if place < 0:
            return bytes([0x80 | channel, pitch, 64]) if table.has_offs else bytes([0x90 | channel, pitch, 0])
        row = int(table.rows([place])[0])
        return bytes([int(table.status[row]) & 0xF0 | channel, pitch, int(table.second[row])])

    def _file(self, track: int) -> int:
        return bisect_right(self._placed.first, track) - 1

    def _extra(self, track: int, voice: int | None) -> _Extra:
        if voice is None and isinstance(self._placed, Nearby):
            raise _ImpossibleError  # which channels are free, only all of the file says
        return self._extras.setdefault((track, voice), _Extra(track, voice))

    def _sounding(
        self, files: Sequence[int], voices: Sequence[int], new: Array
    ) -> dict[tuple[int, int, int], list[tuple[int, int]]]:
        """Begin and end of the notes that stay, by (track of the file, voice, pitch), where something is added.

        Those that end before anything is added, or begin after it, are left out.
        """
        found: dict[tuple[int, int, int], list[tuple[int, int]]] = {
            key: [] for key in zip(files, voices, new["pitch"].tolist(), strict=True)
        }
        if not found:
            return found
        notes = self._placed.table
        stop = int((new["onset"].astype(np.int64) + new["duration"]).max())
        old = self._placed.sounding(int(new["onset"][0]), stop)  # rows are in order of time
        pitches = np.zeros(128, bool)
        pitches[new["pitch"]] = True
        old = old[self._change.stayed[old] & pitches[notes["pitch"][old]]]
        where, rows = self._placed.notes[old, 0].tolist(), notes[["onset", "duration", "pitch", "track"]][old].tolist()
        for file, (onset, duration, pitch, track) in zip(where, rows, strict=True):
            key = (file, _voice(self._placed.parts[track]), pitch)
            if key in found:
                found[key].append((onset, onset + duration))
        return found

    def _anchors(self) -> dict[int, int]:
        """For notes that come: the place of the next note of their tick and track of the file that stayed."""
        anchors: dict[int, int] = {}
        notes, kept = self._score.notes, self._change.kept
        known = len(self._placed.parts)
        onsets = sorted({*self._onsets[self._change.came].tolist()})
        bounds = [np.searchsorted(self._onsets, onsets, side=side).tolist() for side in ("left", "right")]
        at_once = [row for begin, stop in zip(*bounds, strict=True) for row in range(begin, stop)]
        following: dict[int, tuple[int, int]] = {}
        for index in reversed(at_once):
            onset, track = int(notes["onset"][index]), int(notes["track"][index])
            if kept[index] >= 0:
                file, place, _ = self._placed.notes[kept[index]].tolist()
                following[file] = (onset, place)
            elif track < known:
                when, place = following.get(self._file(track), (-1, -1))
                if when == onset:
                    anchors[index] = place
        return anchors

    # -- tracks of their own -------------------------------------------------------------------------------------

    def _extra_chunks(self) -> list[bytes]:
        for number in range(len(self._placed.parts), len(self._score.tracks)):
            self._extra(number, None)  # also one without notes
        chunks: list[bytes] = []
        single = self._placed.layout.format == 0
        for extra in self._extras.values():
            track, score = self._tracks[extra.track], self._score
            own = extra.voice is None
            voice = self._free(track) if extra.voice is None else extra.voice
            self._given.add(voice)
            notes = note_table() if not extra.rows else score.notes[extra.rows]
            controls, bends = (t[t["track"] == extra.track] if own else t[:0] for t in (score.controls, score.bends))
            if single and own and not voice >> 4:
                layer, *further = layered(notes, notes["pitch"].astype(np.int64))
                inside = notes[np.sort(np.concatenate(further))] if further else notes[:0]
                notes = notes[layer]
                self._new[0] += _events_of_part(track, voice & 15, notes, controls, bends)
                rows = notes[["onset", "duration", "pitch", "velocity"]].tolist()
                self._came[0] += [(onset, last, note_key(voice, p), max(1, v)) for onset, last, p, v in rows]
                if len(inside):  # for which one channel of one track does not suffice
                    chunks += part_chunks(track, (0, voice), False, inside, controls[:0], bends[:0])
                continue
            chunks += part_chunks(track, (voice >> 4, voice & 15), own, notes, controls, bends)
        return chunks

    @cached_property
    def _voices(self) -> set[int]:
        """Port << 4 | channel of all that the file says, and of what its messages make drums."""
        assert isinstance(self._placed, Placed)
        return {*self._placed.voices, *self._drums.on, *self._drums.off}

    @cached_property
    def _drums(self) -> DrumParts:
        """What messages of the file make drums or not."""
        assert isinstance(self._placed, Placed)
        return drum_parts(self._data, self._placed.layout, self._placed.tracks)

    def _free(self, track: Track) -> int:
        """A voice that no track of the file uses, or the drums' where they have the standard kit."""
        assert isinstance(self._placed, Placed)
        taken = self._voices | self._given
        changed = {v for events in self._placed.tracks for v in events.changes[:, 2].tolist()}
        for port in range(_PORTS):
            if track.is_drum:
                voice = port << 4 | DRUM_CHANNEL
                if voice in self._drums.off:
                    continue
                if voice not in taken or (voice not in changed and not track.program):
                    return voice
            else:
                for channel in range(16):
                    if channel != DRUM_CHANNEL and port << 4 | channel not in taken:
                        return port << 4 | channel
        raise _ImpossibleError


def _voice(track: Track) -> int:
    if track.channel is None:
        raise _ImpossibleError
    return track.port << 4 | track.channel


def _nested(one: tuple[int, int], new: tuple[int, int]) -> bool:
    """Whether first in, first out would end one of two notes where the other ends; the new one comes after the old."""
    first, second = (one, new) if one[0] <= new[0] else (new, one)
    return second[0] < first[1] and second[1] < first[1]


def _events_of_part(track: Track, channel: int, notes: Array, controls: Array, bends: Array) -> list[New]:
    """A part as events of a track that holds others too."""
    high, low = track.bank >> 7, track.bank & 127
    new = [New(0, bytes([0xB0 | channel, n, v])) for n, v in ((0, high), (32, low)) if track.bank]
    new.append(New(0, bytes([0xC0 | channel, track.program])))
    for time, number, value in controls[["time", "number", "value"]].tolist():
        new.append(New(time, bytes([0xB0 | channel, number, value])))
    for time, value in bends[["time", "value"]].tolist():
        new.append(New(time, bytes([0xE0 | channel, value + 8192 & 127, value + 8192 >> 7])))
    for onset, duration, pitch, velocity in notes[["onset", "duration", "pitch", "velocity"]].tolist():
        new.append(New(onset, bytes([0x90 | channel, pitch, max(1, velocity)])))
        new.append(New(onset + duration, bytes([0x80 | channel, pitch, 64]), first=duration > 0))
    return new
