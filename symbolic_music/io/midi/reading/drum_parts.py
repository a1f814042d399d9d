"""Channels whose notes are drums: the tenth, and those that exclusive messages make so.

Sources: General MIDI 1; Roland's GS (use for rhythm part, address 40 1x 15); Yamaha's XG (banks whose high byte is 126
or 127); General MIDI 2 (banks whose high byte is 120).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.midi.chunks import Layout
from symbolic_music.io.midi.reading.track_contents import Events

_PORT = 0x21
# Of each message what stands in the file: status, length and bytes. GS numbers parts from 1 on, the tenth 0.
_GS_PART = re.compile(rb"\xf0\x0a\x41.\x42\x12\x40([\x10-\x1f])\x15([\x00-\x7f])", re.DOTALL)
_XG_ON = re.compile(rb"\xf0\x08\x43[\x10-\x1f]\x4c\x00\x00\x7e\x00")
_GM2_ON = re.compile(rb"\xf0\x05\x7e.\x09\x03", re.DOTALL)
_MESSAGES = (_GS_PART, _XG_ON, _GM2_ON)
# Bytes of their status that are looked at one by one; more have a file of large messages, or none of MIDI.
_FEW = 1_000
_XG_BANKS, _GM2_BANKS = (126, 127), (120,)
_CHANNELS = [DRUM_CHANNEL, *(channel for channel in range(16) if channel != DRUM_CHANNEL)]


@dataclass(frozen=True)
class DrumParts:
    """Port << 4 | channel that are drums or are not, against the rule, and high bytes of banks that are kits."""

    on: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()
    banks: frozenset[int] = frozenset()

    def plays(self, voice: int, bank: int) -> bool:
        """Whether a note of this port and channel, with this bank of 14 bits, is a drum."""
        return voice in self.on or bank >> 7 in self.banks or (voice & 15 == DRUM_CHANNEL and voice not in self.off)


def may_assign(data: bytes) -> bool:
    """Whether a file could hold such a message: a short look at its bytes."""
    at = data.find(0xF0)  # a single byte is found many times faster than an expression
    for _ in range(_FEW):
        if at < 0 or any(message.match(data, at) is not None for message in _MESSAGES):
            return at >= 0
        at = data.find(0xF0, at + 1)
    return any(message.search(data, max(at, 0)) is not None for message in _MESSAGES)


def may_select(track: bytes, banks: Iterable[int]) -> bool:
    """Whether a track could select one of these high bytes of banks on a channel other than the tenth.

    Looked for is controller 0 with such a value, after its status or, under running status, after a time.
    """
    return re.search(rb"[\x00-\x7f\xb0-\xb8\xba-\xbf]\x00[" + bytes(sorted(banks)) + b"]", track, re.DOTALL) is not None


def said_by(messages: Iterable[tuple[int, bytes]]) -> DrumParts:
    """What exclusive messages (port, bytes as in a file) make drums; of several for a channel the last counts."""
    assigned: dict[int, bool] = {}
    banks: set[int] = set()
    for port, data in messages:
        if (part := _GS_PART.match(data)) is not None:
            assigned[port << 4 | _CHANNELS[part[1][0] & 15]] = part[2] != b"\0"
        elif _XG_ON.match(data) is not None:
            banks.update(_XG_BANKS)
        elif _GM2_ON.match(data) is not None:
            banks.update(_GM2_BANKS)
    on = frozenset(voice for voice, drums in assigned.items() if drums and voice & 15 != DRUM_CHANNEL)
    off = frozenset(voice for voice, drums in assigned.items() if not drums and voice & 15 == DRUM_CHANNEL)
    return DrumParts(on, off, frozenset(banks))


def drum_parts(data: bytes, found: Layout, tracks: Sequence[Events]) -> DrumParts:
    """Those of a file; what stands in a track that is damaged within is not looked at."""
    messages: list[tuple[int, int, int, int, bytes]] = []
    for number, (extent, events) in enumerate(zip(found.tracks, tracks, strict=True)):
        table = events.table
        if table is None:
            continue
        port = 0
        for row in np.flatnonzero((table.status == 0xF0) | (table.kind == _PORT)).tolist():
            begin, stop = extent.start + int(table.place[row]), extent.start + int(table.stop[row])
            if table.status[row] == 0xF0:
                messages.append((int(table.tick[row]), number, begin, port, data[begin:stop]))
            elif stop - begin == 4:
                port = data[stop - 1] & 127
    return said_by((port, message) for *_, port, message in sorted(messages))
