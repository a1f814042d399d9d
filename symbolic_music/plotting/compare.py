"""Which notes of a score are new."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from symbolic_music.score import Score

# Two notes are one note when their onsets are nearer than this: encodings and resolutions round times.
_STEP = 0.01


def absent_from(score: Score, original: Score) -> NDArray[np.bool_]:
    """Mask of the notes of `score` that `original` does not hold, shape (notes,).

    A note is held when one of the original has its instrument, pitch and onset (to 10 ms); each stands for one.
    """
    held: Counter[tuple[int, int, int]] = Counter(_keys(original))
    absent = np.zeros(len(score), bool)
    for i, (instrument, pitch, time) in enumerate(_keys(score)):
        # A rounded time can fall on either side of a step's border.
        for near in (time, time - 1, time + 1):
            if held[instrument, pitch, near] > 0:
                held[instrument, pitch, near] -= 1
                break
        else:
            absent[i] = True
    return absent


def _keys(score: Score) -> list[tuple[int, int, int]]:
    times = np.rint(score.onset_seconds / _STEP).astype(np.int64)
    return list(zip(score.instruments.tolist(), score.notes["pitch"].tolist(), times.tolist(), strict=True))
