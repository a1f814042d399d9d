"""Fold the sustain pedal into durations, by the rules of Performance RNN's data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Array, Score

SUSTAIN = 64
DOWN_FROM = 64
# All tracks on one line of time, far enough apart: onsets are int32, ends of notes below 2**32.
_SPAN_BITS = 34
_ZERO = 1 << 32
_LONGEST = np.iinfo(np.int32).max
Ints = NDArray[np.int64]


def sustained(score: Score) -> Array:
    """The note table with each note held while its track's pedal (controller 64, down from 64 on) is.

    A held note ends when the pedal is released or its pitch is struck again; of two notes of one pitch that
    start together under the pedal one is kept, the last. At one time pedal down comes first, then pedal up, note on,
    note off. Notes still held at the end last to the last event. Drums are left alone. These are the rules of
    `apply_sustain_control_changes` of note-seq 0.0.5.
    """
    if not np.any(score.controls["number"] == SUSTAIN):
        return score.notes
    ends, kept = held(score)
    notes = score.notes.copy()
    notes["duration"] = np.minimum(ends - notes["onset"], _LONGEST)
    return notes if kept.all() else notes[kept]


def held(score: Score) -> tuple[Ints, NDArray[np.bool_]]:
    """The effect of `sustained` on each note: its end in ticks, and whether it is kept; each of shape (notes,)."""
    notes = score.notes
    ends = np.add(notes["onset"], notes["duration"], dtype=np.int64)
    kept = np.ones(len(notes), bool)
    pedal = score.controls[score.controls["number"] == SUSTAIN]
    melodic = notes["channel"] != DRUM_CHANNEL
    if not len(pedal) or not melodic.any():
        return ends, kept
    last = max(int(ends.max(where=melodic, initial=pedal["time"][-1])), int(pedal["time"][-1]))
    moves = pedal_moves(pedal, last)
    del pedal
    _hold_to_release(ends, moves, notes["track"], melodic, last)
    strikes = _down(moves, notes["track"], notes["onset"]) & melodic
    _end_when_struck(ends, kept, notes, strikes, melodic)
    return ends, kept


def _hold_to_release(ends: Ints, moves: Ints, track: Array, melodic: Array, last: int) -> None:
    """Move the ends that find the pedal down to its release, in place."""
    before = np.searchsorted(moves, _line(track, ends), side="right")
    down = (before & 1).astype(bool) & melodic
    release = moves[before[down]]
    release &= (1 << _SPAN_BITS) - 1
    release -= _ZERO
    ends[down] = np.minimum(release, last)


def _end_when_struck(ends: Ints, kept: NDArray[np.bool_], notes: Array, strikes: Array, melodic: Array) -> None:
    """Move the ends of notes whose pitch is struck again under the pedal, in place; `kept` as in `held`."""
    if not strikes.any():
        return
    group = _pitch_of_track(notes["pitch"], notes["track"])
    order = np.argsort(group, kind="stable")
    group, onset, struck = group[order], notes["onset"][order], strikes[order]
    # The strike that follows each row: as many come before it as there are up to and including the row.
    strike = np.flatnonzero(struck).astype(np.int32)
    most = int(strike[-1])
    following = strike[np.cumsum(struck[:most], dtype=np.int32)]
    same = (group[:most] == group[following]) & melodic[order[:most]]
    del group, struck, strike
    order, following, begun = order[:most][same], following[same], onset[:most][same]
    by = onset[following]
    kept[order[begun == by]] = False
    del onset, following, begun
    sooner = by.astype(np.int64)
    ends[order] = np.minimum(ends[order], sooner, out=sooner)


def pedal_moves(pedal: Array, last: int) -> Ints:
    """When pedals go down and up: down, up, down, up, ... of the first track that has one, then of the next track.

    Args:
        pedal: rows of controller 64, sorted by time.
        last: a time at or after all others; a pedal that is never released goes up just after it.

    Returns:
        Places on the line of all tracks' times, increasing, an even number of them. Where an odd number of moves lies
        at or before a place, the pedal is down there.
    """
    pedal = pedal[_may_move(pedal)]
    # At one time up comes after down, so the last of equal times says how the pedal is left.
    key = _line(pedal["track"], pedal["time"]) << 1
    key += pedal["value"] < DOWN_FROM
    key.sort(kind="stable")  # nearly in order: much faster so
    up, key = (key & 1).astype(bool), key >> 1
    settled = np.append(key[1:] != key[:-1], True)
    up, key = up[settled], key[settled]
    track = key >> _SPAN_BITS
    first = np.append(True, track[1:] != track[:-1])
    moved = np.where(first, ~up, np.append(True, up[1:] != up[:-1]))
    unreleased = ~up & np.append(first[1:], True)
    return np.sort(np.concatenate([key[moved], _line(track[unreleased], last + 1)]), kind="stable")


def pedal_presses(score: Score) -> tuple[Ints, Ints, Ints]:
    """Ticks at which sustain pedals go down and up again, and their tracks; by track, then time.

    A pedal that is never released goes up after the last note.
    """
    pedal = score.controls[score.controls["number"] == SUSTAIN]
    if not len(pedal):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    moves = pedal_moves(pedal, max(score.end, int(pedal["time"][-1])))
    time, track = (moves & (1 << _SPAN_BITS) - 1) - _ZERO, moves >> _SPAN_BITS
    return time[::2], time[1::2], track[::2]


def joined_presses(onset: Ints, end: Ints, track: Ints, apart: float = 0) -> tuple[Ints, Ints, Ints]:
    """Presses, sorted by track and onset, of which those of a track that are no more than `apart` apart become one."""
    line = track << _SPAN_BITS
    latest = np.maximum.accumulate(end + line)
    follows = (onset + line)[1:] - latest[:-1] <= apart
    first = np.flatnonzero(np.append(True, ~follows)) if len(onset) else np.zeros(0, np.int64)
    return onset[first], np.maximum.reduceat(end, first) if len(first) else end, track[first]


def _may_move(pedal: Array) -> NDArray[np.bool_]:
    """False for the many rows that only repeat what the row before said: same track and side, no other at its time."""
    up, time, track = pedal["value"] < DOWN_FROM, pedal["time"], pedal["track"]
    apart = time[1:] != time[:-1]
    alone = np.append(True, apart) & np.append(apart, True)
    repeats = alone[1:] & alone[:-1] & (up[1:] == up[:-1]) & (track[1:] == track[:-1])
    return np.append(True, ~repeats)


def _down(moves: Ints, track: Array, time: Array) -> NDArray[np.bool_]:
    """Whether the pedal of a track is down at a time, once all its moves of that time are done."""
    return np.asarray(np.searchsorted(moves, _line(track, time), side="right") & 1, bool)


def _line(track: Array, time: Array | int) -> Ints:
    """One number for track and time, ordered by track, then time."""
    line = track.astype(np.int64)
    line <<= _SPAN_BITS
    line += time
    line += _ZERO
    return line


def _pitch_of_track(pitch: Array, track: Array) -> Array:
    """A number for each pair of track and pitch, in 8 or 16 bits where they fit: those are sorted by radix."""
    most = int(track.max())
    if most == 0:
        return pitch
    return (track << 7) + pitch if most < 1 << 9 else (track.astype(np.int32) << 7) + pitch
