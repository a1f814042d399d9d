"""Edits without a model, as pure functions: move, quantise, transpose notes; copy and delete bars; name chords."""

from symbolic_music.edits.bars import copy_bars, delete_bars, rearranged, splice
from symbolic_music.edits.harmony import chord_changes, estimated_chords
from symbolic_music.edits.notes import (
    add_notes,
    change_velocities,
    delete_notes,
    humanise,
    move_notes,
    quantise,
    rows_in,
    stretch_notes,
    swing,
    transpose_notes,
)
from symbolic_music.edits.tracks import change_track, remove_track

__all__ = [
    "add_notes",
    "change_track",
    "change_velocities",
    "chord_changes",
    "copy_bars",
    "delete_bars",
    "delete_notes",
    "estimated_chords",
    "humanise",
    "move_notes",
    "quantise",
    "rearranged",
    "remove_track",
    "rows_in",
    "splice",
    "stretch_notes",
    "swing",
    "transpose_notes",
]
