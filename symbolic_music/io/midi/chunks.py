"""Positions of the tracks in a Standard MIDI File, even if its headers and lengths are wrong.

Source: Standard MIDI Files 1.0, RP-001 (MIDI Association 1996).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from symbolic_music.errors import MidiError

DEFAULT_DIVISION = 480
# A header may stand behind that many bytes of something else (a MacBinary header has 128).
_LONGEST_PREFIX = 1 << 16
MAX_TRACKS = 2_048  # of as many empty ones each takes a millisecond


@dataclass(frozen=True)
class Extent:
    """Bytes of one track: its events start at `start`; `stop` is its declared end, `bound` the last it could have."""

    start: int
    stop: int
    bound: int


@dataclass(frozen=True)
class Layout:
    """The headers: format, division as written (two bytes), the tracks found.

    `unknown`: begin and end of the whole chunks that are none of MIDI's.
    """

    format: int
    division: int
    tracks: tuple[Extent, ...]
    unknown: tuple[tuple[int, int], ...] = ()


def layout(data: bytes, problems: Counter[str]) -> Layout:
    """Find header and tracks; what is wrong with them is counted in `problems`.

    Raises:
        MidiError: when there is no track at all, or more than 2,048.
    """
    begin, end = _unwrapped(data, problems)
    unknown: list[tuple[int, int]] = []
    head = data.find(b"MThd", begin, min(end, begin + _LONGEST_PREFIX))
    if head < 0:
        head = data.find(b"MTrk", begin, min(end, begin + _LONGEST_PREFIX))
        if head < 0:
            raise MidiError("not a MIDI file (no MThd header)")
        problems["no header: taken for type 1 with 480 ticks a quarter"] += 1
        found = _walk(data, head, end, problems, 0, unknown)
        return Layout(1, DEFAULT_DIVISION, tuple(found), tuple(unknown))
    if head > begin:
        problems[f"{head - begin} bytes before the header"] += 1
    if end < head + 14:
        raise MidiError("the file ends in its header")
    length, kind, declared, division = (
        int.from_bytes(data[head + a : head + b], "big") for a, b in ((4, 8), (8, 10), (10, 12), (12, 14))
    )
    if kind > 2:
        problems[f"unknown type {kind}: taken for type 1"] += 1
        kind = 1
    first = head + 8 + length
    if length != 6:
        problems[f"header of {length} bytes instead of 6"] += 1
        if data[first : first + 4] != b"MTrk" and (near := data.find(b"MTrk", head + 8, end)) >= 0:
            first = near
    found = _walk(data, min(first, end), end, problems, declared, unknown)
    if not found and declared:
        unknown = []
        found = _misnamed(data, head + 14, end, problems)
    if len(found) != declared:
        problems[f"header says {declared} tracks, file has {len(found)}"] += 1
    return Layout(kind, division, tuple(found), tuple(unknown))


def _unwrapped(data: bytes, problems: Counter[str]) -> tuple[int, int]:
    """Begin and end of the MIDI file within a RIFF container (RP-029); of anything else all of it."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return 0, len(data)
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            problems["inside a RIFF container"] += 1
            return at + 8, min(len(data), at + 8 + size)
        at += 8 + size + size % 2
    return 0, len(data)


def _walk(
    data: bytes, at: int, end: int, problems: Counter[str], declared: int, unknown: list[tuple[int, int]]
) -> list[Extent]:
    """Every track chunk from `at` on, and in `unknown` others; after a wrong length the next MTrk is looked for.

    Tracks beyond those declared are taken when all are whole and fill the file to its end; otherwise they are
    the rest of an older, longer file that lay in the same place, or another file.
    """
    found: list[Extent] = []
    repaired = False
    while at + 8 <= end:
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        beyond = found and len(found) == declared
        if data[at : at + 4] == b"MThd" or (beyond and (repaired or not _fills(data, at, end))):
            problems["what follows the tracks of the header left out"] += 1
            break
        if beyond:
            declared = 0  # looked at once; all the rest is whole
        if data[at : at + 4] == b"MTrk":
            if len(found) == MAX_TRACKS:
                raise MidiError(f"more than {MAX_TRACKS:,} tracks")
            bound = stop
            if stop > end or not _chunk_or_end(data, stop, end):
                bound = data.find(b"MTrk", at + 8, end)
                bound = end if bound < 0 else bound
                if stop != bound:
                    problems["track of a wrong length"] += 1
                    repaired = True
            found.append(Extent(at + 8, min(stop, bound), bound))
            at = bound
        elif _is_chunk(data, at, end):
            problems[f"chunk {data[at : at + 4].decode('ascii')!r} left out"] += 1
            unknown.append((at, stop))
            at = stop
        else:
            following = data.find(b"MTrk", at, end)
            problems["stray bytes between or after tracks"] += 1
            if following < 0:
                break
            at = following
    return found


def _fills(data: bytes, at: int, end: int) -> bool:
    """Whether whole chunks, none of them a header, stand from here to the end."""
    while at < end and (data[at : at + 4] == b"MTrk" or _is_chunk(data, at, end)) and data[at : at + 4] != b"MThd":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return at == end


def _chunk_or_end(data: bytes, at: int, end: int) -> bool:
    return at == end or data[at : at + 4] == b"MTrk" or _is_chunk(data, at, end)


def _is_chunk(data: bytes, at: int, end: int) -> bool:
    name = data[at : at + 4]
    size = int.from_bytes(data[at + 4 : at + 8], "big")
    return len(name) == 4 and name.isalnum() and name.isascii() and at + 8 + size <= end


def _misnamed(data: bytes, at: int, end: int, problems: Counter[str]) -> list[Extent]:
    """The chunks of a file without any MTrk: their names may be garbled."""
    found: list[Extent] = []
    while at + 8 <= end and len(found) < MAX_TRACKS:
        stop = min(end, at + 8 + int.from_bytes(data[at + 4 : at + 8], "big"))
        name = ascii(data[at : at + 4])[1:]
        problems.pop(f"chunk {name} left out", None)
        problems[f"chunk {name} taken for a track"] += 1
        found.append(Extent(at + 8, stop, stop))
        at = stop
    return found
