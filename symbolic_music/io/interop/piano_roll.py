"""Scores as piano rolls: arrays of velocities on a grid, with arrays of onsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import TEMPO, Score, Track, note_table

# A roll takes 128 bytes a step and track; that many bytes are a symphony of 20 parts on a grid of 16ths.
_MAX_CELLS = 1 << 30


def to_piano_roll(score: Score, steps_per_quarter: int = 4) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Velocities and onsets on a grid of musical time.

    Onsets and ends are rounded to the nearest step, a note lasts at least one; where two notes of a track and
    pitch overlap, the later one is seen.

    Returns:
        Velocities, 0 where nothing sounds, and a mask of the steps where a note begins: each of shape
        (tracks, 128, steps).

    Raises:
        OptionError: when the grid is not positive, or the roll would have more than 2^30 cells.

    Examples:
        >>> velocities, onsets = sm.io.to_piano_roll(song)
        >>> velocities.shape, int(onsets.sum())
        ((4, 128, 256), 546)
    """
    _check_grid(steps_per_quarter)
    notes = score.notes
    start = np.rint(notes["onset"] * (steps_per_quarter / score.ticks_per_quarter)).astype(np.int64)
    end = (notes["onset"].astype(np.int64) + notes["duration"]) * (steps_per_quarter / score.ticks_per_quarter)
    stop = np.maximum(np.rint(end).astype(np.int64), start + 1)
    steps = int(stop.max(initial=0))
    if len(score.tracks) * 128 * steps > _MAX_CELLS:
        raise OptionError(f"a roll of {len(score.tracks)} tracks and {steps:,} steps is too large")
    velocities = np.zeros((len(score.tracks), 128, steps), np.uint8)
    onsets = np.zeros(velocities.shape, bool)
    columns = zip(notes["track"].tolist(), notes["pitch"].tolist(), start.tolist(), stop.tolist(),
                  notes["velocity"].tolist(), strict=True)  # fmt: skip
    for track, pitch, begin, until, velocity in columns:
        velocities[track, pitch, begin:until] = velocity
        onsets[track, pitch, begin] = True
    return velocities, onsets


def _check_grid(steps_per_quarter: int) -> None:
    if not isinstance(steps_per_quarter, int) or steps_per_quarter < 1:
        raise OptionError(f"steps_per_quarter must be a whole number of at least 1, not {steps_per_quarter}")


def from_piano_roll(
    velocities: ArrayLike,
    onsets: ArrayLike | None = None,
    steps_per_quarter: int = 4,
    tracks: Sequence[Track] = (),
    quarters_per_minute: float = 120.0,
) -> Score:
    """The score of a piano roll: the inverse of `to_piano_roll` for notes on its grid.

    Args:
        velocities: shape (tracks, 128, steps) or (128, steps), 0 to 127; of booleans True is velocity 64.
        onsets: mask of the same shape; without it a note begins where the velocity changes from the step before.
        steps_per_quarter: steps a quarter note.
        tracks: what plays each track; piano without.
        quarters_per_minute: tempo.

    Raises:
        OptionError: when a shape or a value is not as said.

    Examples:
        >>> roll = np.zeros((128, 8), bool)
        >>> roll[60, :4] = roll[64, 4:] = True
        >>> sm.io.from_piano_roll(roll, steps_per_quarter=4).notes["pitch"].tolist()
        [60, 64]
    """
    roll = np.asarray(velocities)
    if roll.dtype.kind not in "biu":
        raise OptionError(f"velocities are whole numbers or booleans, not {roll.dtype}")
    roll = roll.astype(np.int64) * (64 if roll.dtype == bool else 1)
    roll = roll[None] if roll.ndim == 2 else roll
    if roll.ndim != 3 or roll.shape[1] != 128:
        raise OptionError(f"a piano roll has shape (tracks, 128, steps), not {np.shape(velocities)}")
    if roll.size and (roll.min() < 0 or roll.max() > 127):
        raise OptionError("velocities of a piano roll are 0 to 127")
    _check_grid(steps_per_quarter)
    if not 4 <= quarters_per_minute <= 60e6:
        raise OptionError(f"quarters_per_minute is 4 to 60,000,000, not {quarters_per_minute}")
    before = np.pad(roll, ((0, 0), (0, 0), (1, 0)))[:, :, :-1]
    changed = roll != before
    if onsets is not None:
        begins = np.asarray(onsets, bool)
        begins = begins[None] if begins.ndim == 2 else begins
        if begins.shape != roll.shape:
            raise OptionError(f"onsets have shape {begins.shape}, velocities {roll.shape}")
        changed = changed | begins
    begin = changed & (roll > 0)
    track, pitch, onset = np.nonzero(begin)
    # A note lasts to the next change of its row: rows are laid end to end, each closed by a change.
    edges = np.flatnonzero(np.pad(changed, ((0, 0), (0, 0), (0, 1)), constant_values=True))
    place = (track * 128 + pitch) * (roll.shape[2] + 1) + onset
    duration = edges[np.searchsorted(edges, place, side="right")] - place if len(place) else place
    parts = [*tracks[: len(roll)], *(Track() for _ in range(len(roll) - len(tracks)))]
    programs = np.array([part.program for part in parts], np.int64)
    drums = np.array([part.is_drum for part in parts], bool)
    return Score(
        ticks_per_quarter=steps_per_quarter,
        tempos=np.array([(0, round(60e6 / quarters_per_minute))], TEMPO),
        notes=note_table(
            onset=onset, duration=duration, pitch=pitch, velocity=roll[track, pitch, onset], program=programs[track],
            channel=np.where(drums[track], DRUM_CHANNEL, 0), track=track,
        ),
        tracks=tuple(parts),
    )  # fmt: skip
