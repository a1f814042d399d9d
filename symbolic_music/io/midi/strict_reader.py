"""Read valid MIDI files with symusic, and check that reading track by track equals playback.

symusic makes a track of each (track of the file, channel, program) that has notes, in this order, with the controllers
that come while this program is on; it does not say which channel that is, drops notes that never end, and leaves out
controllers after which no further track of their channel begins. So before it reads a file, every track gets notes and
signs at its end, further away than a file's times can be.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import symusic

from symbolic_music.io.midi.reading.drum_parts import may_assign
from symbolic_music.io.midi.reading.escapes import has_escape
from symbolic_music.io.midi.symusic_bridge import fields_of
from symbolic_music.score import Array, Score

_END_OF_TRACK = b"\xff\x2f\x00"
# The longest delta time that a file can hold; events beyond it are ours, see `_tail`.
FAR = (1 << 28) - 1
# symusic takes 5 kB for each (track, channel, program) and a time that grows with them.
_MOST_TRACKS, _MOST_PARTS = 256, 5_000
_LAST_PROGRAM = 127
_NO_PROGRAM_CHANGES = bytes(b for b in range(256) if b >> 4 != 0xC)
# All but the status bytes of notes on, controllers, program changes and bends.
_NO_STATE = bytes(b for b in range(256) if b >> 4 not in (0x9, 0xB, 0xC, 0xE))
# All notes of a channel end.
_OFFS = [bytes([0, 0x80 | channel]) + b"\x00".join(bytes([pitch, 0]) for pitch in range(128)) for channel in range(16)]
_PORT = b"\xff\x21\x01"
Marked = Literal["silent", "channels", "programs"]


@dataclass(frozen=True)
class Strict:
    """A score track by track, as symusic reads it; whether playback gives the same; see `Document`."""

    score: Score
    is_heard: bool
    is_plain: bool
    files: tuple[int, ...]


@dataclass(frozen=True)
class Closed:
    """A file with signs: bytes, (track, channel) of each sign, and of each that may change its program how often.

    `once`: no track has more than one program change.
    `late`: a channel with controllers may end with a program without notes, which may have the last of them.
    `players`: channels that may have notes.
    `between`: tracks in which the last controllers of a channel may stand between program changes after its last note.
    """

    data: bytes
    signs: list[tuple[int, int]]
    changing: Counter[tuple[int, int]]
    once: bool
    late: bool
    players: set[int]
    between: set[int]


def parse_strict(data: bytes) -> Strict | None:
    """The score by symusic, or None if it refuses the file, omits something, or could take too much memory."""
    whole = closed(data)
    if whole is None:
        return None
    try:
        source: Any = symusic.Score.from_midi(whole.data)
        fields = fields_of(source)
    except Exception:  # symusic raises RuntimeError and others from C++; the tolerant reader says what is wrong
        return None
    ours = fields["tempos"]["time"] >= FAR
    fields["tempos"] = _rows(fields["tempos"], ~ours)
    notes = fields["notes"]
    far = notes["onset"] >= FAR
    signs = notes["track"][far]
    if int(ours.sum()) != int.from_bytes(data[10:12], "big") or len(signs) != len(whole.signs):
        return None  # a track that ended early
    fields["notes"] = notes = _rows(notes, ~far)
    if len(notes) and int((notes["onset"].astype(np.int64) + notes["duration"]).max()) >= FAR:
        return None  # a note that never did
    if any(text.kind == "lyric" for text in fields["texts"]):
        return None  # symusic gives them all to one channel
    is_heard, is_plain, files = _told_apart(fields, whole, signs)
    is_heard &= not has_ports(data) and not may_assign(data)
    try:
        score = Score(**fields)
    except Exception:
        return None
    if data[11] == 1 and len(score.tracks) > 1:
        return None  # symusic sorts the notes of one track by part, and their order is lost
    for table in (score.tempos, score.meters):
        at_once = np.flatnonzero(table["time"][1:] == table["time"][:-1])
        if (table[at_once] != table[at_once + 1]).any():
            return None  # the last should count, and symusic does not keep their order
    texts = [track.name for track in score.tracks] + [text.text for text in score.texts]
    if any("\N{REPLACEMENT CHARACTER}" in text for text in texts):
        return None  # it was not UTF-8
    return Strict(score, is_heard, is_heard and is_plain, files)


def _told_apart(fields: dict[str, Any], whole: Closed, signs: Array) -> tuple[bool, bool, tuple[int, ...]]:
    """Leave out tracks that hold a sign alone and set the channels of the others.

    Returns:
        Whether no two of them share state, whether each has a channel, a track and a program, and which track it has.
    """
    tracks, notes = fields["tracks"], fields["notes"]
    played = np.bincount(notes["track"], minlength=len(tracks)) > 0
    sign = np.searchsorted(signs, np.arange(len(tracks)))  # the last program of its channel
    channel = np.array([channel for _, channel in whole.signs], np.int64)[sign]
    file = np.array([track for track, _ in whole.signs], np.int64)[sign]
    parts = np.bincount(channel[played], minlength=16)
    # A sign whose program plays begins no track, and what comes after that program's notes is left out.
    is_heard = not played[signs].any()
    for table in (fields["controls"], fields["bends"]):
        if len(table):
            of_part = np.bincount(table["track"], minlength=len(tracks)) > 0
            # In another track or under another program than the notes, or for several parts at once.
            is_heard &= not (of_part & ~played & (parts[channel] > 0)).any()
            is_heard &= not (of_part & (parts[channel] > 1)).any()
    controls = fields["controls"]
    if len(controls):
        banks = (controls["number"] == 0) | (controls["number"] == 32)
        is_heard &= not controls["value"][banks].any()
    where = set(zip(file[played].tolist(), channel[played].tolist(), strict=True))
    for track, number in whole.changing:
        is_heard &= not any(own == number and other != track for other, own in where)
    if not played.all():
        renumbered = np.cumsum(played) - 1
        for name in ("notes", "controls", "bends"):
            kept = played[fields[name]["track"]]
            fields[name] = table = fields[name] if kept.all() else _rows(fields[name], kept)
            table["track"] = renumbered[table["track"]]
    fields["tracks"] = tuple(replace(tracks[i], channel=int(channel[i])) for i in np.flatnonzero(played))
    is_plain = whole.once and parts.max(initial=0) < 2 and np.bincount(file[played]).max(initial=0) < 2
    return bool(is_heard), bool(is_plain), tuple(file[played].tolist())


def _rows(table: Array, mask: Array) -> Array:
    """Those rows, copied as plain bytes: NumPy copies records field by field, many times slower."""
    return table.view(f"V{table.dtype.itemsize}")[mask].view(table.dtype)


def has_ports(data: bytes) -> bool:
    at = data.find(_PORT)
    while at >= 0:
        if data[at + 3]:
            return True
        at = data.find(_PORT, at + 3)
    return False


def closed(data: bytes, marked: Marked = "channels") -> Closed | None:
    """The file with all notes ended and channels marked; None if its headers or lengths are wrong.

    Args:
        data: the bytes of a MIDI file.
        marked: `channels` with notes, controllers or bends, under program 127; only the `silent` ones, without notes;
            or `programs`: all channels, each under the program in force at the end too, and notes are ended twice.
    """
    if data[:8] != b"MThd\0\0\0\6" or len(data) < 14 or data[8] or data[9] > 1:
        return None
    tracks, division = (int.from_bytes(data[at : at + 2], "big") for at in (10, 12))
    if tracks > _MOST_TRACKS or not 0 < division < 0x8000:
        return None
    pieces, at = [data[:14]], 14
    signs: list[tuple[int, int]] = []
    changing: Counter[tuple[int, int]] = Counter()
    once, late, parts = True, False, 16 * tracks
    players: set[int] = set()
    between: set[int] = set()
    for track in range(tracks):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] != b"MTrk" or stop > len(data) or data[stop - 3 : stop] != _END_OF_TRACK:
            return None
        body = data[at + 8 : stop - 3]
        if 0xF7 in body and body.count(0xF7) > body.count(0xF0) and has_escape(body):
            return None  # an exclusive message in packets, or an escape: symusic loses its place there
        # What looks like a status byte may be part of a time or a text: then there is a sign too many.
        state = body.translate(None, _NO_STATE)
        played = [channel for channel in range(16) if 0x90 | channel in state]
        with_state = [channel for channel in range(16) if 0xB0 | channel in state or 0xE0 | channel in state]
        changes = state.translate(None, _NO_PROGRAM_CHANGES)
        once &= len(changes) < 2
        for byte in {*changes}:
            last = state[state.rfind(byte) :]
            late |= (0xB0 | byte & 15) in state and (0x90 | byte & 15) not in last
            rest = state[state.rfind(0x90 | byte & 15) + 1 :]
            first, final = (max(0, at) for at in (rest.find(byte), rest.rfind(byte)))
            if (0xB0 | byte & 15) in rest[first:final] and (0xB0 | byte & 15) not in rest[final:]:
                between.add(track)
        parts += len(changes)
        if parts > _MOST_PARTS:
            return None
        changing.update((track, byte & 15) for byte in changes)
        players.update(played)
        own = sorted({*with_state} - {*played} if marked == "silent" else {*played, *with_state})
        signs += [(track, channel) for channel in own]
        masks = [sum(1 << channel for channel in some) for some in (played, own)]
        tail = _tail(*masks, _LAST_PROGRAM if marked == "channels" else 0, marked == "programs")
        pieces += [b"MTrk", (len(body) + len(tail)).to_bytes(4, "big"), body, tail]
        at = stop
    if at != len(data):
        return None
    return Closed(b"".join(pieces), signs, changing, once, late, players, between)


@lru_cache(maxsize=256)
def _tail(played: int, signed: int, program: int, programs: bool) -> bytes:
    """End of a track whose last delta time is written: nothing, far away a tempo of 1, note offs, signs, end-of-track.

    The tempo says that the track was read to its end; the sign of a channel is a note of this program, and before it
    one of pitch 1 of the program in force, where those are marked.
    """
    out = b"\xff\x7f\x00" + b"\xff\xff\xff\x7f" + b"\xff\x51\x03\x00\x00\x01"
    for channel in range(16):
        if played >> channel & 1:
            out += _OFFS[channel] * (2 if programs else 1)
    for channel in range(16):
        if signed >> channel & 1:
            if programs:
                out += bytes([0, 0x90 | channel, 1, 1, 1, 0x80 | channel, 1, 0])
            out += bytes([0, 0xC0 | channel, program, 0, 0x90 | channel, 0, 1, 1, 0x80 | channel, 0, 0])
    return out + b"\x00" + _END_OF_TRACK
