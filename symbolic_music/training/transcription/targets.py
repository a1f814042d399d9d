"""What a transcriber is to find in each frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbolic_music.transcription.network import LOWEST, PITCHES

# Frames on either side of an onset that have a part of it, by a straight line down to nothing (Kong et al.,
# "High-resolution Piano Transcription with Pedals by Regressing Onset and Offset Times", 2021, section III).
SPREAD = 2.5
Notes = NDArray[np.float32]  # (k, 4): onset and offset in frames, pitch, velocity
Targets = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def targets(notes: Notes, frames: int) -> Targets:
    """Onsets, what sounds, and velocities of 0 to 1, each (frames, 88); velocities stand where onsets are."""
    onset, frame, velocity = (np.zeros((frames, PITCHES), np.float32) for _ in range(3))
    for start, end, pitch, strength in notes.tolist():
        key = round(pitch) - LOWEST
        if not 0 <= key < PITCHES or end <= 0 or start >= frames:
            continue
        frame[max(0, round(start)) : max(0, round(start)) + max(1, round(end) - max(0, round(start))), key] = 1
        near = np.arange(max(0, int(np.ceil(start - SPREAD))), min(frames, int(np.floor(start + SPREAD)) + 1))
        part = (1 - np.abs(near - start) / SPREAD).astype(np.float32)
        nearer = part > onset[near, key]
        onset[near[nearer], key], velocity[near[nearer], key] = part[nearer], strength / 127
    return onset, frame, velocity
