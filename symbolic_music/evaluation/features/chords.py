"""How far two pieces have the same chords, beat by beat: chord accuracy (Ren et al. 2020, PopMAG, section 4.2).

The paper compares measures; here, as chords change within them, quarters. Chords are those of the recogniser of the
compound words' authors (`tokenizers.chords.compound_word`), drums left out. smg-metrics' chord *similarity* is the
angle between vectors of a trained encoder (EC2-VAE), whose weights this library does not have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score
from symbolic_music.tokenizers.chords.compound_word import beat_chords


def accuracy(score: Score, reference: Score) -> Mapping[str, float]:
    """Shares of the quarters of the reference that have a chord in which a piece has the same one.

    Returns:
        chord_accuracy: root and quality are the same; chord_root_accuracy: the root is. nan where the reference has no
        chords.

    Examples:
        >>> from symbolic_music.evaluation.features import chords
        >>> chords.accuracy(song, song)["chord_accuracy"]
        1.0
    """
    mine, theirs = _chords(score), _chords(reference)
    count = max(mine.shape[1], theirs.shape[1])
    mine, theirs = (np.pad(one, ((0, 0), (0, count - one.shape[1])), constant_values=-1) for one in (mine, theirs))
    has_chord = theirs[0] >= 0
    if not has_chord.any():
        return {"chord_accuracy": math.nan, "chord_root_accuracy": math.nan}
    same = (mine == theirs)[:, has_chord]
    return {"chord_accuracy": float(same.all(axis=0).mean()), "chord_root_accuracy": float(same[0].mean())}


def _chords(score: Score) -> NDArray[np.int64]:
    """Root and quality of each quarter, (2, quarters); -1 where there is no chord."""
    notes = score.notes[score.notes["channel"] != DRUM_CHANNEL]
    start = notes["onset"].astype(np.int64)
    columns = (start, start + notes["duration"], notes["pitch"].astype(np.int64))
    root, quality, _ = beat_chords(*columns, score.ticks_per_quarter)
    return np.stack([root, quality])
