"""A score as features of codec frames: the condition of a codec language model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError
from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score

# Drum keys with a sound of their own; others share the ends.
_DRUMS = range(27, 88)
_FAMILIES = 16
SOUNDING, ONSETS = 0, 128
FAMILIES = ONSETS + 128
DRUMS = FAMILIES + _FAMILIES
FEATURES = DRUMS + len(_DRUMS)


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
    starts, ends = score.onset_seconds, score.seconds(score.notes["onset"].astype(np.int64) + score.notes["duration"])
    count = max(1, frame_count(score, frame_rate) - first) if frames is None else frames
    out = np.zeros((count, FEATURES), np.float32)
    begins = np.floor(starts * frame_rate + 1e-6).astype(int) - first
    stops = np.maximum(np.ceil(ends * frame_rate - 1e-6).astype(int) - first, begins + 1)
    instruments = score.instruments
    stops = np.where(instruments == DRUM_INSTRUMENT, begins + 1, stops)
    for i in np.flatnonzero((begins < count) & (stops > 0)):
        note = score.notes[i]
        level, pitch = note["velocity"] / 127, int(note["pitch"])
        span = slice(max(0, begins[i]), stops[i])
        if instruments[i] == DRUM_INSTRUMENT:
            columns = [DRUMS + min(max(pitch, _DRUMS[0]), _DRUMS[-1]) - _DRUMS[0]]
        else:
            columns = [SOUNDING + pitch, FAMILIES + int(instruments[i]) // 8]
            if begins[i] >= 0:
                out[begins[i], ONSETS + pitch] = max(out[begins[i], ONSETS + pitch], level)
        for column in columns:
            np.maximum(out[span, column], level, out=out[span, column])
    return out


def frame_count(score: Score, frame_rate: float) -> int:
    """Frames until the last note ends."""
    ends = score.seconds(score.notes["onset"].astype(np.int64) + score.notes["duration"])
    return max(1, math.ceil(float(ends.max(initial=0.0)) * frame_rate))
