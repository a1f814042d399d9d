"""A file whose headers, lengths and ends of tracks are put right, and nothing else."""

from __future__ import annotations

from functools import lru_cache

from symbolic_music.io.midi.reading.early_end import read_on
from symbolic_music.io.midi.reading.event_table import event_table
from symbolic_music.io.midi.tolerant_reader import placed

_END_OF_TRACK = b"\x00\xff\x2f\x00"


@lru_cache(maxsize=4)
def repaired(data: bytes) -> bytes | None:
    """The file itself where any reader can read it, else with headers, lengths and ends of tracks put right, or None.

    None is for tracks that are damaged within.
    """
    known = placed(data)
    found = known.layout
    bodies = []
    for extent, events in zip(found.tracks, known.tracks, strict=True):
        body = read_on(data[extent.start : extent.bound], extent.stop - extent.start)
        table = events.table
        if table is None:
            body += _END_OF_TRACK  # which may be all that it lacks
            table = event_table(body)
        if table is None:
            return None
        bodies.append(body[: table.end])
    extents = found.tracks
    same = all(data.startswith(body, e.start) for e, body in zip(found.tracks, bodies, strict=True))
    whole = same and all(e.stop == e.bound == e.start + len(body) for e, body in zip(extents, bodies, strict=True))
    if whole and data[:8] == b"MThd\0\0\0\6" and data[10:12] == len(extents).to_bytes(2, "big") and _fills(data):
        return data
    numbers = (found.format, len(extents), found.division)
    head = b"MThd\0\0\0\6" + b"".join(number.to_bytes(2, "big") for number in numbers)
    return head + b"".join(b"MTrk" + len(body).to_bytes(4, "big") + body for body in bodies)


def _fills(data: bytes) -> bool:
    """Whether chunks reach from the header to the end of the file."""
    at = 14
    while at < len(data):
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return at == len(data)
