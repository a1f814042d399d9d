"""Tracks that an end-of-track leaves empty, though events follow it up to the declared end."""

from __future__ import annotations

from symbolic_music.io.midi.reading.event_table import event_table

_END = b"\xff\x2f\x00"
_NOTHING = b"\xff\x7f\x00"  # an empty event of a sequencer's own, as long as an end-of-track


def read_on(body: bytes, stop: int) -> bytes:
    """The bytes of a track, with an end-of-track before its notes as an event that says nothing.

    So the track is read to its declared end, as other readers do. A track stays as it is that has notes before its
    end-of-track, or whose rest is no good track with an end of its own: what follows then is a remnant.

    Args:
        body: bytes of the track up to the last that it could have.
        stop: where its declared length ends.
    """
    if not 0 <= body.find(_END, 0, stop) < stop - len(_END) or body[stop - len(_END) : stop] != _END:
        return body
    table = event_table(body)
    if table is None or table.end >= stop or (table.status < 0xF0).any():
        return body
    begin, last = table.end - len(_END), stop - len(_END)
    joined = body[:begin] + body[begin:last].replace(_END, _NOTHING) + body[last:]
    whole = event_table(joined)
    return joined if whole is not None and whole.end == stop and (whole.status < 0xF0).any() else body
