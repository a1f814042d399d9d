"""Compare notes with notes, as transcriptions are evaluated: onsets, pitches, offsets.

What is compared is taken to be aligned: the same piece, transcribed twice. Notes are compared by mir_eval, whose
conventions hold (Raffel et al. 2014): a note is found when one of its pitch begins within 50 ms, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score
from symbolic_music.theory import hertz


@dataclass(frozen=True)
class Transcription:
    """Notes of an estimate against those of a reference.

    Args:
        precision, recall, f1: of notes by onset and pitch.
        f1_offsets: F1 when a note must end alike too (within 50 ms or a fifth of its length).
        onset_error: mean absolute difference in milliseconds of the notes that were found.
        onset_f1: F1 of onsets at any pitch.
        pitch_error: mean absolute difference in semitones of notes paired by onset alone.
    """

    precision: float
    recall: float
    f1: float
    f1_offsets: float
    onset_error: float
    onset_f1: float
    pitch_error: float


def transcription(reference: Score, estimate: Score) -> Transcription:
    """Pitched notes of one score against another's, by mir_eval. Where neither has notes all is nan.

    Raises:
        MissingExtraError: without mir_eval.
    """
    matcher = _mir_eval()
    (ours, our_pitch), (theirs, their_pitch) = _notes(reference), _notes(estimate)
    nan = float("nan")
    if not len(ours) or not len(theirs):
        empty = nan if not len(ours) and not len(theirs) else 0.0
        return Transcription(empty, empty, empty, empty, nan, empty, nan)
    both = (ours, our_pitch, theirs, their_pitch)
    precision, recall, f1, _ = matcher.precision_recall_f1_overlap(*both, offset_ratio=None)
    with_offsets = matcher.precision_recall_f1_overlap(*both)[2]
    pairs = np.array(matcher.match_notes(*both, offset_ratio=None), np.int64).reshape(-1, 2)
    error = np.abs(ours[pairs[:, 0], 0] - theirs[pairs[:, 1], 0])
    _, _, onset_f1 = matcher.onset_precision_recall_f1(ours, theirs)
    at = np.array(matcher.match_note_onsets(ours, theirs), np.int64).reshape(-1, 2)
    steps = np.abs(12 * np.log2(their_pitch[at[:, 1]] / our_pitch[at[:, 0]]))
    return Transcription(
        float(precision),
        float(recall),
        float(f1),
        float(with_offsets),
        float(1000 * error.mean()) if len(error) else nan,
        float(onset_f1),
        float(steps.mean()) if len(steps) else nan,
    )


def _notes(score: Score) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intervals in seconds, shape (n, 2), and pitches in Hz; mir_eval needs positive durations."""
    pitched = score.notes["channel"] != DRUM_CHANNEL
    start, end = score.onset_seconds[pitched], score.offset_seconds[pitched]
    intervals = np.stack([start, np.maximum(end, start + 1e-3)], axis=1)
    return intervals, hertz(score.notes["pitch"][pitched].astype(np.float64))


def _mir_eval() -> Any:
    try:
        from mir_eval import transcription as matcher
    except ImportError:
        raise MissingExtraError("mir_eval", "evaluation") from None
    return matcher
