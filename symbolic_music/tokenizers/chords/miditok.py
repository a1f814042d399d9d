"""Chord recognition: notes struck together (MidiTok's way)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# Intervals above the lowest note of the notes in order, and what MidiTok calls them.
QUALITIES: dict[str, tuple[int, ...]] = {
    "min": (0, 3, 7),
    "maj": (0, 4, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7dom": (0, 4, 7, 10),
    "7min": (0, 3, 7, 10),
    "7maj": (0, 4, 7, 11),
    "7halfdim": (0, 3, 6, 10),
    "7dim": (0, 3, 6, 9),
    "7aug": (0, 4, 8, 11),
    "9maj": (0, 4, 7, 10, 14),
    "9min": (0, 4, 7, 10, 13),
}
_QUALITY_OF = {intervals: i for i, intervals in enumerate(QUALITIES.values())}
_MOST_NOTES = 10


def simultaneous_chords(time: Ints, end: Ints, pitch: Ints, beat: Ints) -> tuple[Ints, Ints]:
    """Chords of notes that begin together, as MidiTok 3.1.0 finds them.

    From each note on, the next notes (ten at most) that begin within an eighth of a beat are looked at. They are
    passed over when one ends more than half a beat apart from the first. A short first note is taken only with
    the notes of its own tick. What is left is a chord when its intervals, in the order of the notes, are one of
    QUALITIES: inversions are not known.

    Args:
        time, end, pitch: of the notes of one part, sorted by time, shape (notes,).
        beat: ticks a beat at each note.

    Returns:
        Ticks and qualities (index into QUALITIES) of the chords.
    """
    count = len(time)
    index = np.arange(count)
    # An eighth of a beat is a whole number of ticks here, or less than one.
    wide = np.minimum(np.searchsorted(time, time + beat // 8, side="right"), index + _MOST_NOTES)
    same = np.minimum(np.searchsorted(time, time, side="right"), index + _MOST_NOTES)
    half = beat // 2
    short = end - time <= half
    stop = np.where(short, same, wide)
    # Groups are small: look at the second note of those that have one, then at the third, ...
    apart, together = np.zeros(count, bool), np.ones(count, np.int64)
    first = index
    for offset in range(1, _MOST_NOTES):
        first = first[wide[first] > first + offset]
        if not len(first):
            break
        distance = end[first + offset] - end[first]
        apart[first] |= np.abs(distance) > half[first]
        together[first] += (first + offset < stop[first]) & (distance <= half[first])
    candidate = ~apart & (together >= 3) & (together <= 5)

    # The walk itself depends on where it has been, so it is done step by step.
    wide_at, stop_at, apart_at, starts = wide.tolist(), stop.tolist(), apart.tolist(), time.tolist()
    heads, at, last = [], 0, -1
    while at < count:
        if starts[at] == last:
            at += 1
        elif apart_at[at]:
            at = wide_at[at]
        else:
            heads.append(at)
            at = stop_at[at]
            last = starts[at - 1]
    found_time: list[int] = []
    found: list[int] = []
    is_candidate, ends, pitches, limit = candidate.tolist(), end.tolist(), pitch.tolist(), (end + half).tolist()
    for head in heads:
        if is_candidate[head]:
            group = range(head, stop_at[head])
            chosen = [pitches[note] for note in group if ends[note] <= limit[head]]
            quality = _QUALITY_OF.get(tuple([one - chosen[0] for one in chosen]))
            if quality is not None:
                found_time.append(starts[head])
                found.append(quality)
    return np.array(found_time, np.int64), np.array(found, np.int64)
