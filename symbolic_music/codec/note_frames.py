"""The notes of a score in frames, for networks that are conditioned on a score frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from symbolic_music.general_midi import DRUM_INSTRUMENT
from symbolic_music.score import Score

FAMILIES = 16  # of General MIDI programs
# Drum keys with a sound of their own; others share the ends.
DRUM_KEYS = range(27, 88)


class FramedNote(NamedTuple):
    """A note: the frames in which it sounds, the one in which it begins if that is among them, its velocity / 127.

    A stroke of a drum sounds in one frame; `drum` is its place in DRUM_KEYS, None for other notes.
    """

    frames: slice
    onset: int | None
    level: float
    pitch: int
    family: int
    drum: int | None


def framed_notes(score: Score, frame_rate: float, count: int, first: int = 0) -> Iterator[FramedNote]:
    """The notes that sound in some frames, each in one frame at least.

    Args:
        score: the notes.
        frame_rate: frames a second.
        count: of frames.
        first: the frame to begin with, which is frame 0 of what is yielded.
    """
    begins = np.floor(score.onset_seconds * frame_rate + 1e-6).astype(np.int64) - first
    stops = np.maximum(np.ceil(score.offset_seconds * frame_rate - 1e-6).astype(np.int64) - first, begins + 1)
    instruments, notes = score.instruments, score.notes
    stops = np.where(instruments == DRUM_INSTRUMENT, begins + 1, stops)
    for i in np.flatnonzero((begins < count) & (stops > 0)).tolist():
        begin, pitch, instrument = int(begins[i]), int(notes["pitch"][i]), int(instruments[i])
        key = min(max(pitch, DRUM_KEYS[0]), DRUM_KEYS[-1]) - DRUM_KEYS[0]
        yield FramedNote(
            frames=slice(max(0, begin), int(stops[i])),
            onset=begin if begin >= 0 else None,
            level=int(notes["velocity"][i]) / 127,
            pitch=pitch,
            family=instrument // 8,
            drum=key if instrument == DRUM_INSTRUMENT else None,
        )
