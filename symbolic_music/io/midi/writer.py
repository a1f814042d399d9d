"""Scores as MIDI files, so that reading them gives the same notes.

The order of one tick: ends of notes, controllers, beginnings of notes in the order of the table, ends of notes of no
length. So a note struck again where it ends is not cut. Readers end the older of two notes of one pitch first, so a
note that lies inside another of its pitch and part is written to a track of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.track_events import MAX_TICK
from symbolic_music.score import Array, Score, Text

_MELODIC = [channel for channel in range(16) if channel != DRUM_CHANNEL]
_LONGEST_DELTA = (1 << 28) - 1
_MOST_TICKS, _MOST_TRACKS, _SLOWEST = 0x7FFF, 0xFFFF, 0xFFFFFF
# What comes first at one tick. Names and ports (_HEAD) stand at tick 0, before anything else.
_HEAD, _OFF, _CONTROL, _ON, _OFF_AT_ONCE = range(5)
# (time, order within the tick, message)
Message = tuple[int, int, bytes]


def midi_bytes(score: Score) -> bytes:
    """The score as the bytes of a MIDI file: tempo, meter, key and markers first, then a track a part (type 1).

    Where the notes of one tick go to and fro between parts, as they do when read from a type 0 file, all parts are
    written to one track (type 0) if its channels suffice, so that this order is kept.

    A part is what one track plays with one program. With more than fifteen melodic parts those of one program
    share a channel, and with more than fifteen programs the parts go to several ports of sixteen channels.
    Channels of the table are not kept, but that drums are on the tenth. A velocity of 0, which MIDI cannot
    write, is written as 1.

    Raises:
        MidiError: when MIDI cannot hold it: more than 65,535 tracks or 2^30 ticks, a quarter of more than 32,767 ticks
            or 16.7 s, a meter whose lower number is no power of two.
    """
    if score.ticks_per_quarter > _MOST_TICKS:
        raise MidiError(
            f"MIDI has at most {_MOST_TICKS:,} ticks a quarter, not {score.ticks_per_quarter:,}; resample it"
        )
    times = [
        score.end,
        *(int(t["time"][-1]) for t in (score.tempos, score.meters, score.controls, score.bends) if len(t)),
    ]
    if max(times) > MAX_TICK:
        raise MidiError(f"the score lasts more than {MAX_TICK:,} ticks: clip or resample it")
    if len(score.tempos) and score.tempos["microseconds"].max() > _SLOWEST:
        raise MidiError(
            f"MIDI has at most {_SLOWEST:,} microseconds a quarter, not {score.tempos['microseconds'].max():,}"
        )
    if any(d & (d - 1) for d in score.meters["denominator"].tolist()):
        raise MidiError("the lower number of a meter is a power of two in MIDI")
    parts = list(_parts(score))
    texts: dict[int | None, list[Text]] = {}
    for text in score.texts:
        texts.setdefault(text.track, []).append(text)
    together = _one_chunk(score, parts, texts)
    if together is not None:
        return _file(0, score.ticks_per_quarter, [together])
    controls, bends = _by_track(score.controls, len(score.tracks)), _by_track(score.bends, len(score.tracks))
    chunks = [_chunk([], _maps(score, texts))]
    for part, (channel, port) in zip(parts, _channels(parts, set(texts)), strict=True):
        notes, inside = _unnested(part.notes)
        head = _head(score.tracks[part.track].name, port, [(channel, part.program)])
        sung = [_text(text) for text in texts.get(part.track, [])]
        events = _events(notes, controls[part.track], bends[part.track], np.full(len(score.tracks), channel))
        chunks.append(_chunk(events, head + sung))
        while len(inside):
            notes, inside = _unnested(inside)
            events = _events(notes, score.controls[:0], score.bends[:0], np.full(len(score.tracks), channel))
            chunks.append(_chunk(events, head))
    return _file(1, score.ticks_per_quarter, chunks)


def _file(kind: int, ticks_per_quarter: int, chunks: list[bytes]) -> bytes:
    if len(chunks) > _MOST_TRACKS:
        raise MidiError(f"MIDI has at most {_MOST_TRACKS:,} tracks, not {len(chunks):,}")
    sizes = ((6, 4), (kind, 2), (len(chunks), 2), (ticks_per_quarter, 2))
    header = b"MThd" + b"".join(number.to_bytes(size, "big") for number, size in sizes)
    return header + b"".join(b"MTrk" + len(chunk).to_bytes(4, "big") + chunk for chunk in chunks)


class Part(NamedTuple):
    """What a track plays with one program."""

    track: int
    drum: bool
    program: int
    notes: Array


def _by_track(table: Array, tracks: int) -> list[Array]:
    order = np.argsort(table["track"], kind="stable")
    return np.split(table[order], np.searchsorted(table["track"][order], np.arange(1, tracks)))


def _parts(score: Score) -> Iterator[Part]:
    """Every part; a track without notes is one."""
    key = score.notes["track"].astype(np.int64) << 8 | (score.notes["channel"] == DRUM_CHANNEL).astype(np.int64) << 7
    key |= score.notes["program"]
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    tables = np.split(score.notes[order], starts[1:])
    bounds = np.searchsorted(keys, np.arange(len(score.tracks) + 1) << 8)
    for index, track in enumerate(score.tracks):
        own = range(bounds[index], bounds[index + 1])
        if not own:
            yield Part(index, track.is_drum, track.program, score.notes[:0])
        for k in own:
            yield Part(index, bool(keys[k] >> 7 & 1), int(keys[k]) & 127, tables[k])


def _channels(parts: list[Part], sung: set[int | None]) -> Iterator[tuple[int, int | None]]:
    """Channel of each part, and port where sixteen channels do not suffice. `sung`: the tracks that have texts."""
    melodic = [part.program for part in parts if not part.drum]
    programs = {program: index for index, program in enumerate(dict.fromkeys(melodic))}
    shared = len(melodic) > len(_MELODIC) >= len(programs)
    # symusic gives lyrics to the sixteenth channel: there one part's notes and lyrics stay together.
    singing = [i for i, part in enumerate(parts) if part.track in sung and not part.drum]
    singers = [i for i in singing if not len(parts[i].notes)] + [i for i in singing if len(parts[i].notes)][:1]
    free = _MELODIC[:-1] if singers else _MELODIC
    place = 0
    for index, part in enumerate(parts):
        if part.drum:
            yield DRUM_CHANNEL, None
        elif shared:
            yield _MELODIC[programs[part.program]], None
        elif index in singers:
            yield _MELODIC[-1], None
        else:
            yield free[place % len(free)], None if len(melodic) <= len(_MELODIC) else place // len(free)
            place += 1


def _one_chunk(score: Score, parts: list[Part], texts: dict[int | None, list[Text]]) -> bytes | None:
    """All parts in one track, where notes of one tick go to and fro between them, as a type 0 file has them.

    None where that order is not there to be kept, or cannot be: with several names, more parts than channels.
    """
    onset, track = score.notes["onset"], score.notes["track"]
    if not ((onset[1:] == onset[:-1]) & (track[1:] < track[:-1])).any():
        return None
    names = {track.name for track in score.tracks}
    drums = [index for index, part in enumerate(parts) if part.drum]
    singers = [track for track in texts if track is not None]
    last = len(parts) - 1
    if len(names) > 1 or len(parts) != len(score.tracks) or len(drums) > 1 or singers not in ([], [last]):
        return None
    # Readers order parts by channel.
    before = drums[0] if drums else min(len(parts), DRUM_CHANNEL)
    channels = [*range(before), *[DRUM_CHANNEL] * len(drums), *range(DRUM_CHANNEL + 1, 16)][: len(parts)]
    if before > DRUM_CHANNEL or len(channels) < len(parts):
        return None
    if singers:
        channels[last] = _MELODIC[-1]
    notes, inside = _unnested(score.notes)
    if len(inside):
        return None
    programs = list(zip(channels, (part.program for part in parts), strict=True))
    sung = [_text(text) for track in singers for text in texts[track]]
    events = _events(notes, score.controls, score.bends, np.array(channels))
    return _chunk(events, [*_head(names.pop(), None, programs), *_maps(score, texts), *sung])


def _unnested(notes: Array) -> tuple[Array, Array]:
    """The notes in an order in which first in, first out pairs them right, and those that lie inside another."""
    if len(notes) < 2:
        return notes, notes[:0]
    onset = notes["onset"].astype(np.int64)
    voice = notes["track"].astype(np.int64) << 7 | notes["pitch"]
    end = onset + notes["duration"]
    by_voice = np.lexsort((end, onset, voice))
    latest = np.maximum.accumulate(end[by_voice] + (voice[by_voice] << 33)) - (voice[by_voice] << 33)
    nested = np.zeros(len(notes), bool)
    nested[by_voice] = end[by_voice] < latest
    inside, notes, voice = notes[nested], notes[~nested], voice[~nested]
    # Of notes of one pitch and onset the shorter is written first; the places in the tick stay as they were.
    places = np.argsort(voice, kind="stable")
    by_end = np.lexsort((notes["duration"], notes["onset"], voice))
    out = notes.copy()
    out[places] = notes[by_end]
    return out, inside


def _head(name: str, port: int | None, programs: Sequence[tuple[int, int]]) -> list[Message]:
    """Name, port, and (channel, program) of what a track plays."""
    head = [(0, _HEAD, _meta(3, name.encode("utf-8", "replace")))] if name else []
    if port is not None:
        head.append((0, _HEAD, _meta(0x21, bytes([min(port, 127)]))))
    return head + [(0, _HEAD, bytes([0xC0 | channel, program])) for channel, program in programs]


def _text(text: Text) -> Message:
    return text.time, _HEAD, _meta(5 if text.kind == "lyric" else 6, text.text.encode("utf-8", "replace"))


def _events(notes: Array, controls: Array, bends: Array, channels: NDArray[np.int64]) -> list[tuple[ArrayLike, ...]]:
    """Columns of events: time, order within the tick, status, two data bytes. `channels`: that of each track."""
    onset = notes["onset"].astype(np.int64)
    end = onset + notes["duration"]
    bend = bends["value"].astype(np.int64) + 8192
    own = channels[notes["track"]]
    return [
        (end, np.where(notes["duration"] > 0, _OFF, _OFF_AT_ONCE), 0x80 | own, notes["pitch"], 0),
        (controls["time"], _CONTROL, 0xB0 | channels[controls["track"]], controls["number"], controls["value"]),
        (bends["time"], _CONTROL, 0xE0 | channels[bends["track"]], bend & 127, bend >> 7),
        (onset, _ON, 0x90 | own, notes["pitch"], np.maximum(notes["velocity"], 1)),
    ]


def _maps(score: Score, texts: dict[int | None, list[Text]]) -> list[Message]:
    """Tempos, meters, keys, and texts of the whole score."""
    messages = [_text(text) for text in texts.get(None, [])]
    for time, microseconds in score.tempos.tolist():
        messages.append((time, _HEAD, _meta(0x51, microseconds.to_bytes(3, "big"))))
    for time, numerator, denominator in score.meters.tolist():
        messages.append((time, _HEAD, _meta(0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]))))
    for time, sharps, minor in score.keys.tolist():
        messages.append((time, _HEAD, _meta(0x59, bytes([sharps & 0xFF, minor]))))
    return messages


def _meta(kind: int, body: bytes) -> bytes:
    sevens = [len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)]
    while len(sevens) > 1 and not sevens[0]:
        sevens.pop(0)
    return bytes([0xFF, kind, *(s | 0x80 for s in sevens[:-1]), sevens[-1]]) + body


def _chunk(columns: Sequence[tuple[ArrayLike, ...]], messages: list[Message]) -> bytes:
    """A track of three-byte events, in columns (time, order, status, first, second), and of messages as they are."""
    tables = [np.stack(np.broadcast_arrays(*(np.asarray(c, np.int64) for c in group)), -1) for group in columns]
    table = np.concatenate([np.zeros((0, 5), np.int64), *(t.reshape(-1, 5) for t in tables)])
    last = max([int(table[:, 0].max(initial=0)), *(time for time, _, _ in messages)])
    # A silence longer than a delta time can say is cut by empty texts.
    messages = messages + [(at, _HEAD, _meta(1, b"")) for at in range(_LONGEST_DELTA, last + 1, _LONGEST_DELTA)]
    count = len(table)
    times = np.append(table[:, 0], np.array([m[0] for m in messages], np.int64))
    orders = np.append(table[:, 1], np.array([m[1] for m in messages], np.int64))
    sizes = np.append(np.full(count, 3), np.array([len(m[2]) for m in messages], np.int64)).astype(np.int64)
    order = np.lexsort((orders, times))
    delta = np.diff(times[order], prepend=0)
    widths = 1 + sum((delta >= 1 << shift).astype(np.int64) for shift in (7, 14, 21))
    starts = np.cumsum(widths + sizes[order]) - sizes[order]
    out = np.zeros(int(starts[-1] + sizes[order][-1]) if len(order) else 0, np.uint8)
    for place in range(4):  # the seven bits that stand `place` bytes before the event
        has = widths > place
        out[starts[has] - 1 - place] = delta[has] >> 7 * place & 0x7F | (0x80 if place else 0)
    is_event = order < count
    at, which = starts[is_event], order[is_event]
    for byte in range(3):
        out[at + byte] = table[which, 2 + byte]
    for position, index in zip(starts[~is_event].tolist(), (order[~is_event] - count).tolist(), strict=True):
        body = messages[index][2]
        out[position : position + len(body)] = np.frombuffer(body, np.uint8)
    return out.tobytes() + b"\x00\xff\x2f\x00"
