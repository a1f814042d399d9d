"""Fold the sustain pedal into the lengths of notes, by the rules that Performance RNN's data was made with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.score import DRUM_CHANNEL, Array, Score

SUSTAIN = 64
DOWN_FROM = 64
# Times are int32 and ends of notes below 2**32: track << _TRACK_SHIFT puts tracks apart on one line of time.
_TRACK_SHIFT = 34
_LONGEST = np.iinfo(np.int32).max


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


def held(score: Score) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What `sustained` does to each note: the tick at which it ends, and whether it is kept; each of shape (notes,)."""
    notes = score.notes
    onset, pitch, track = notes["onset"], notes["pitch"], notes["track"]
    ends = np.add(onset, notes["duration"], dtype=np.int64)
    kept = np.ones(len(notes), bool)
    melodic = notes["channel"] != DRUM_CHANNEL
    pedal = score.controls[score.controls["number"] == SUSTAIN]
    if not len(pedal) or not melodic.any():
        return ends, kept
    last = max(int(ends.max() if melodic.all() else ends[melodic].max()), int(pedal["time"].max()))
    moves = pedal_moves(pedal, last)

    # A note whose end finds the pedal down goes on to the release.
    offset = track.astype(np.int64) << _TRACK_SHIFT
    at_end = np.searchsorted(moves, ends + offset, side="right")
    holds = np.flatnonzero((at_end & 1).astype(bool) & melodic)
    ends[holds] = np.minimum(moves[at_end[holds]] - offset[holds], last)
    del at_end, holds

    # A note on that finds the pedal down ends all notes of its pitch.
    offset += onset
    strikes = (np.searchsorted(moves, offset, side="right") & 1).astype(bool) & melodic
    del offset
    order = np.argsort(_pitch_of_track(pitch, track), kind="stable")
    onset, pitch, track = onset[order], pitch[order], track[order]
    # The next strike after each row: as many strikes lie before it as in the rows up to and including this one.
    ordered = strikes[order]
    following = np.append(np.flatnonzero(ordered), len(order) - 1)[np.cumsum(ordered)]
    struck = (pitch[following] == pitch) & (track[following] == track) & melodic[order]
    struck &= (following > np.arange(len(order))) & ordered[following]
    by = onset[following[struck]]
    notes_struck = order[struck]
    ends[notes_struck] = np.minimum(ends[notes_struck], by)
    kept[notes_struck[by == onset[struck]]] = False
    return ends, kept


def pedal_moves(pedal: Array, last: int) -> NDArray[np.int64]:
    """When pedals go down and up: down, up, down, up, ... of the first track that has one, then of the next track.

    Args:
        pedal: rows of controller 64, sorted by time.
        last: a time at or after all others; a pedal that is never released goes up just after it.

    Returns:
        time + (track << 34) of each move, increasing, of even length: an odd number of moves up to and including
        a time says that the pedal is down then.
    """
    up = pedal["value"] < DOWN_FROM
    # At one time up comes after down, so the last of equal times says how the pedal is left.
    key = (pedal["track"].astype(np.int64) << _TRACK_SHIFT) + pedal["time"]
    key = np.sort((key << 1) + up)
    up, key = (key & 1).astype(bool), key >> 1
    settled = np.append(key[1:] != key[:-1], True)
    up, key = up[settled], key[settled]
    # Adding half a track's span makes negative times (they do not come out of files) fall into their own track.
    track = (key + (1 << (_TRACK_SHIFT - 1))) >> _TRACK_SHIFT
    first = np.append(True, track[1:] != track[:-1])
    moved = up != np.append(True, up[:-1])
    moved[first] = ~up[first]
    unreleased = ~up & np.append(first[1:], True)
    release = (track[unreleased] << _TRACK_SHIFT) + last + 1
    return np.sort(np.concatenate([key[moved], release]))


def _pitch_of_track(pitch: Array, track: Array) -> Array:
    """A number for each pair of track and pitch, in 8 or 16 bits where they fit: those are sorted by radix."""
    most = int(track.max())
    if most == 0:
        return pitch
    return (track << 7) + pitch if most < 1 << 9 else (track.astype(np.int32) << 7) + pitch
