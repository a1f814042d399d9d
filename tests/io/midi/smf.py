"""Small MIDI files, byte by byte."""

from __future__ import annotations

END = b"\x00\xff\x2f\x00"


def vlq(number: int) -> bytes:
    """A variable-length quantity."""
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))


def on(delta: int, pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return vlq(delta) + bytes([0x90 | channel, pitch, velocity])


def off(delta: int, pitch: int, channel: int = 0) -> bytes:
    return vlq(delta) + bytes([0x80 | channel, pitch, 0])


def program(delta: int, number: int, channel: int = 0) -> bytes:
    return vlq(delta) + bytes([0xC0 | channel, number])


def control(delta: int, number: int, value: int, channel: int = 0) -> bytes:
    return vlq(delta) + bytes([0xB0 | channel, number, value])


def meta(delta: int, kind: int, body: bytes) -> bytes:
    return vlq(delta) + bytes([0xFF, kind]) + vlq(len(body)) + body


def chunk(events: bytes, name: bytes = b"MTrk") -> bytes:
    return name + len(events).to_bytes(4, "big") + events


def header(tracks: int, kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + b"".join(n.to_bytes(s, "big") for n, s in ((6, 4), (kind, 2), (tracks, 2), (division, 2)))


def smf(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    """A whole file; each track gets its end-of-track."""
    return header(len(tracks), kind, division) + b"".join(chunk(track + END) for track in tracks)


def bend(delta: int, value: int, channel: int = 0) -> bytes:
    """A pitch bend, -8192 to 8191."""
    return vlq(delta) + bytes([0xE0 | channel, value + 8192 & 127, value + 8192 >> 7])


def note(pitch: int, channel: int = 0, delta: int = 0) -> bytes:
    """A note of 480 ticks."""
    return on(delta, pitch, channel=channel) + off(480, pitch, channel)


def tune(channel: int, *pitches: int) -> bytes:
    """Such notes, one after the other."""
    return b"".join(note(pitch, channel) for pitch in pitches)
