"""MusDr's metrics of a piece (Wu and Yang 2020, section 5): entropy of pitch classes, groove, chords, structure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from symbolic_music.evaluation.features.structure import structureness
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score
from symbolic_music.tokenizers.chords.remi import window_chords

# Positions of a bar at which onsets are distinguished.
POSITIONS = 64
# Bars of short, middle and long segments; at 120 quarters a minute MusDr's 3 to 8, 8 to 15 and over 15 seconds.
LENGTHS = {"structureness_short": (2, 4), "structureness_middle": (4, 8), "structureness_long": (8, None)}


def features(score: Score) -> Mapping[str, float]:
    """All of them: pitch_class_entropy_1 and _4 (bars), groove_similarity, chord_irregularity, structureness."""
    found = {f"pitch_class_entropy_{bars}": pitch_class_entropy(score, bars) for bars in (1, 4)}
    found["groove_similarity"] = groove_similarity(score)
    found["chord_irregularity"] = chord_irregularity(score)
    return found | {name: structureness(score, *lengths) for name, lengths in LENGTHS.items()}


def pitch_class_entropy(score: Score, bars: int) -> float:
    """Entropy in bits of the pitch classes of this many bars, the mean over all such stretches that have notes.

    In a shorter piece the whole is one stretch; nan without notes.
    """
    lines, bar = _bars(score)
    pitched = score.notes["channel"] != DRUM_CHANNEL
    if not pitched.any():
        return math.nan
    codes = bar[pitched] * 12 + score.notes["pitch"][pitched] % 12
    counts = np.bincount(codes, minlength=12 * len(lines)).reshape(-1, 12)
    sums = sliding_window_view(counts, min(bars, len(counts)), axis=0).sum(axis=-1)
    sums = sums[sums.sum(axis=1) > 0]
    shares = sums / sums.sum(axis=1, keepdims=True)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return float(-(shares * logs).sum(axis=1).mean())


def groove_similarity(score: Score) -> float:
    """Mean over all pairs of bars of the share of 64 positions at which both or neither has an onset.

    All pairs are taken, where MusDr draws a thousand. nan for fewer than two bars.
    """
    lines, bar = _bars(score)
    if len(lines) < 2:
        return math.nan
    lengths = np.diff(np.append(lines, lines[-1] + (lines[-1] - lines[-2])))
    place = (score.notes["onset"] - lines[bar]) * POSITIONS // lengths[bar]
    grid = np.zeros((len(lines), POSITIONS), bool)
    grid[bar, np.minimum(place, POSITIONS - 1)] = True
    # Of the bars with an onset at a position, and those without, each pair of unlike ones differs there.
    with_onset = grid.sum(axis=0).astype(np.float64)
    differing = (with_onset * (len(lines) - with_onset)).sum()
    return float(1 - differing / (len(lines) * (len(lines) - 1) / 2 * POSITIONS))


def chord_irregularity(score: Score) -> float:
    """Share of different ones among the trigrams of the chords: 1 when no three chords in a row come back.

    Chords are those of `tokenizers.chords.remi`, each different from the one before. MusDr's count leaves the last
    trigram out, and so does this. 1 for three chords or fewer.
    """
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    start = notes["onset"].astype(np.int64)
    found = window_chords(start, start + notes["duration"], notes["pitch"].astype(np.int64), score.ticks_per_quarter)[1]
    chords = found[np.append(True, found[1:] != found[:-1])] if len(found) else found
    if len(chords) <= 3:
        return 1.0
    trigrams = sliding_window_view(chords, 3)[:-1]
    return len(np.unique(trigrams, axis=0)) / len(trigrams)


def _bars(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ticks of the bar lines, and the bar of each note."""
    lines = score.bars(max(score.end, 1))
    bar = np.clip(np.searchsorted(lines, score.notes["onset"], side="right") - 1, 0, len(lines) - 1)
    return lines, bar.astype(np.int64)
