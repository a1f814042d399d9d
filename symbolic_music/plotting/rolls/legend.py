"""The legend of a piano roll: parts, then the meaning of shades."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch

from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import INK
from symbolic_music.plotting.rolls.note_shades import Shades, strong
from symbolic_music.score import Score, track_title

_MOST = 24
_COLUMN, _ROW = 1.9, 0.2  # inches


def _entries(score: Score, shades: Shades, region: tuple[float, float] | None) -> list[tuple[Any, str]]:
    entries: list[tuple[Any, str]] = []
    shown = len(shades.tracks) if len(shades.tracks) <= _MOST else _MOST - 1
    for track, colour in list(zip(shades.tracks, shades.colours, strict=True))[:shown]:
        entries.append((Patch(facecolor=tuple(colour)), f"{track}  {figures.drawable(track_title(score, track), 24)}"))
    if shown < len(shades.tracks):
        entries.append((Patch(facecolor="none"), f"and {len(shades.tracks) - shown} more"))
    # Explained in the colour of the first part, so that the swatches look like the notes.
    colour = shades.colours[0]
    if shades.marked:
        entries.append((Patch(facecolor=tuple(strong(colour, 0.4)), edgecolor="white"), "given"))
        face = tuple(strong(colour, 0.92))
        entries.append((Patch(facecolor=face, edgecolor=tuple(colour * 0.35), linewidth=0.9), "generated"))
    if shades.loudness and not shades.marked:
        ramp = tuple(Patch(facecolor=tuple(strong(colour, s)), linewidth=0) for s in np.linspace(0.25, 1.0, 4))
        entries.append((ramp, "velocity, soft to loud"))
    if region is not None:
        patch = Patch(facecolor="#FFF4D3", edgecolor="#B07D00", linewidth=0.9, linestyle=(0, (3, 2)))
        entries.append((patch, f"region {region[0]:.4g} to {region[1]:.4g} s"))
    return entries


def _columns(width: float) -> int:
    return max(1, int(width // _COLUMN))


def legend_height(score: Score, shades: Shades, region: tuple[float, float] | None, width: float) -> float:
    """Inches that the legend takes."""
    rows = -(-len(_entries(score, shades, region)) // _columns(width))
    return 0.12 + _ROW * rows


def draw_legend(figure: Figure, score: Score, shades: Shades, region: tuple[float, float] | None, left: float) -> None:
    """Draw it below everything, from `left` inches on, read line by line."""
    width, height = figure.get_size_inches()
    entries = _entries(score, shades, region)
    columns = min(_columns(width), len(entries))
    # Legends fill by columns; ordering the entries by rows makes them read as text does.
    rows = -(-len(entries) // columns)
    blank = (Patch(facecolor="none", edgecolor="none"), "")
    grid = [*entries, *[blank] * (rows * columns - len(entries))]
    grid = [grid[row * columns + column] for column in range(columns) for row in range(rows)]
    legend = figure.legend(
        [handle for handle, _ in grid],
        [label for _, label in grid],
        loc="lower left",
        bbox_to_anchor=((left - 0.06) / width, 0.04 / height),
        ncols=columns,
        frameon=False,
        fontsize=8,
        handlelength=1.6,
        handleheight=0.9,
        columnspacing=1.6,
        labelspacing=0.45,
        borderpad=0.0,
        borderaxespad=0.0,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.0)},
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_color(INK)
