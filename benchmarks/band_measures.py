"""What bands do in songs, and do not do part by part: how thick they are, what the bass plays, how a region ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.edits.harmony import chord_changes
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Array, Score
from symbolic_music.theory import chord_intervals

BASSES = range(32, 40)


def thickness(score: Score, lines: NDArray[np.int64], kept: int) -> dict[str, float]:
    """Parts but the kept one and notes that begin in a bar, and pitched notes that sound at once, between bar lines."""
    notes, first, last = score.notes, int(lines[0]), int(lines[-1])
    onset, end = notes["onset"].astype(np.int64), notes["onset"].astype(np.int64) + notes["duration"]
    here = (onset >= first) & (onset < last)
    bar = np.searchsorted(lines, onset[here], side="right")
    others = notes["track"][here] != kept
    parts = len(np.unique(np.stack([bar, notes["track"][here]])[:, others], axis=1).T)
    pitched = score.instruments < DRUM_INSTRUMENT
    times = np.arange(first, last, max(1, score.ticks_per_quarter // 4))
    begun = np.searchsorted(np.sort(onset[pitched]), times, side="right")
    sounds = begun - np.searchsorted(np.sort(end[pitched]), times, side="right")
    bars = len(lines) - 1
    return {"parts a bar": parts / bars, "notes a bar": int(here.sum()) / bars, "sound at once": float(sounds.mean())}


def bass_line(score: Score, lines: NDArray[np.int64], melody: int) -> dict[str, float]:
    """Of the notes of basses, how many begin with a note of the melody on its pitch class, and how many are the root.

    Chords are those of the other parts (`edits.chord_changes`); nothing where no bass plays.
    """
    low = [t for t, track in enumerate(score.tracks) if not track.is_drum and track.program in BASSES and t != melody]
    notes = score.notes
    is_bass = np.isin(notes["track"], low)
    own = _between(notes[is_bass], lines)
    if not len(own):
        return {}
    near = score.ticks_per_quarter // 16
    tune = notes[notes["track"] == melody]
    together = np.abs(own["onset"].astype(np.int64)[:, None] - tune["onset"].astype(np.int64)) <= near
    doubled = (together & (own["pitch"][:, None] % 12 == tune["pitch"] % 12)).any(axis=1)
    found = {"bass doubles": float(doubled.mean())}
    chords = chord_changes(score.replace(notes=notes[~is_bass]))
    ticks = np.array([tick for tick, _ in chords], np.int64)
    at = np.searchsorted(ticks, own["onset"].astype(np.int64) + near, side="right") - 1
    roots = np.array([-1 if name == "-" else chord_intervals(name)[0] for _, name in chords] or [-1])[at]
    if (roots >= 0).any():
        found["bass on the root"] = float((own["pitch"] % 12 == roots)[roots >= 0].mean())
    return found


def at_the_end(score: Score, lines: NDArray[np.int64], tracks: list[int]) -> dict[str, float]:
    """Notes of tracks in the last bar and in the last quarter of some bars, beside as many as an even share of them."""
    own = _between(score.notes[np.isin(score.notes["track"], tracks)], lines)
    if not len(own):
        return {}
    onset, first, last = own["onset"].astype(np.int64), int(lines[0]), int(lines[-1])
    out = {}
    for name, since in (("last bar", int(lines[-2])), ("last quarter", last - score.ticks_per_quarter)):
        out[name] = float((onset >= since).mean()) * (last - first) / (last - since)
    return out


def _between(notes: Array, lines: NDArray[np.int64]) -> Array:
    return notes[(notes["onset"] >= lines[0]) & (notes["onset"] < lines[-1])]
