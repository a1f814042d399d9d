"""Compare audio with audio and notes with notes: spectra, loudness, onsets, pitches, transcription.

What is compared is taken to be aligned: the same piece, rendered or transcribed twice. Notes are compared by mir_eval,
whose conventions hold (Raffel et al. 2014): a note is found when one of its pitch begins within 50 ms, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EvaluationError, MissingExtraError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.theory import hertz

# Sizes of the transforms of the spectral distance, with three quarters of overlap (Engel et al. 2020, section 4.2.1).
SIZES = (2048, 1024, 512, 256, 128, 64)
_QUIET = 1e-7
Signal = NDArray[np.float64]


def validate(first: Audio, second: Audio) -> None:
    """EvaluationError unless both have the same sample rate and at least a window of samples."""
    if first.sample_rate != second.sample_rate:
        raise EvaluationError(f"sample rates differ: {first.sample_rate} and {second.sample_rate} Hz")
    if min(first.samples.shape[1], second.samples.shape[1]) < SIZES[0]:
        raise EvaluationError(f"sound of at least {SIZES[0]} samples is compared")


def spectral_distance(first: Audio, second: Audio) -> float:
    """Multi-scale spectral distance of the mono sums: mean absolute difference of magnitudes, plus that of their logs.

    The mean over six sizes, as DDSP's loss (Engel et al. 2020); the shorter sound is padded with silence.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    length = max(first.samples.shape[1], second.samples.shape[1])
    one, other = (_mono(audio, length) for audio in (first, second))
    out = []
    for size in SIZES:
        a, b = _magnitudes(one, size), _magnitudes(other, size)
        out.append(np.abs(a - b).mean() + np.abs(np.log(a + _QUIET) - np.log(b + _QUIET)).mean())
    return float(np.mean(out))


def loudness_difference(first: Audio, second: Audio, window: float = 0.1) -> float:
    """Mean absolute difference in decibels of the levels in windows of a tenth of a second, where either sounds.

    A level is the root of the mean square, at least -80 dB.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(first, second)
    length = max(first.samples.shape[1], second.samples.shape[1])
    size = max(1, round(window * first.sample_rate))
    levels = []
    for audio in (first, second):
        mono = _mono(audio, -(-length // size) * size).reshape(-1, size)
        levels.append(20 * np.log10(np.maximum(np.sqrt((mono**2).mean(axis=1)), 1e-4)))
    sounds = np.maximum(*levels) > -80
    return float(np.abs(levels[0] - levels[1])[sounds].mean()) if sounds.any() else 0.0


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


def _mono(audio: Audio, length: int) -> Signal:
    mono = audio.samples.mean(axis=0, dtype=np.float64)
    return np.pad(mono, (0, length - len(mono)))


def _magnitudes(signal: Signal, size: int) -> Signal:
    """Magnitudes of a short-time Fourier transform, relative to a full-scale sine: (frames, size / 2 + 1)."""
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[:: size // 4]
    return np.asarray(np.abs(np.fft.rfft(frames * window, axis=1)) / (window.sum() / 2))


def _notes(score: Score) -> tuple[Signal, Signal]:
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
