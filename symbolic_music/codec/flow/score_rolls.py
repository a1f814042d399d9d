"""A score as rolls of frames, which pitches sound in which family of instruments: the condition of a flow decoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.codec.note_frames import DRUM_KEYS, FAMILIES, framed_notes
from symbolic_music.score import Score
from symbolic_music.synthesis.mixing.controllers import held_until

LOWEST, PITCHES = 21, 88
ONSETS = FAMILIES * PITCHES
DRUMS = ONSETS + PITCHES
ROLLS = DRUMS + len(DRUM_KEYS)


def sustained(score: Score) -> Score:
    """The score with notes as long as the sustain pedal holds them."""
    notes = score.notes.copy()
    ends = np.rint(score.ticks(held_until(score))).astype(np.int64)
    notes["duration"] = np.maximum(notes["duration"], ends - notes["onset"])
    return score.replace(notes=notes)


def score_rolls(score: Score, frame_rate: float, count: int, first: int = 0) -> NDArray[np.float32]:
    """Rolls of frames, (count, ROLLS), in 0..1; zeros before frame 0 and after the last note.

    Of each family of programs the loudest velocity of each pitch of the piano that sounds; of each pitch the loudest
    that begins in the frame; of each drum the loudest stroke. Velocities are divided by 127. Pitches beyond the piano's
    are left out.

    Args:
        score: as `sustained` gives it, where there are pedals.
        frame_rate: frames a second.
        count: of frames.
        first: the frame to begin with.
    """
    out = np.zeros((count, ROLLS), np.float32)
    for note in framed_notes(score, frame_rate, count, first):
        key = note.pitch - LOWEST
        if note.drum is not None:
            column = DRUMS + note.drum
        elif 0 <= key < PITCHES:
            column = note.family * PITCHES + key
            if note.onset is not None:
                out[note.onset, ONSETS + key] = max(out[note.onset, ONSETS + key], note.level)
        else:
            continue
        np.maximum(out[note.frames, column], note.level, out=out[note.frames, column])
    return out
