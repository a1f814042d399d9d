"""Change the name, program and loudness of a track; remove tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symbolic_music.errors import OptionError
from symbolic_music.general_midi import DRUM_CHANNEL, DRUM_INSTRUMENT
from symbolic_music.score import CONTROL, Score, joined
from symbolic_music.transforms import check_tracks, select_tracks

_VOLUME = 7


def change_track(score: Score, track: int, *, name: str | None = None, instrument: int | None = None,
                 volume: int | None = None) -> Score:  # fmt: skip
    """A track with another name, another instrument for all its notes (128 for drums), or another volume throughout.

    Raises:
        RegionError: for a track that is not there.
        OptionError: for an instrument that MIDI has not, or a volume outside 0 to 127.
    """
    (number,) = check_tracks(score, [track])
    described, notes, controls = score.tracks[number], score.notes, score.controls
    if name is not None:
        described = replace(described, name=name)
    if instrument is not None:
        if not 0 <= instrument <= DRUM_INSTRUMENT:
            raise OptionError(f"an instrument is 0 to 127, or 128 for drums, not {instrument}")
        is_drum = instrument == DRUM_INSTRUMENT
        program = 0 if is_drum else instrument
        notes = notes.copy()
        own = notes["track"] == number
        notes["program"][own] = program
        if is_drum != described.is_drum:
            used = set(notes["channel"][~own].tolist()) | {DRUM_CHANNEL}
            free = next((channel for channel in range(16) if channel not in used), number % DRUM_CHANNEL)
            notes["channel"][own] = DRUM_CHANNEL if is_drum else free
        described = replace(described, program=program, is_drum=is_drum)
    if volume is not None:
        if not 0 <= volume <= 127:
            raise OptionError(f"a volume is 0 to 127, not {volume}")
        others = controls[~((controls["track"] == number) & (controls["number"] == _VOLUME))]
        controls = joined([np.array([(0, _VOLUME, volume, number)], CONTROL), others], CONTROL)
    tracks = tuple(described if i == number else one for i, one in enumerate(score.tracks))
    return score.replace(notes=notes, controls=controls, tracks=tracks)


def remove_track(score: Score, track: int) -> Score:
    """Without a track; those after it move up.

    Raises:
        RegionError: for a track that is not there.
    """
    (number,) = check_tracks(score, [track])
    return select_tracks(score, [i for i in range(len(score.tracks)) if i != number])
