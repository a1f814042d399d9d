"""Chord recognition of REMI's authors: windows of two and four beats scored against five qualities.

Source: Huang & Yang 2020 (arXiv 2002.00212), section 3.4 and the rules of its code.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import RegionError

Ints = NDArray[np.int64]
Pitches = NDArray[np.uint8]

ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
QUALITIES = ("maj", "min", "dim", "aug", "dom")
NO_CHORD = len(ROOTS) * len(QUALITIES)  # the class of silence, "N:N"
NAMES = (*(f"{root}:{quality}" for root in ROOTS for quality in QUALITIES), "N:N")
MAX_BEATS = 100_000
_SILENT = 255
_LONG = 64  # beats
_BITS = (1 << np.arange(12)).astype(np.float32)
_UNFIT = -100  # score of a root with no third, or with both
# For each quality what a pitch class that many semitones above the root adds. Its own notes add nothing.
_WEIGHTS = np.array(
    [
        # 0  1   2   3   4   5   6   7   8   9  10  11
        [0, -2, -1, -2, 0, -1, -2, 1, -2, -1, -2, 0],  # maj
        [0, -2, -1, 0, -2, -1, -2, 1, -1, -2, 0, -2],  # min
        [0, -2, -1, 0, -2, -1, 0, -2, -2, 1, -1, -2],  # dim
        [0, -2, -1, -2, 0, -1, -2, -2, 0, -1, -2, 0],  # aug
        [0, -2, -1, -2, 0, -1, -2, 0, -2, -1, 0, -2],  # dom
    ]
)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """For each set of pitch classes (12 bits): the best score, the roots that have it, and the quality of each root.

    Shapes (4096,), (4096, 12), (4096, 12).
    """
    sets = (np.arange(4096)[:, None] >> np.arange(12) & 1).astype(bool)
    score = np.full((4096, 12), -127)
    quality = np.zeros((4096, 12), np.int64)
    for root in range(12):
        above = np.roll(sets, -root, axis=1)
        minor, major = above[:, 3], above[:, 4]
        kind = np.where(
            minor, np.where(above[:, 6], 2, 1), np.where(above[:, 8], 3, np.where(above[:, 7] & above[:, 10], 4, 0))
        )
        points = (above * _WEIGHTS[kind]).sum(axis=1)
        score[:, root] = np.where(above[:, 0], np.where(minor ^ major, points, _UNFIT), -127)
        quality[:, root] = kind
    top = score.max(axis=1)
    return top, score == top[:, None], quality


def window_chords(start: Ints, end: Ints, pitch: Ints, beat: int = 480) -> tuple[Ints, Ints]:
    """Chords that cover a piece, each two or four beats long.

    From the start on, of the windows of four and of two beats the one whose best root scores higher is taken (the
    longer on a tie). A root scores by its quality: for major and minor the fifth +1, foreign notes -1 or -2; among
    equal roots the one that sounds lowest wins. Windows with no fitting root join the chord before them.

    Args:
        start, end, pitch: of the notes, in ticks, shape (notes,).
        beat: ticks a beat.

    Raises:
        RegionError: when they last more than MAX_BEATS.

    Returns:
        Ticks at which chords begin (multiples of `beat`) and their classes (index into NAMES).
    """
    none = np.zeros(0, np.int64)
    if not len(start) or int(end.max()) <= 0:
        return none, none
    last = int(end.max())
    beats = -(-last // beat)
    if beats > MAX_BEATS:
        raise RegionError(f"chords are looked for in at most {MAX_BEATS:,} beats, not {beats:,}: clip the score first")
    one = _lowest(start, end, pitch, beat, beats)
    two = np.minimum(one, _later(one, 1))
    four = np.minimum(two, _later(two, 2))
    best = {2: _best(two), 4: _best(four)}
    score = {length: found[0].tolist() for length, found in best.items()}
    chord = {length: found[1].tolist() for length, found in best.items()}
    times: list[int] = []
    classes: list[int] = []
    at, waiting = 0, 0
    while at < beats:
        # Where the piece ends both windows are one.
        length = 4 if score[4][at] >= score[2][at] else 2
        found = chord[length][at]
        if found >= 0:
            times.append((waiting if not classes else at) * beat)
            classes.append(found)
        at += length
    return np.array(times, np.int64), np.array(classes, np.int64)


def _lowest(start: Ints, end: Ints, pitch: Ints, beat: int, beats: int) -> Pitches:
    """The lowest sounding pitch of each pitch class in each beat, _SILENT where there is none; shape (beats, 12)."""
    first = start // beat
    count = (end - 1) // beat - first + 1
    count[end <= start] = 0
    lowest = np.full(beats * 12, _SILENT, np.uint8)
    if len(count) and count.max() > _LONG:
        long = count > _LONG
        lowest = _lowest_of_long(first[long], count[long], pitch[long], beats).ravel()
        count[long] = 0
    # A row for each note in each of its beats.
    note = np.repeat(np.arange(len(count)), count)
    at = np.arange(len(note)) + (first - np.cumsum(count) + count)[note]
    sounding = pitch[note]
    np.minimum.at(lowest, 12 * at + sounding % 12, sounding.astype(np.uint8))
    return lowest.reshape(beats, 12)


def _lowest_of_long(first: Ints, count: Ints, pitch: Ints, beats: int) -> Pitches:
    """The lowest pitches of notes over many beats, for which a row for each beat would be too many."""
    change = np.zeros((beats + 1, 132), np.int16)
    np.add.at(change, (first, pitch), 1)
    np.add.at(change, (first + count, pitch), -1)
    sounding = np.cumsum(change[:-1], axis=0, dtype=np.int16).reshape(beats, 11, 12) > 0
    lowest = sounding.argmax(axis=1) * 12 + np.arange(12)
    return np.where(sounding.any(axis=1), lowest, _SILENT).astype(np.uint8)


def _later(lowest: Pitches, by: int) -> Pitches:
    out = np.full_like(lowest, _SILENT)
    out[:-by] = lowest[by:]
    return out


def _best(lowest: Pitches) -> tuple[Ints, Ints]:
    """Score and class of the best chord of each window; -1 where no root fits, NO_CHORD in silence."""
    sets = ((lowest < _SILENT).astype(np.float32) @ _BITS).astype(np.int64)
    tops, best_roots, qualities = _tables()
    top = tops[sets]
    root = np.where(best_roots[sets], lowest, _SILENT).argmin(axis=1)
    found = root * len(QUALITIES) + qualities[sets, root]
    found[top == _UNFIT] = -1
    silent = sets == 0
    found[silent], top[silent] = NO_CHORD, 0
    return top, found
