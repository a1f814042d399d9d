"""Names of MIDI events."""

from __future__ import annotations

from collections import Counter

from symbolic_music.errors import MidiError
from symbolic_music.general_midi import controller_name
from symbolic_music.io.midi.chunks import layout
from symbolic_music.io.midi.reading.early_end import read_on
from symbolic_music.io.midi.reading.event_iterator import walk

METAS = {
    0x00: "sequence number", 0x01: "text", 0x02: "copyright", 0x03: "name", 0x04: "instrument name", 0x05: "lyric",
    0x06: "marker", 0x07: "cue", 0x08: "program name", 0x09: "device name", 0x20: "channel prefix", 0x21: "port",
    0x2F: "end of track", 0x51: "tempo", 0x54: "SMPTE offset", 0x58: "meter", 0x59: "key signature",
    0x7F: "sequencer's own event",
}  # fmt: skip
CHANNEL = {
    0x8: "note off", 0x9: "note on", 0xA: "aftertouch of a key", 0xB: "controller", 0xC: "program",
    0xD: "aftertouch of a channel", 0xE: "bend",
}  # fmt: skip
_TEXTS = range(1, 10)


def kind_of(data: bytes) -> str:
    """The kind of an event from its bytes, which begin with the status; of a chunk from its name."""
    if data[0] < 0x80:
        return f"chunk {data[:4].decode('latin-1')!r}"
    if data[0] == 0xFF:
        return METAS.get(data[1], f"meta event {data[1]}")
    return "exclusive message" if data[0] >= 0xF0 else CHANNEL[data[0] >> 4]


def named(data: bytes) -> list[list[tuple[int, str]]]:
    """(tick, words) of the events of each track; of a damaged track those before the damage."""
    found = []
    for extent in layout(data, Counter()).tracks:
        body = read_on(data[extent.start : extent.bound], extent.stop - extent.start)
        events: list[tuple[int, str]] = []
        try:
            for event in walk(body):
                raw = body[event.place : event.stop]
                events.append((event.tick, _words(raw if raw[0] >= 0x80 else bytes([event.status]) + raw)))
        except MidiError:
            events.append((0, "damaged"))
        found.append(events)
    return found


def _words(data: bytes) -> str:
    kind = kind_of(data)
    if data[0] == 0xFF:
        length = 3
        while data[length - 1] & 0x80:
            length += 1
        body = data[length:]
        if data[1] in _TEXTS:
            return f"{kind} {body.decode('utf-8', 'backslashreplace')!r}"
        if data[1] == 0x51 and len(body) == 3:
            return f"{kind} {int.from_bytes(body, 'big')} microseconds a quarter"
        return f"{kind} {body.hex(' ')}".strip()
    if data[0] >= 0xF0:
        return f"{kind} {data[1:].hex(' ')}"
    channel = f"channel {(data[0] & 15) + 1}"
    # A note on of velocity 0 is a note off.
    if data[0] >> 4 == 9 and not data[2]:
        return f"note off {channel}: {data[1]} 0"
    if data[0] >> 4 == 0xB:
        return f"{kind} {data[1]} ({controller_name(data[1])}) {channel}: {data[2]}"
    if data[0] >> 4 == 0xE:
        return f"{kind} {channel}: {(data[2] << 7 | data[1]) - 8192}"
    return f"{kind} {channel}: {' '.join(map(str, data[1:]))}"
