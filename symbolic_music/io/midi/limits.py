"""The memory that reading a MIDI file may take, known from its number of events before it is read."""

from __future__ import annotations

from collections import Counter

from symbolic_music.errors import MidiError
from symbolic_music.io.midi.chunks import layout
from symbolic_music.io.midi.reading.event_table import events_in

# What a file of few bytes may take at any rate, and a longer one for each of its bytes.
MAX_MEMORY = 160 << 20
MAX_BYTES_A_BYTE = 12
# The most that was measured for an event: a note that never ends (`benchmarks/robustness.py memory`).
_BYTES_AN_EVENT = 320
# No event has fewer; a program change under running status has two.
_LEAST_EVENT = 2


def check_memory(data: bytes) -> None:
    """Count the events of a file, in constant memory, where there could be too many.

    Raises:
        MidiError: when reading it could take more than `MAX_MEMORY`, or `MAX_BYTES_A_BYTE` if it is long.
    """
    most = max(MAX_MEMORY, MAX_BYTES_A_BYTE * len(data))
    if len(data) // _LEAST_EVENT * _BYTES_AN_EVENT <= most:
        return
    events = 0
    for extent in layout(data, Counter()).tracks:
        found = events_in(data[extent.start : extent.bound])
        # Of a damaged track no more is known than its bytes: most events of notes have three or more.
        events += (extent.bound - extent.start) // 3 if found is None else found
    if events * _BYTES_AN_EVENT > most:
        raise MidiError(
            f"its {events:,} events could take {events * _BYTES_AN_EVENT >> 20:,} MiB of memory; at most "
            f"{most >> 20:,} MiB are taken (symbolic_music.io.midi.limits.MAX_MEMORY)"
        )
