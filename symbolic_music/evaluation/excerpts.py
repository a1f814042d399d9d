"""Pieces in a report: a piano roll, and what it sounds like."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.evaluation.report import Media
from symbolic_music.score import Score


def excerpt(
    part: Score,
    caption: str,
    sample_rate: int | None = 24000,
    marked: NDArray[np.bool_] | None = None,
    region: tuple[float, float] | None = None,
) -> list[Media]:
    """A roll of all notes and a player; nothing for a score without notes.

    Args:
        part: a piece or some seconds of one.
        caption: stands below both.
        sample_rate: of the sound; None for none.
        marked: notes that stand out, shape (notes,).
        region: seconds that are shaded.

    Raises:
        MissingExtraError: without matplotlib; without what writes FLAC, if there is sound.
    """
    from symbolic_music.plotting.figures import figure_bytes
    from symbolic_music.plotting.rolls.roll import piano_roll

    if not len(part):
        return []
    out = [Media(figure_bytes(piano_roll(part, marked, region), dpi=90), ".png", caption)]
    if sample_rate is not None:
        from symbolic_music.synthesis import render

        with tempfile.TemporaryDirectory() as folder:
            path = render(part, sample_rate=sample_rate).write(Path(folder) / "part.flac")
            out.append(Media(path.read_bytes(), ".flac", caption))
    return out
