"""Piano rolls as images of one width, and pages of them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from symbolic_music.plotting import piano_roll
from symbolic_music.score import Score

Span = tuple[float, float]


def roll(score: Score, new: NDArray[np.bool_] | None, region: Span | None, title: str, width: int) -> Image.Image:
    """A piano roll, `width` pixels wide."""
    page = io.BytesIO()
    piano_roll(score, new, region, title).savefig(page, dpi=width / 8)
    image = Image.open(page).convert("RGB")
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def paged(rolls: Sequence[Image.Image], columns: int) -> Image.Image:
    """Rolls of one width in rows of some columns."""
    rows = [rolls[i : i + columns] for i in range(0, len(rolls), columns)]
    heights, width = [max(one.height for one in row) for row in rows], rolls[0].width
    page = Image.new("RGB", (columns * width, sum(heights)), "white")
    for number, row in enumerate(rows):
        for column, one in enumerate(row):
            page.paste(one, (column * width, sum(heights[:number])))
    return page
