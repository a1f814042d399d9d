"""The notes of a piece as columns, from a score or from what symusic reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score


@dataclass(frozen=True)
class Sounding:
    """The notes of a piece as columns, in order of onset, each of shape (notes,); all times are ticks.

    Attributes:
        end: of the last note or controller.
        meter: numerator and denominator of the first time signature; 4/4 where there is none.
    """

    ticks_per_quarter: int
    onset: NDArray[np.int64]
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    is_drum: NDArray[np.bool_]
    end: int
    meter: tuple[int, int]


def sounding(score: Score) -> Sounding:
    """The columns of a score.

    Examples:
        >>> from symbolic_music.io.midi.sounding import sounding
        >>> sounding(song).meter
        (4, 4)
    """
    notes, meters = score.notes, score.meters
    return Sounding(
        score.ticks_per_quarter,
        notes["onset"].astype(np.int64),
        notes["duration"].astype(np.int64),
        notes["pitch"].astype(np.int64),
        notes["channel"] == DRUM_CHANNEL,
        max(score.end, int(score.controls["time"][-1]) if len(score.controls) else 0),
        (int(meters["numerator"][0]), int(meters["denominator"][0])) if len(meters) else (4, 4),
    )


def stacked(notes: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Onset, duration, pitch and track of the notes of symusic's tracks, (notes,) each, in order of onset."""
    columns = notes or [dict.fromkeys(("time", "duration", "pitch"), np.zeros(0, int))]
    onset, duration, pitch = (
        np.concatenate([one[name] for one in columns], dtype=np.int64) for name in ("time", "duration", "pitch")
    )
    track = np.repeat(np.arange(len(notes)), [len(one["time"]) for one in notes])
    order = np.argsort(onset, kind="stable")
    return onset[order], duration[order], pitch[order], track[order]


def first_meter(signatures: Any) -> tuple[int, int] | None:
    """The first of these; None where others, which differ, begin with it."""
    if not len(signatures):
        return 4, 4
    table = signatures.numpy()
    first = table["time"] == table["time"][0]
    found = {*zip(table["numerator"][first].tolist(), table["denominator"][first].tolist(), strict=True)}
    # The last of several counts, and symusic does not keep their order.
    return found.pop() if len(found) == 1 else None
