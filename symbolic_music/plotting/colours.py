"""The colours of all figures: the palette of tracks, ink, drums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INK, PALE = "#2b2b2b", "#8a8a8a"
# Okabe and Ito's palette for all kinds of colour vision (2008), without black and with yellow last and darkened.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6A51A3", "#A8A000")
DRUM_COLOUR = "#4a4a4a"

Colour = NDArray[np.float64]


def rgb(colour: str) -> Colour:
    """A colour such as #0072B2 as three numbers from 0 to 1."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def track_colour(index: int) -> Colour:
    """The colour of the part at this place; after eight the palette comes again darker, then lighter."""
    base = rgb(PALETTE[index % len(PALETTE)])
    turn = index // len(PALETTE) % 3
    return base if turn == 0 else base * 0.55 if turn == 1 else 1 - 0.55 * (1 - base)
