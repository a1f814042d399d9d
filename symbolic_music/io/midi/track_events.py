"""Read one track of a Standard MIDI File, event by event, with any damage.

Nothing here raises: what cannot be understood is stepped over and counted. Work and memory are linear in the bytes.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TypeVar

# Leaves room for a duration in 32 bits.
MAX_TICK = 1 << 30
# In a damaged track a longer delta time than that (546 quarters of 480 ticks) is data misread, not a silence.
_MAX_DAMAGED_DELTA = 1 << 18
# Tempo maps, markers and lyrics longer than that are not music.
MAX_META = 20_000
_TEMPO, _METER, _KEY, _END, _NAME, _LYRIC, _MARKER, _PORT = 0x51, 0x58, 0x59, 0x2F, 3, 5, 6, 0x21
_LYRICS_CHANNEL = 15
Row = TypeVar("Row")
# Data bytes of system messages that do not belong into files.
_SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}


@dataclass
class Events:
    """The events of one track, each with its tick and its byte offset in the track.

    `voice` is port << 4 | channel; `own` is the program that this track itself has chosen for the channel by then.
    """

    name: str = ""
    encoding: str = "utf-8"
    onsets: list[int] = field(default_factory=list)
    # -1: never ended.
    durations: list[int] = field(default_factory=list)
    pitches: list[int] = field(default_factory=list)
    velocities: list[int] = field(default_factory=list)
    voices: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    # Places of the events that begin and end each note; -1 where nothing ends it.
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    # (time, place, voice, pitch) of every note off, also of one that ends nothing
    offs: list[tuple[int, int, int, int]] = field(default_factory=list)
    # (time, place, voice, program), (time, place, voice, own, number, value) and (time, place, voice, own, value)
    changes: list[tuple[int, int, int, int]] = field(default_factory=list)
    controls: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    bends: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    keys: list[tuple[int, int, int]] = field(default_factory=list)
    # (time, text, its code)
    markers: list[tuple[int, str, str]] = field(default_factory=list)
    lyrics: list[tuple[int, str, str]] = field(default_factory=list)
    # Place of each of the lyrics, and this track's program of the sixteenth channel there, for `track_by_track`.
    sung: list[tuple[int, int]] = field(default_factory=list)
    # Port that the channels of the following events belong to.
    port: int = 0


def track_events(data: bytes, stop: int, problems: Counter[str]) -> Events:
    """The events of a track.

    Args:
        data: its bytes up to the last that it could have; a good track ends before them with an end-of-track.
        stop: where its declared length ends.
        problems: what was wrong is counted here.
    """
    events = Events()
    try:
        end = _read(data, events, problems)
    except IndexError:
        problems["track ends inside an event"] += 1
    else:
        if end is None:
            problems["no end-of-track"] += 1
        elif end < stop:
            problems["bytes after end-of-track left out"] += 1
    hanging = events.durations.count(-1)
    if hanging:
        problems["note never ended: lasts 250 ms"] += hanging
    return events


def _read(data: bytes, events: Events, problems: Counter[str]) -> int | None:
    """Read up to the end-of-track; its position, or None if it does not exist. IndexError inside a cut event."""
    at = time = status = 0
    damaged = False
    programs = [0] * 16
    sounding: dict[int, deque[int]] = {}
    onsets, durations = events.onsets, events.durations
    port = 0
    size = len(data)
    while at < size:
        byte = data[at]
        at += 1
        delta = byte & 0x7F
        if byte & 0x80:
            first = at
            while byte & 0x80:
                byte = data[at]
                at += 1
                delta = min(delta << 7 | byte & 0x7F, MAX_TICK + 1)
            if at - first > 3:
                problems["delta time of more than four bytes"] += 1
        time += delta
        if time > MAX_TICK or (damaged and delta > _MAX_DAMAGED_DELTA):
            problems["track cut at an impossible time"] += 1
            return size
        byte = data[at]
        here = at
        if byte >= 0x80:
            at += 1
            if byte < 0xF0:
                status = byte
            else:
                if byte == 0xFF and data[at] == _END:
                    return at + 2
                at = _system(data, at, byte, time, events, problems)
                port = events.port << 4
                if len(events.sung) < len(events.lyrics):
                    events.sung.append((here, programs[_LYRICS_CHANNEL]))
                continue
        elif not status:
            problems["data bytes without a status left out"] += 1
            damaged = True
            while data[at] < 0x80:
                at += 1
            status = data[at] if data[at] < 0xF0 else 0
            at += status != 0
            if not status:
                continue
        kind, channel = status >> 4, status & 15
        voice = port | channel
        first = data[at]
        if kind in (0xC, 0xD):
            at += 1
            if kind == 0xC:
                if first < 0x80:
                    programs[channel] = first
                    events.changes.append((time, here, voice, first))
                else:
                    problems["program over 127 left out"] += 1
            continue
        second = data[at + 1]
        at += 2
        if (first | second) & 0x80 and kind != 0xA:
            damaged = True
            if first & 0x80 and kind != 0xE:
                problems["pitch or controller number over 127 left out"] += 1
                continue
            problems["data byte over 127 set to 127"] += 1
            first, second = min(first, 127), min(second, 127)
        if kind == 9 and second:
            key = voice << 7 | first
            queue = sounding.get(key)
            if queue is None:
                queue = sounding[key] = deque()
            queue.append(len(onsets))
            onsets.append(time)
            durations.append(-1)
            events.pitches.append(first)
            events.velocities.append(second)
            events.voices.append(voice)
            events.own.append(programs[channel])
            events.begun.append(here)
            events.ended.append(-1)
        elif kind in (8, 9):
            events.offs.append((time, here, voice, first))
            queue = sounding.get(voice << 7 | first)
            # First in, first out: of two notes of one pitch the older one ends. An off without a note says nothing.
            if queue:
                note = queue.popleft()
                durations[note] = time - onsets[note]
                events.ended[note] = here
        elif kind == 0xB:
            events.controls.append((time, here, voice, programs[channel], first, second))
        elif kind == 0xE:
            events.bends.append((time, here, voice, programs[channel], (second << 7 | first) - 8192))
    return None


def _system(data: bytes, at: int, status: int, time: int, events: Events, problems: Counter[str]) -> int:
    """Read a meta, exclusive or stray system event; the position after it."""
    if status not in (0xFF, 0xF0, 0xF7):
        problems["system message that does not belong into a file left out"] += 1
        return at + _SYSTEM_LENGTHS.get(status, 0)
    kind = -1
    if status == 0xFF:
        kind = data[at]
        at += 1
    length, begin = 0, at
    for _ in range(4):
        byte = data[begin]
        begin += 1
        length = length << 7 | byte & 0x7F
        if byte < 0x80:
            break
    end = begin + length
    if end > len(data):
        # An exclusive message written as it goes over the wire, without a length, ends with F7.
        closing = data.find(b"\xf7", at) if status == 0xF0 else -1
        if closing < 0:
            raise IndexError
        problems["exclusive message without a length"] += 1
        return closing + 1
    if status == 0xFF:
        _meta(kind, data[begin:end], time, events, problems)
    return end


def _meta(kind: int, body: bytes, time: int, events: Events, problems: Counter[str]) -> None:
    if kind == _TEMPO:
        if len(body) == 3 and any(body):
            _bounded(events.tempos, (time, int.from_bytes(body, "big")), problems)
        else:
            problems["impossible tempo left out"] += 1
    elif kind == _METER:
        if len(body) >= 2 and body[0] and body[1] < 8:
            _bounded(events.meters, (time, body[0], 1 << body[1]), problems)
        else:
            problems["impossible meter left out"] += 1
    elif kind == _KEY:
        sharps = (body[0] ^ 0x80) - 0x80 if len(body) == 2 else 99
        if abs(sharps) <= 7 and body[1] < 2:
            _bounded(events.keys, (time, sharps, body[1]), problems)
        else:
            problems["impossible key signature left out"] += 1
    elif kind == _PORT and len(body) == 1:
        events.port = body[0] & 127
    elif kind == _NAME:
        events.name, events.encoding = _text(body, problems)
    elif kind == _LYRIC and body:
        _bounded(events.lyrics, (time, *_text(body, problems)), problems)
    elif kind == _MARKER and body:
        _bounded(events.markers, (time, *_text(body, problems)), problems)


def _bounded(events: list[Row], event: Row, problems: Counter[str]) -> None:
    if len(events) < MAX_META:
        events.append(event)
    else:
        problems[f"tempo, meter, key or text event after the first {MAX_META:,} left out"] += 1


def _text(body: bytes, problems: Counter[str]) -> tuple[str, str]:
    """A text and its code: UTF-8; else Latin-1, which most files mean that are not UTF-8, and every byte string is."""
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        problems["text that is not UTF-8 read as Latin-1"] += 1
        return body.decode("latin-1"), "latin-1"
