"""The events of a score track by track of its file, in the order in which SkyTNT's reader has them.

A note stands where it ends, and one that never ends after all others, lasting to the end of its track. Ports are left
aside. A score that is no longer what its file was, or never had one, has a first track of tempos, meters and keys, and
then its own tracks.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.chunks import DEFAULT_DIVISION, layout
from symbolic_music.io.midi.reading.damaged_track import rows_of_damaged
from symbolic_music.io.midi.reading.event_table import EventTable, event_table
from symbolic_music.io.midi.reading.meta_events import Metas
from symbolic_music.io.midi.source_file import document_of
from symbolic_music.score import Score

_OFF, _ON, _CONTROL, _PROGRAM = 0x8, 0x9, 0xB, 0xC
_TEMPO, _METER, _KEY = 0x51, 0x58, 0x59
_CHANNELS = [channel for channel in range(16) if channel != DRUM_CHANNEL]


class Event(NamedTuple):
    """Kind, tick, and numbers.

    note: duration, channel, pitch, velocity; patch_change: channel, program; control_change: channel, number, value;
    set_tempo: microseconds; time_signature: numerator, exponent of the denominator; key_signature: sharps, minor.
    """

    kind: str
    tick: int
    values: tuple[int, ...]


Tracks = list[list[Event]]


def file_events(score: Score) -> tuple[int, Tracks]:
    """Ticks a quarter, and the events of each track of the file."""
    document = document_of(score)
    if document is not None and document.is_whole(score):
        return _events_of_file(document.data)
    return score.ticks_per_quarter, events_of_score(score)


def channels_of(score: Score) -> list[int]:
    """A channel for each track of a score: its own where it has one, else the next; of drums the tenth."""
    free = [channel for channel in _CHANNELS if channel not in {track.channel for track in score.tracks}] or _CHANNELS
    found, given = [], 0
    for track in score.tracks:
        if track.is_drum:
            found.append(DRUM_CHANNEL)
        elif track.channel is not None and track.channel != DRUM_CHANNEL:
            found.append(track.channel)
        else:
            found.append(free[given % len(free)])
            given += 1
    return found


def events_of_score(score: Score) -> Tracks:
    """A track of tempos, meters and keys, and each track of a score: programs, controllers, notes by their ends."""
    tracks: Tracks = [_map_events(score)]
    for number, (track, channel) in enumerate(zip(score.tracks, channels_of(score), strict=True)):
        notes = score.notes[score.notes["track"] == number]
        programs = notes["program"] if len(notes) else np.array([track.program])
        starts = notes["onset"] if len(notes) else np.array([0])
        changed = np.append(True, programs[1:] != programs[:-1])
        changes = zip(starts[changed].tolist(), programs[changed].tolist(), strict=True)
        events = [Event("patch_change", at if n else 0, (channel, program)) for n, (at, program) in enumerate(changes)]
        controls = score.controls[score.controls["track"] == number].tolist()
        events += [Event("control_change", time, (channel, kind, value)) for time, kind, value, _ in controls]
        ends = notes["onset"].astype(np.int64) + notes["duration"]
        by_end = notes[np.lexsort((notes["onset"], ends))][["onset", "duration", "pitch", "velocity"]].tolist()
        events += [Event("note", onset, (lasts, channel, *how)) for onset, lasts, *how in by_end if how[1]]
        tracks.append(events)
    return tracks


def _map_events(score: Score) -> list[Event]:
    events = [Event("set_tempo", tick, (tempo,)) for tick, tempo in score.tempos.tolist()]
    events += [
        Event("time_signature", tick, (upper, lower.bit_length() - 1)) for tick, upper, lower in score.meters.tolist()
    ]
    return events + [Event("key_signature", tick, (sharps, minor)) for tick, sharps, minor in score.keys.tolist()]


def _events_of_file(data: bytes) -> tuple[int, Tracks]:
    problems: Counter[str] = Counter()
    found = layout(data, problems)
    tracks = []
    for extent in found.tracks:
        body = data[extent.start : extent.bound]
        table = event_table(body)
        if table is None:
            tracks.append(_damaged(body, extent.stop - extent.start, problems))
        else:
            tracks.append([*_paired(_rows(table), int(table.tick[-1])), *_metas(body, table)])
    return found.division or DEFAULT_DIVISION, tracks


def _rows(table: EventTable) -> Iterator[tuple[int, int, int, int, int]]:
    """(tick, kind of status, channel, first, second) of the channel events."""
    which = np.flatnonzero(table.status < 0xF0)
    columns = (table.tick, table.status >> 4, table.status & 15, table.first, table.second)
    return zip(*(column[which].tolist() for column in columns), strict=True)


def _metas(body: bytes, table: EventTable) -> Iterator[Event]:
    for at in np.flatnonzero((table.status == 0xFF) & np.isin(table.kind, (_TEMPO, _METER, _KEY))).tolist():
        tick, place, stop = (int(column[at]) for column in (table.tick, table.place, table.stop))
        begin = place + 2
        while body[begin] >= 0x80:
            begin += 1
        content = body[begin + 1 : stop]
        if body[place + 1] == _TEMPO and len(content) >= 3:
            yield Event("set_tempo", tick, (int.from_bytes(content[:3], "big"),))
        elif body[place + 1] == _METER and len(content) >= 2:
            yield Event("time_signature", tick, (content[0], content[1]))
        elif body[place + 1] == _KEY and len(content) >= 2:
            yield Event("key_signature", tick, ((content[0] ^ 0x80) - 0x80, content[1]))


def _damaged(body: bytes, stop: int, problems: Counter[str]) -> list[Event]:
    """What a damaged track still tells."""
    metas = Metas()
    rows = [(tick, kind, voice & 15, first, second) for tick, _, voice, kind, first, second in rows_of_damaged(
        body, stop, metas, problems)]  # fmt: skip
    events = _paired(iter(rows), max([row[0] for row in rows], default=0))
    events += [Event("set_tempo", tick, (tempo,)) for tick, tempo in metas.tempos]
    events += [Event("time_signature", tick, (upper, lower.bit_length() - 1)) for tick, upper, lower in metas.meters]
    return events + [Event("key_signature", tick, (sharps, minor)) for tick, sharps, minor in metas.keys]


def _paired(rows: Iterator[tuple[int, int, int, int, int]], end: int) -> list[Event]:
    """Notes, programs and controllers, in the order of the file; a note off ends the oldest of its notes."""
    events: list[Event] = []
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    for tick, kind, channel, first, second in rows:
        if kind == _OFF or (kind == _ON and not second):
            queue = sounding.get((channel, first))
            if queue:
                onset, velocity = queue.popleft()
                events.append(Event("note", onset, (tick - onset, channel, first, velocity)))
        elif kind == _ON:
            sounding[channel, first].append((tick, second))
        elif kind == _PROGRAM:
            events.append(Event("patch_change", tick, (channel, first)))
        elif kind == _CONTROL:
            events.append(Event("control_change", tick, (channel, first, second)))
    for (channel, pitch), queue in sounding.items():
        events += [Event("note", onset, (end - onset, channel, pitch, velocity)) for onset, velocity in queue]
    return events
