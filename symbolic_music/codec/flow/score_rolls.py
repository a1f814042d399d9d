"""A score as rolls of frames, which pitches sound in which family of instruments: the condition of a flow decoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score
from symbolic_music.synthesis.mixing.controllers import held_until

LOWEST, PITCHES = 21, 88
FAMILIES = 16  # of General MIDI programs
_DRUMS = range(27, 88)
ONSETS = FAMILIES * PITCHES
DRUMS = ONSETS + PITCHES
ROLLS = DRUMS + len(_DRUMS)


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
    begins = np.floor(score.onset_seconds * frame_rate + 1e-6).astype(np.int64) - first
    stops = np.maximum(np.ceil(score.offset_seconds * frame_rate - 1e-6).astype(np.int64) - first, begins + 1)
    instruments, pitches = score.instruments, score.notes["pitch"].astype(np.int64)
    drums = instruments == DRUM_INSTRUMENT
    stops = np.where(drums, begins + 1, stops)
    for i in np.flatnonzero((begins < count) & (stops > 0)):
        level, pitch = score.notes["velocity"][i] / 127, int(pitches[i])
        if drums[i]:
            columns = [DRUMS + min(max(pitch, _DRUMS[0]), _DRUMS[-1]) - _DRUMS[0]]
        elif LOWEST <= pitch < LOWEST + PITCHES:
            columns = [int(instruments[i]) // 8 * PITCHES + pitch - LOWEST]
            if begins[i] >= 0:
                onset = out[begins[i], ONSETS : ONSETS + PITCHES]
                onset[pitch - LOWEST] = max(onset[pitch - LOWEST], level)
        else:
            continue
        span = slice(max(0, begins[i]), stops[i])
        for column in columns:
            np.maximum(out[span, column], level, out=out[span, column])
    return out
