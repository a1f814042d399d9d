"""Encode notes as performance events, in the order and with the rounding of note-seq 0.0.5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError
from symbolic_music.score import DEFAULT_TEMPO, Score
from symbolic_music.tokenizers.base import Ids
from symbolic_music.tokenizers.performance.vocabulary import SHIFTS, STEPS_PER_SECOND, Layout
from symbolic_music.tokenizers.sustain_pedal import held

# Silence costs an id a second: a short file can name times that no memory holds.
MAX_HOURS = 1_000
MAX_NOTES = 1 << 24
# An event as one number, most significant last: its sound, its note's index, its step. The sound is the pitch, plus
# _OFF for a note off. Sorting the numbers sorts by step, then by note, a note's on before its off.
_EVENT = np.dtype([("sound", "u1"), ("note", "u1", 3), ("step", "<i4")])
_OFF = 128
Steps = NDArray[np.int32]
Bytes = NDArray[np.uint8]


def events(score: Score, at: Layout) -> Ids:
    """Ids of a score, int32, shape (n,).

    RegionError when it lasts longer than MAX_HOURS or has more than MAX_NOTES notes.
    """
    start, end, pitch, velocity = _notes(score, at)
    if not len(start):
        return np.zeros(0, np.int32)
    gap, sound = _in_order(start, end, pitch)
    del start, end, pitch
    # Note ons come in the order of the notes. A velocity stands before the first and before each of another bin.
    bins = (velocity - 1) >> 2
    changed = np.append(True, bins[1:] != bins[:-1])
    louder = sound < _OFF
    louder[louder] = changed
    bins = bins[changed]
    del velocity, changed
    # An event is written as full shifts, the shift of what is left, its velocity, itself: as many as there are.
    rest = (gap - 1) % SHIFTS + at.shift
    gap += SHIFTS - 1
    gap //= SHIFTS
    np.add(gap, 1, out=gap, where=louder)
    gap += 1
    place = gap.astype(np.intp)
    del gap
    np.cumsum(place, out=place)
    ids = np.full(int(place[-1]), at.shift + SHIFTS - 1, np.int32)
    # An event without a gap writes a shift over the event before it, which is written last.
    place -= 2
    np.subtract(place, 1, out=place, where=louder)
    ids[place] = rest
    del rest
    place += 1
    loud = bins.astype(np.int32)
    loud += at.velocity
    ids[place[louder]] = loud
    del loud
    np.add(place, 1, out=place, where=louder)
    # Bytes wrap around: the ids of notes are below 256 in both layouts.
    sound -= (sound >> 7) * np.uint8(_OFF - at.pitches)
    sound += np.uint8((at.on - at.low) % 256)
    ids[place] = sound
    return ids


def _in_order(start: Steps, end: Steps, pitch: Bytes) -> tuple[Steps, Bytes]:
    """Note ons and offs in order: steps since the event before, and sounds; each of shape (2 * notes,)."""
    count = len(start)
    if count > MAX_NOTES:
        raise RegionError(f"the score has {count:,} notes; at most {MAX_NOTES:,} can be written: clip it first")
    key = np.empty(2 * count, "<i8")
    event = key.view(_EVENT)
    index = np.arange(count, dtype="<i4").view("u1").reshape(count, 4)[:, :3]
    for part, steps, off in ((event[:count], start, 0), (event[count:], end, _OFF)):
        part["step"], part["note"] = steps, index
        np.add(pitch, np.uint8(off), out=part["sound"])
    key.sort(kind="stable")  # two runs that are nearly in order: much faster so
    return np.diff(event["step"], prepend=np.int32(0)), event["sound"].copy()


def _notes(score: Score, at: Layout) -> tuple[Steps, Steps, Bytes, Bytes]:
    """Start and end in steps, pitch and velocity of the notes that can be written, sorted by (start, pitch)."""
    notes = score.notes
    ends, kept = held(score)
    # A note of velocity 0 has no bin.
    kept &= (notes["pitch"] >= at.low) & (notes["pitch"] <= at.high) & (notes["velocity"] > 0)
    rows = np.flatnonzero(kept)
    by = notes["onset"][rows].astype(np.int64)
    by <<= 8
    by += notes["pitch"][rows]
    if np.any(by[1:] < by[:-1]):
        rows = rows[np.argsort(by, kind="stable")]
    del by
    start, end = _steps(score, notes["onset"][rows]), _steps(score, ends[rows])
    np.maximum(end, start + 1, out=end)
    return start, end, notes["pitch"][rows], notes["velocity"][rows]


def _steps(score: Score, ticks: NDArray[np.signedinteger]) -> Steps:
    """Ticks as steps of 10 ms, a half upwards."""
    seconds = summed_seconds(score, ticks)
    if len(seconds) and seconds.max() > MAX_HOURS * 3600:
        raise RegionError(
            f"the score lasts {seconds.max() / 3600:,.0f} hours; at most {MAX_HOURS:,} can be written: clip it first"
        )
    np.maximum(seconds, 0, out=seconds)
    seconds *= STEPS_PER_SECOND
    seconds += 0.5
    return seconds.astype(np.int32)


def summed_seconds(score: Score, ticks: NDArray[np.signedinteger]) -> NDArray[np.float64]:
    """Score.seconds, to the last bit as note-seq has them from pretty_midi.

    A time that lies in the middle between two steps goes up or down by its last bit, and that depends on the order
    of the operations: a tempo is 6e7 / microseconds there, and a tempo event that changes nothing is passed over.
    """
    times = score.tempos["time"].astype(np.int64)
    with np.errstate(divide="ignore"):
        tempo = 6e7 / score.tempos["microseconds"]
    if not len(times) or times[0] > 0:
        times, tempo = np.append(0, times), np.append(6e7 / DEFAULT_TEMPO, tempo)
    first = max(int(np.searchsorted(times, 0, side="right")) - 1, 0)
    times, scale = times[first:], 60.0 / (tempo[first:] * score.ticks_per_quarter)
    changes = np.append(True, scale[1:] != scale[:-1])
    times, scale = times[changes], scale[changes]
    if len(times) == 1:
        return np.asarray(ticks * scale[0])
    starts = np.append(0.0, np.cumsum(np.diff(times) * scale[:-1]))
    at = np.maximum(np.searchsorted(times, ticks, side="right") - 1, 0)
    return np.asarray(starts[at] + (ticks - times[at]) * scale[at])
