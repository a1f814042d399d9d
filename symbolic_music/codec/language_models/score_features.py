"""A score as features of codec frames: the condition of a codec language model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from symbolic_music.codec import note_frames
from symbolic_music.errors import EmptyScoreError
from symbolic_music.score import Score

SOUNDING, ONSETS = 0, 128
FAMILIES = ONSETS + 128
DRUMS = FAMILIES + note_frames.FAMILIES
FEATURES = DRUMS + len(note_frames.DRUM_KEYS)


def score_frames(score: Score, frame_rate: float, frames: int | None = None, first: int = 0) -> NDArray[np.float32]:
    """Features of each frame, (T, FEATURES), in 0..1.

    Of each pitch the loudest velocity that sounds, and that begins, in the frame; of each family of General MIDI
    programs the loudest that sounds; of each drum the loudest stroke. Velocities are divided by 127. Pedals do not
    lengthen notes.

    Args:
        score: with notes.
        frame_rate: of the codec.
        frames: T; as many as the notes last when omitted.
        first: the frame to begin with; those before 0 and after the end are zeros.

    Raises:
        EmptyScoreError: when there is no note.

    Examples:
        >>> sm.codec.score_frames(melody, frame_rate=75.0).shape
        (599, 333)
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes")
    count = max(1, frame_count(score, frame_rate) - first) if frames is None else frames
    out = np.zeros((count, FEATURES), np.float32)
    for note in note_frames.framed_notes(score, frame_rate, count, first):
        if note.drum is not None:
            columns = [DRUMS + note.drum]
        else:
            columns = [SOUNDING + note.pitch, FAMILIES + note.family]
            if note.onset is not None:
                out[note.onset, ONSETS + note.pitch] = max(out[note.onset, ONSETS + note.pitch], note.level)
        for column in columns:
            np.maximum(out[note.frames, column], note.level, out=out[note.frames, column])
    return out


def frame_count(score: Score, frame_rate: float) -> int:
    """Frames until the last note ends."""
    return max(1, math.ceil(float(score.offset_seconds.max(initial=0.0)) * frame_rate))
