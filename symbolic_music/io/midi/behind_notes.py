"""Which events of the first tick stand behind a note of their channel, which begins without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbolic_music.io.midi.other_events import Others
from symbolic_music.io.midi.tolerant_reader import placed
from symbolic_music.score import Array

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_SYSTEM = 0xF0


class Behind(NamedTuple):
    """Masks of the controllers, bends and other events of a file."""

    controls: Mask
    bends: Mask
    others: Mask


def behind_notes(others: Others, moved_to: Callable[[Ints], Ints]) -> Behind:
    """Those of a file that stand at tick 0, each behind a note of tick 0 on its port and channel.

    Args:
        others: of this file.
        moved_to: where ticks of the file are in the score.
    """
    found = placed(others.data)
    starts = np.array([extent.start for extent in found.layout.tracks], np.int64)
    voices = np.array([track.port << 4 | (track.channel or 0) for track in found.parts], np.int64)
    begins = np.flatnonzero(moved_to(found.table["onset"].astype(np.int64)) == 0)
    # Where the first note of tick 0 stands, by voice.
    first = np.full(int(voices.max(initial=0)) + 1, len(others.data))
    ons = starts[found.notes[begins, 0]] + found.notes[begins, 1]
    np.minimum.at(first, voices[found.table["track"][begins]], ons)

    def behind(times: Ints, tracks: Ints, places: Ints) -> Mask:
        mask = moved_to(times) == 0
        mask[mask] = places[mask] > first[voices[tracks[mask]]]
        return np.asarray(mask)

    def of_table(table: Array, places: Ints) -> Mask:
        return behind(table["time"].astype(np.int64), table["track"], places)

    # Messages of a channel that stand in a part.
    of_parts = [
        (number, other.time, other.track, starts[file] + place)
        for number, (other, (file, place)) in enumerate(zip(others, others.places, strict=True))
        if other.track is not None and other.data[0] < _SYSTEM
    ]
    numbers, *columns = np.array(of_parts, np.int64).reshape(-1, 4).T
    of_others = np.zeros(len(others), bool)
    of_others[numbers] = behind(*columns)
    return Behind(of_table(found.score.controls, found.controls), of_table(found.score.bends, found.bends), of_others)
