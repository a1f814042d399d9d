"""Estimate chord symbols of a score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# Intervals above the root, and what it costs to call a chord so, as a share of the weight of all notes.
KINDS: dict[str, tuple[tuple[int, ...], float]] = {
    "": ((0, 4, 7), 0.0),
    "m": ((0, 3, 7), 0.0),
    "7": ((0, 4, 7, 10), 0.10),
    "m7": ((0, 3, 7, 10), 0.10),
    "maj7": ((0, 4, 7, 11), 0.12),
    "dim": ((0, 3, 6), 0.06),
    "m7b5": ((0, 3, 6, 10), 0.14),
    "sus4": ((0, 5, 7), 0.12),
    "aug": ((0, 4, 8), 0.12),
}
# What notes outside a chord cost, what the root in the bass is worth, and what another chord than the last costs.
_OUTSIDE, _BASS, _CHANGE = 0.9, 0.25, 0.18
# At most this many bars are looked at: a damaged file can have a hundred thousand, and takes kilobytes a bar.
_MOST_BARS = 10_000
Weights = NDArray[np.float64]


def estimated_chords(score: Score) -> tuple[tuple[float, str], ...]:
    """(bar, name) where a chord begins, as `generation.Limits.chords` takes them; "-" where no notes are.

    Looked at in halves of bars (whole bars, where the meter's upper number is odd). A chord is worth the weight of its
    notes that sound there, less that of the others, a little more where its root is the lowest; the sequence that is
    worth most is found, where each change has a price (Viterbi). Weights are durations times velocities. What
    follows the first 10,000 bars has no chords.

    Returns:
        Changes sorted by bar: 8.5 is the middle of bar 8. Names are those of `generation.Limits`.
    """
    return tuple((place, name) for _, place, name in _changes(score))


def chord_changes(score: Score) -> tuple[tuple[int, str], ...]:
    """The changes of `estimated_chords`, each at its tick in the place of its bar.

    Examples:
        >>> sm.edits.chord_changes(song)[:2]
        ((0, 'C'), (1920, 'Am'))
    """
    return tuple((tick, name) for tick, _, name in _changes(score))


def _changes(score: Score) -> list[tuple[int, float, str]]:
    """Tick, bar and name of each change."""
    edges, places = _slots(score)
    if len(edges) < 2:
        return []
    weights, bass = _chroma(score, edges)
    labels = [(root, kind) for root in range(12) for kind in KINDS]
    worth = np.stack([_worth(weights, bass, root, *KINDS[kind]) for root, kind in labels], axis=1)
    silent = weights.sum(axis=1) == 0
    path = _best_path(np.where(silent[:, None], 0.0, worth))
    out: list[tuple[int, float, str]] = []
    for tick, place, label, is_silent in zip(edges[:-1].tolist(), places, path, silent, strict=True):
        name = "-" if is_silent else NAMES[labels[label][0]] + labels[label][1]
        if not out or out[-1][2] != name:
            out.append((tick, place, name))
    return out


def _slots(score: Score) -> tuple[NDArray[np.int64], list[float]]:
    """Ticks at which halves or whole bars begin, with the end; and the bars that these are, from 1."""
    lines = score.bars()
    if not len(lines):
        return np.zeros(0, np.int64), []
    after = np.append(lines[1:], max(score.end, int(lines[-1]) + 1))[:_MOST_BARS]
    lines = lines[:_MOST_BARS]
    starts, places = [], []
    index = np.searchsorted(score.meters["time"], lines, side="right") - 1
    for number, (first, last, at) in enumerate(zip(lines.tolist(), after.tolist(), index.tolist(), strict=True)):
        upper = int(score.meters["numerator"][at]) if at >= 0 else 4
        starts.append(first)
        places.append(float(number + 1))
        if upper % 2 == 0 and last - first >= 2 * score.ticks_per_quarter:
            starts.append((first + last) // 2)
            places.append(number + 1.5)
    return np.array([*starts, after[-1]], np.int64), places


def _chroma(score: Score, edges: NDArray[np.int64]) -> tuple[Weights, NDArray[np.int64]]:
    """Weight of each pitch class in each slot, (slots, 12), and the class of the lowest note (-1 for none)."""
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    slots = len(edges) - 1
    weights, lowest = np.zeros((slots, 12)), np.full(slots, 128)
    onset = notes["onset"].astype(np.int64)
    end = onset + notes["duration"]
    first = np.searchsorted(edges, onset, side="right") - 1
    last = np.minimum(np.searchsorted(edges, end, side="left"), slots)
    for step in range(int((last - first).max(initial=0))):
        own = np.flatnonzero((first + step < last) & (first + step < slots))
        slot = first[own] + step
        shared = np.minimum(end[own], edges[slot + 1]) - np.maximum(onset[own], edges[slot])
        np.add.at(weights, (slot, notes["pitch"][own] % 12), shared * (notes["velocity"][own] / 127.0))
        # A note that only hangs over a line is no bass of what follows.
        heavy = own[shared * 4 >= edges[slot + 1] - edges[slot]]
        np.minimum.at(lowest, first[heavy] + step, notes["pitch"][heavy].astype(np.int64))
    return weights, np.where(lowest < 128, lowest % 12, -1)


def _worth(weights: Weights, bass: NDArray[np.int64], root: int, intervals: tuple[int, ...], price: float) -> Weights:
    """The score of a chord in each slot, (slots,), as a share of the weight there."""
    total = np.maximum(weights.sum(axis=1), 1e-9)
    member = np.zeros(12)
    member[[(root + interval) % 12 for interval in intervals]] = 1
    inside = weights @ member / total
    # A triad all of whose notes sound is a better guess than one note three times.
    present = (weights[:, member > 0] > 0.04 * total[:, None]).mean(axis=1)
    return np.asarray(inside - _OUTSIDE * (1 - inside) + 0.3 * present + _BASS * (bass == root) - price)


def _best_path(worth: Weights) -> list[int]:
    """The sequence of labels that is worth most, of (slots, labels), where each change costs."""
    slots, labels = worth.shape
    best, came = worth[0].copy(), np.zeros((slots, labels), np.int64)
    for slot in range(1, slots):
        top = int(best.argmax())
        stays = best >= best[top] - _CHANGE
        came[slot] = np.where(stays, np.arange(labels), top)
        best = np.where(stays, best, best[top] - _CHANGE) + worth[slot]
    path = [int(best.argmax())]
    for slot in range(slots - 1, 0, -1):
        path.append(int(came[slot][path[-1]]))
    return path[::-1]
