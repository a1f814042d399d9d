"""The colour of each note: by track, stronger if louder, pale if given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbolic_music.plotting.colours import DRUM_COLOUR, Colour, rgb, track_colour
from symbolic_music.score import Score

# Notes closer than this on average leave no room for outlines.
_CROWDED = 25.0  # notes a second


@dataclass(frozen=True)
class Shades:
    """Faces and edges RGBA (notes, 4), widths of edges in points (notes,); what the legend has to explain.

    `tracks` are those that have notes, in order, and `colours` theirs.
    """

    face: NDArray[np.float64]
    edge: NDArray[np.float64]
    width: NDArray[np.float64]
    tracks: tuple[int, ...]
    colours: tuple[Colour, ...]
    marked: bool
    loudness: bool

    def of(self, notes: NDArray[np.bool_]) -> Shades:
        """The shades of some of the notes."""
        return Shades(
            self.face[notes], self.edge[notes], self.width[notes], self.tracks, self.colours, self.marked, self.loudness
        )


def strong(colour: Colour, strength: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """A colour between white (strength 0) and itself (1): shape (..., 3)."""
    return np.asarray(1 - np.asarray(strength)[..., None] * (1 - colour))


def shades_of(score: Score, generated: NDArray[np.bool_] | None) -> Shades:
    """The shades of all notes of a score."""
    notes = score.notes
    tracks = tuple(int(t) for t in np.unique(notes["track"]))
    colours = []
    pitched = 0
    for track in tracks:
        if score.tracks[track].is_drum:
            colours.append(rgb(DRUM_COLOUR))
        else:
            colours.append(track_colour(pitched))
            pitched += 1
    base = np.stack(colours)[np.searchsorted(tracks, notes["track"])]
    velocity = notes["velocity"] / 127.0
    loudness = bool(np.ptp(velocity) > 0.08)
    strength = 0.25 + 0.75 * velocity if loudness else np.full(len(notes), 0.92)
    edge, width = np.ones((len(notes), 3)), np.full(len(notes), 0.4)
    if generated is not None:
        # Given notes keep their hue, paler; generated ones are full and outlined.
        strength = np.where(generated, 0.6 + 0.4 * strength, 0.48 * strength)
        edge = np.where(generated[:, None], base * 0.35, 1.0)
        width = np.where(generated, 0.9, 0.4)
    if len(notes) > _CROWDED * max(score.duration, 1.0):
        width = np.where(width > 0.4, 0.5, 0.0)
    face = 1 - strength[:, None] * (1 - base)
    # A little transparency shows two parts on one note.
    alpha = np.full((len(notes), 1), 0.9)
    return Shades(
        face=np.hstack([face, alpha]),
        edge=np.hstack([edge, alpha]),
        width=width,
        tracks=tracks,
        colours=tuple(colours),
        marked=generated is not None,
        loudness=loudness,
    )
