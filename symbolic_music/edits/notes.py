"""Change some notes of a score; everything else stays.

Rows are indices into `Score.notes`. A changed note may take another place in the table, which is sorted by onset.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import OptionError, RegionError, check_seed
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import NOTE, Array, Score, joined
from symbolic_music.transforms import check_tracks

Rows = NDArray[np.int64]
_LAST_TICK = (1 << 28) - 1
# What a rounded fraction is off by, as a share.
_ROUNDED = 0.003


def rows_in(score: Score, first: int, last: int, tracks: Sequence[int] | None = None) -> Rows:
    """Rows of the notes that begin in [first, last) ticks, in some tracks or (None) all."""
    chosen = (score.notes["onset"] >= first) & (score.notes["onset"] < last)
    if tracks is not None:
        chosen &= np.isin(score.notes["track"], check_tracks(score, tracks))
    return np.flatnonzero(chosen)


def add_notes(score: Score, onset: ArrayLike, duration: ArrayLike, pitch: ArrayLike, velocity: ArrayLike,
              track: ArrayLike) -> Score:  # fmt: skip
    """More notes, each with the program and channel that its track has there.

    Args:
        score: the piece.
        onset, duration: ticks, shape (n,).
        pitch, velocity: 0 to 127, 1 to 127.
        track: numbers of tracks that are there.

    Raises:
        RegionError: for a time, a pitch, a velocity or a track that cannot be.
    """
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c, np.int64)) for c in
                                    (onset, duration, pitch, velocity, track)))  # fmt: skip
    onsets, durations, pitches, velocities, tracks = columns
    check_tracks(score, tracks.tolist())
    _check(onsets, durations, pitches)
    if len(velocities) and not 1 <= velocities.min() <= velocities.max() <= 127:
        raise RegionError("a velocity is 1 to 127")
    new = np.zeros(len(onsets), NOTE)
    for name, column in zip(("onset", "duration", "pitch", "velocity", "track"), columns, strict=True):
        new[name] = column
    for number in np.unique(tracks).tolist():
        mine, own = np.flatnonzero(tracks == number), score.notes[score.notes["track"] == number]
        if len(own):
            like = own[np.maximum(np.searchsorted(own["onset"], onsets[mine], side="right") - 1, 0)]
            new["program"][mine], new["channel"][mine] = like["program"], like["channel"]
        else:
            described = score.tracks[number]
            new["program"][mine] = described.program
            new["channel"][mine] = DRUM_CHANNEL if described.is_drum else _free_channel(score, number)
    return score.replace(notes=joined([score.notes, new], NOTE))


def delete_notes(score: Score, rows: ArrayLike) -> Score:
    """Without these notes."""
    kept = np.ones(len(score), bool)
    kept[_rows(score, rows)] = False
    return score.replace(notes=score.notes[kept])


def move_notes(score: Score, rows: ArrayLike, ticks: int = 0, semitones: int = 0) -> Score:
    """Move notes by ticks and semitones.

    Raises:
        RegionError: when one would leave the piece's beginning, or 0 to 127.
    """
    notes, chosen = score.notes.copy(), _rows(score, rows)
    onsets = notes["onset"][chosen].astype(np.int64) + ticks
    pitches = notes["pitch"][chosen].astype(np.int64) + semitones
    _check(onsets, notes["duration"][chosen], pitches)
    notes["onset"][chosen], notes["pitch"][chosen] = onsets, pitches
    return score.replace(notes=notes)


def stretch_notes(score: Score, rows: ArrayLike, ticks: int) -> Score:
    """Lengthen notes by ticks (negative to shorten), to at least one tick."""
    notes, chosen = score.notes.copy(), _rows(score, rows)
    durations = np.maximum(notes["duration"][chosen].astype(np.int64) + ticks, 1)
    _check(notes["onset"][chosen], durations, notes["pitch"][chosen])
    notes["duration"][chosen] = durations
    return score.replace(notes=notes)


def change_velocities(score: Score, rows: ArrayLike, factor: float = 1.0, add: int = 0) -> Score:
    """Velocities of these notes times a factor, plus a number, kept within 1 to 127.

    Raises:
        OptionError: for a factor that is negative or not a number.
    """
    if not 0 <= factor < np.inf:
        raise OptionError(f"velocities are scaled by a factor of at least 0, not {factor:g}")
    notes, chosen = score.notes.copy(), _rows(score, rows)
    notes["velocity"][chosen] = np.clip(np.rint(notes["velocity"][chosen] * factor) + add, 1, 127)
    return score.replace(notes=notes)


def transpose_notes(score: Score, rows: ArrayLike, semitones: int) -> Score:
    """Transpose notes by semitones, except drums.

    Raises:
        RegionError: when one would leave 0 to 127.
    """
    chosen = _rows(score, rows)
    return move_notes(score, chosen[score.notes["channel"][chosen] != DRUM_CHANNEL], semitones=semitones)


def quantise(score: Score, grid: float = 0.25, strength: float = 1.0, rows: ArrayLike | None = None,
             ends: bool = False) -> Score:  # fmt: skip
    """Onsets drawn to a grid, counted from the beginning of each note's bar.

    Args:
        score: the piece.
        grid: quarter notes between its lines: 0.25 is a sixteenth, 1/3 a triplet of eighths.
        strength: how far, from 0 (not at all) to 1 (onto the line).
        rows: which notes; None for all.
        ends: whether ends are drawn too, to at least one line after the onset; else a note keeps its duration.

    Raises:
        OptionError: for a grid or a strength that cannot be.
    """
    if not 1 / 256 <= grid <= 64:
        raise OptionError(f"a grid has 1/256 to 64 quarter notes, not {grid:g}")
    if not 0 <= strength <= 1:
        raise OptionError(f"a strength is 0 to 1, not {strength:g}")
    notes = score.notes.copy()
    chosen = np.arange(len(notes)) if rows is None else _rows(score, rows)
    step = exact_grid(grid) * score.ticks_per_quarter
    onsets = notes["onset"][chosen].astype(np.int64)
    until = onsets + notes["duration"][chosen]
    lines = score.bars(score.end + 1)
    drawn = _drawn(onsets, lines, step, strength)
    if ends:
        until = np.maximum(_drawn(until, lines, step, strength), drawn + max(1, round(step * strength)))
        notes["duration"][chosen] = until - drawn
    notes["onset"][chosen] = drawn
    return score.replace(notes=notes)


def exact_grid(quarters: float) -> float:
    """A grid as it was meant: 0.333 quarter notes are a third, which three times is a quarter note."""
    near = Fraction(quarters).limit_denominator(24)
    return float(near) if abs(float(near) - quarters) < _ROUNDED * quarters else quarters


def swing(score: Score, share: float = 2 / 3, grid: float = 0.5, rows: ArrayLike | None = None) -> Score:
    """Delay every second line of a grid, and what lies around it, counted from the beginning of each bar.

        sm.edits.swing(song, 0.6)

    Args:
        score: the piece.
        share: of each pair of lines that the first takes: 0.5 is straight, 2/3 triplets, 0.75 dotted.
        grid: quarter notes between the lines: 0.5 for eighths, 0.25 for sixteenths.
        rows: which notes; None for all.

    Raises:
        OptionError: unless 0.5 <= share <= 0.8, or for a grid that cannot be.
    """
    if not 0.5 <= share <= 0.8:
        raise OptionError(f"the first of two notes takes 0.5 to 0.8 of their time, not {share:g}")
    if not 1 / 16 <= grid <= 4:
        raise OptionError(f"notes swing by a grid of 1/16 to 4 quarter notes, not {grid:g}")
    notes = score.notes.copy()
    chosen = np.arange(len(notes)) if rows is None else _rows(score, rows)
    lines, pair = score.bars(score.end + 1), 2 * exact_grid(grid) * score.ticks_per_quarter
    onsets = notes["onset"][chosen].astype(np.int64)
    until = onsets + notes["duration"][chosen]
    moved = _swung(onsets, lines, pair, share)
    notes["duration"][chosen] = np.maximum(_swung(until, lines, pair, share) - moved, np.minimum(until - onsets, 1))
    notes["onset"][chosen] = moved
    return score.replace(notes=notes)


def humanise(score: Score, seconds: float = 0.01, velocity: int = 6, seed: int = 0,
             rows: ArrayLike | None = None) -> Score:  # fmt: skip
    """Onsets and velocities a little off, by normal deviates; notes that began together stay within twice `seconds`.

    Args:
        score: the piece.
        seconds: standard deviation of the onsets; no note moves by more than twice as much.
        velocity: standard deviation of the velocities.
        seed: the same seed gives the same notes.
        rows: which notes; None for all.

    Raises:
        OptionError: unless 0 <= seconds <= 0.25 and 0 <= velocity <= 64; for a seed below 0.
    """
    if not 0 <= seconds <= 0.25 or not 0 <= velocity <= 64:
        raise OptionError(f"humanise by 0 to 0.25 s and 0 to 64 of velocity, not {seconds:g} s and {velocity}")
    check_seed(seed)
    notes = score.notes.copy()
    chosen = np.arange(len(notes)) if rows is None else _rows(score, rows)
    random = np.random.default_rng(seed)
    off = np.clip(random.normal(0, 1, len(chosen)), -2, 2) * seconds
    louder = np.rint(random.normal(0, 1, len(chosen)) * velocity)
    at = np.maximum(score.onset_seconds[chosen] + off, 0)
    notes["onset"][chosen] = np.rint(score.ticks(at))
    notes["velocity"][chosen] = np.clip(notes["velocity"][chosen] + louder, 1, 127)
    return score.replace(notes=notes)


def _swung(ticks: Rows, lines: Rows, pair: float, share: float) -> Rows:
    """Ticks whose place in a pair of lines is stretched up to its middle and squeezed from there on."""
    start = lines[np.maximum(np.searchsorted(lines, ticks, side="right") - 1, 0)]
    which, place = np.divmod((ticks - start) / pair, 1)
    place = np.interp(place, [0, 0.5, 1], [0, share, 1])
    return np.asarray(np.rint(start + (which + place) * pair), np.int64)


def _drawn(ticks: Rows, lines: Rows, step: float, strength: float) -> Rows:
    """Ticks drawn to multiples of `step` after the bar line before each."""
    start = lines[np.maximum(np.searchsorted(lines, ticks, side="right") - 1, 0)] if len(lines) else 0
    goal = start + np.rint((ticks - start) / step) * step
    return np.maximum(np.rint(ticks + strength * (goal - ticks)), 0).astype(np.int64)


def _rows(score: Score, rows: ArrayLike) -> Rows:
    chosen = np.unique(np.asarray(rows, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < len(score):
        raise RegionError(f"no note {chosen[0] if chosen[0] < 0 else chosen[-1]}: this score has {len(score):,} notes")
    return chosen


def _check(onsets: Array, durations: Array, pitches: Array) -> None:
    if not len(onsets):
        return
    if onsets.min() < 0 or (onsets + np.asarray(durations, np.int64)).max() > _LAST_TICK or durations.min() < 0:
        raise RegionError("a note cannot begin before the piece does, nor end past tick 2^28")
    if pitches.min() < 0 or pitches.max() > 127:
        raise RegionError("a pitch is 0 to 127: these notes would leave that")


def _free_channel(score: Score, track: int) -> int:
    used = set(np.unique(score.notes["channel"]).tolist()) | {DRUM_CHANNEL}
    return next((channel for channel in range(16) if channel not in used), track % DRUM_CHANNEL)
