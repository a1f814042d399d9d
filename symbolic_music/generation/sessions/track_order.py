"""Which tracks of an edit are written together, and in which order."""

from __future__ import annotations

from symbolic_music.general_midi import BASSES
from symbolic_music.generation.limits import Limits
from symbolic_music.generation.sessions.base import Edit, Write
from symbolic_music.score import Score, Track

_CHORDS = range(32)


def layers(score: Score, edit: Edit, with_pedal: bool) -> list[list[int]]:
    """The written tracks: those that are written together, in the order in which they are.

    A band is written one part after another: basses, keys and guitars, others, and the drums to all of them. Where
    limits count the notes of all parts together, where the notes are there already, and with a pedal, the parts are
    written at once.
    """
    apart = isinstance(edit.task, Write) and not with_pedal and not _counts_together(edit.limits)
    tracks = set(edit.tracks)
    if not apart:
        return [sorted(tracks)]
    return [[track] for track in sorted(tracks, key=lambda track: (_turn(score.tracks[track]), track))]


def _counts_together(limits: Limits) -> bool:
    counts = limits.polyphony, limits.notes_per_bar, limits.notes_at_once, limits.end_on
    return any(one is not None for one in counts) or bool(limits.given_pitches) or limits.no_repeats


def _turn(track: Track) -> int:
    if track.is_drum:
        return 3
    return 0 if track.program in BASSES else 1 if track.program in _CHORDS else 2
