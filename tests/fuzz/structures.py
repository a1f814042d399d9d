"""Damage that keeps a file's structure: events of MIDI, elements of XML, tokens of lines. What is read goes deep."""

from __future__ import annotations

import random
import struct
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DELTAS = (0, 1, 127, 16_383, 1 << 20, (1 << 28) - 1)
WORDS = ("", "0", "-1", "1", "3", "1e9", "99999999", "2147483648", "0.5", "1/3", "start", "stop", "no", "C", "A" * 300)

Event = tuple[int, bytes]


def in_midi(data: bytes, rng: random.Random) -> bytes:
    """Events repeated, moved, made anew, and times past all bounds; chunks keep lengths that are right."""
    try:
        head, tracks = _tracks(data)
    except (IndexError, struct.error):
        return data[: rng.randrange(len(data) + 1)]
    if not tracks or rng.random() < 0.1:
        return _file(_damaged_head(head, rng), tracks)
    events = rng.choice(tracks)
    at = rng.randrange(len(events) + 1)
    way = rng.randrange(8)
    if way == 0 and events:
        at %= len(events)
        events[at] = rng.choice(DELTAS), events[at][1]
    elif way == 1 and events:
        at %= len(events)
        events[at : at + 1] = [events[at]] * rng.choice((0, 2, 50, 3_000))
    elif way == 2:
        events[at:at] = [(rng.choice(DELTAS[:4]), _event(rng)) for _ in range(rng.choice((1, 4, 300)))]
    elif way == 3 and events:
        events.insert(at, events.pop(rng.randrange(len(events))))
    elif way == 4:
        events.insert(at, (0, b"\xff\x2f\0"))
    elif way == 5 and events:
        at %= len(events)
        delta, event = events[at]
        events[at] = delta, bytes([event[0] & 0xF0 | rng.randrange(16)]) + event[1:]
    elif way == 6:
        other = rng.choice(tracks)
        events[at:at] = other[: rng.randrange(len(other) + 1)]
    else:
        tracks += [list(events) for _ in range(rng.choice((1, 3, 40)))]
    return _file(head, tracks)


def _damaged_head(head: tuple[int, int, int], rng: random.Random) -> tuple[int, int, int]:
    values = list(head)
    values[rng.randrange(3)] = rng.choice((0, 1, 2, 3, 24, 480, 32_767, 0x8000, 0xE250, 0xE728, 0xFFFF))
    return values[0], values[1], values[2]


def _event(rng: random.Random) -> bytes:
    kind = rng.randrange(10)
    if kind < 6:
        status = rng.choice((0x80, 0x90, 0x90, 0xA0, 0xB0, 0xB0, 0xC0, 0xD0, 0xE0)) | rng.randrange(16)
        return bytes([status, *(rng.randrange(128) for _ in range(1 if status >> 4 in (0xC, 0xD) else 2))])
    body = rng.randbytes(rng.choice((0, 1, 2, 3, 4, 5, 127)))
    if kind < 9:
        meta = rng.choice((0, 1, 3, 5, 6, 0x20, 0x21, 0x51, 0x54, 0x58, 0x59, 0x7F, rng.randrange(128)))
        return bytes([0xFF, meta, len(body)]) + body
    return bytes([rng.choice((0xF0, 0xF7)), len(body)]) + body


def _tracks(data: bytes) -> tuple[tuple[int, int, int], list[list[Event]]]:
    """The header's numbers, and the events of each track with their status written out."""
    head = struct.unpack(">HHH", data[8:14])
    at, tracks = 14, list[list[Event]]()
    while data[at : at + 4] == b"MTrk":
        (length,) = struct.unpack(">I", data[at + 4 : at + 8])
        tracks.append(_events(data[at + 8 : at + 8 + length]))
        at += 8 + length
    return (head[0], head[1], head[2]), tracks


def _events(body: bytes) -> list[Event]:
    at = status = 0
    events = []
    while at < len(body):
        delta, at = _number(body, at)
        begin = at
        kind = body[at]
        if kind >= 0xF0:
            size, at = _number(body, at + 1 + (kind == 0xFF))
            at += size
            events.append((delta, body[begin:at]))
            continue
        if kind >= 0x80:
            status, at = kind, at + 1
        size = 1 if status >> 4 in (0xC, 0xD) else 2
        events.append((delta, bytes([status]) + body[at : at + size]))
        at += size
    return events


def _number(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        byte = body[at]
        value, at = value << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            return value, at


def _file(head: tuple[int, int, int], tracks: list[list[Event]]) -> bytes:
    out = b"MThd" + struct.pack(">IHHH", 6, *head)
    for events in tracks:
        body = b"".join(_delta(delta) + event for delta, event in events)
        out += b"MTrk" + struct.pack(">I", len(body)) + body
    return out


def _delta(value: int) -> bytes:
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([value & 0x7F | 0x80]) + out
    return out


def in_xml(data: bytes, rng: random.Random) -> bytes:
    """An element with another word, twice, a thousand times, elsewhere, nested, gone, or under another name."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return data[: rng.randrange(len(data) + 1)]
    parents = [one for one in root.iter() if len(one)]
    if not parents:
        return data
    parent = rng.choice(parents)
    at = rng.randrange(len(parent))
    child = parent[at]
    way = rng.randrange(9)
    if way <= 2:
        leaves = [one for one in root.iter() if not len(one)]
        rng.choice(leaves).text = rng.choice(WORDS)
    elif way == 3:
        for _ in range(rng.choice((1, 1, 30, 1_000))):
            parent.insert(at, child)
    elif way == 4:
        parent.remove(child)
    elif way == 5:
        rng.choice(parents).append(child) if child not in parents else parent.append(Element(child.tag))
    elif way == 6:
        child.tag = rng.choice([one.tag for one in root.iter()])
    elif way == 7:
        name = rng.choice([name for one in root.iter() for name in one.attrib] or ["id"])
        child.set(name, rng.choice(WORDS))
    else:
        deep = child
        for _ in range(rng.choice((1, 10, 100))):
            outer = Element(deep.tag)
            outer.append(deep)
            deep = outer
        parent[at] = deep
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def in_tokens(data: bytes, rng: random.Random) -> bytes:
    """Tokens of a text swapped, repeated, or put in the place of others: notation as text stays notation."""
    lines = [line.split(b"\t" if b"\t" in line else b" ") for line in data.split(b"\n")]
    marks = [b"\t" if b"\t" in line else b" " for line in data.split(b"\n")]
    line = rng.choice(lines)
    at, other = rng.randrange(len(line)), rng.choice(rng.choice(lines))
    way = rng.randrange(4)
    if way == 0:
        line[at] = other
    elif way == 1:
        line[at] = line[at] * rng.choice((2, 3, 60))
    elif way == 2:
        line[at:at] = [other] * rng.choice((1, 1, 200))
    else:
        line[at] = line[at] + other
    return b"\n".join(mark.join(words) for mark, words in zip(marks, lines, strict=True))
