"""MIDI files: symusic reads the good ones, `tolerant_reader` the others, `writer` writes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import symusic

from symbolic_music.errors import FileError, MidiError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.midi.symusic_bridge import fields_of
from symbolic_music.io.midi.tolerant_reader import parse_tolerant
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import Score

_END_OF_TRACK = b"\xff\x2f\x00"
# The longest delta time that a file can hold; events beyond it are ours, see `_closed`.
_FAR = (1 << 28) - 1
# symusic takes 5 kB for each (track, channel, program) and a time that grows with them.
_MOST_TRACKS, _MOST_PARTS = 256, 5_000
_NO_PROGRAM_CHANGES = bytes(b for b in range(256) if b >> 4 != 0xC)


def read_midi(path: str | Path) -> Score:
    """Read a MIDI file, also a damaged one: `Score.problems` says what was repaired or left out.

    Raises:
        FileError: when the file cannot be opened.
        MidiError: when it is not MIDI.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return parse_midi(data)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None


def parse_midi(data: bytes) -> Score:
    """A score from the bytes of a MIDI file; see `tolerant_reader.parse_tolerant` for what is made of a bad one.

    Raises:
        MidiError: when they are not MIDI.
    """
    score = _parse_strict(data)
    return parse_tolerant(data) if score is None else score


def _parse_strict(data: bytes) -> Score | None:
    """What symusic reads, or None where it refuses, or leaves something out, or could take too much memory."""
    closed = _closed(data)
    if closed is None:
        return None
    try:
        source: Any = symusic.Score.from_midi(closed)
        fields = fields_of(source)
        ours = fields["tempos"]["time"] >= _FAR
        fields["tempos"] = fields["tempos"][~ours]
        score = Score(**fields)
    except Exception:  # symusic raises RuntimeError and others from C++; the tolerant reader says what is wrong
        return None
    ends = score.notes["onset"].astype(np.int64) + score.notes["duration"]
    if int(ours.sum()) != int.from_bytes(data[10:12], "big") or (ends >= _FAR).any():
        return None  # a track that ended early, or a note that never did
    if data[11] == 1 and len(score.tracks) > 1:
        return None  # symusic sorts the notes of one track by part, and their order is lost
    for table in (score.tempos, score.meters):
        at_once = np.flatnonzero(table["time"][1:] == table["time"][:-1])
        if (table[at_once] != table[at_once + 1]).any():
            return None  # the last should count, and symusic does not keep their order
    texts = [track.name for track in score.tracks] + [text.text for text in score.texts]
    if any("\N{REPLACEMENT CHARACTER}" in text for text in texts):
        return None  # it was not UTF-8
    return score


def _closed(data: bytes) -> bytes | None:
    """The same file with all its notes ended at a far tick; None when its headers or lengths are not as they should be.

    symusic drops a note that never ends, without a word. So every track gets, before its end-of-track, a tempo
    as a sign and note offs for all pitches of its channels, further away than a file's times can be.
    """
    if data[:8] != b"MThd\0\0\0\6" or len(data) < 14 or data[8] or data[9] > 1:
        return None
    tracks, division = (int.from_bytes(data[at : at + 2], "big") for at in (10, 12))
    if tracks > _MOST_TRACKS or not 0 < division < 0x8000:
        return None
    if len(data.translate(None, _NO_PROGRAM_CHANGES)) + 16 * tracks > _MOST_PARTS:
        return None
    pieces, at = [data[:14]], 14
    for _ in range(tracks):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] != b"MTrk" or stop > len(data) or data[stop - 3 : stop] != _END_OF_TRACK:
            return None
        body = data[at + 8 : stop - 3]
        tail = _tail(sum(1 << channel for channel in range(16) if 0x90 | channel in body))
        pieces += [b"MTrk", (len(body) + len(tail)).to_bytes(4, "big"), body, tail]
        at = stop
    return b"".join(pieces) if at == len(data) else None


@lru_cache(maxsize=256)
def _tail(channels: int) -> bytes:
    """End of a track whose last delta time is written: nothing, far away a tempo of 1, note offs, end-of-track."""
    out = b"\xff\x7f\x00" + b"\xff\xff\xff\x7f" + b"\xff\x51\x03\x00\x00\x01"
    for channel in range(16):
        if channels >> channel & 1:
            out += b"\x00" + bytes([0x80 | channel])
            out += b"\x00".join(bytes([pitch, 0]) for pitch in range(128))
    return out + b"\x00" + _END_OF_TRACK


def write_midi(score: Score, path: str | Path) -> Path:
    """Write a MIDI file, whole or not at all. FileError when the folder is missing or not writable."""
    path = Path(path)
    write_bytes(path, midi_bytes(score))
    return path
