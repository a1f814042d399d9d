"""How alike the bars of a piece are, as a picture."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from symbolic_music.errors import EmptyScoreError
from symbolic_music.plotting.colours import INK
from symbolic_music.plotting.figures import drawable


def self_similarity_figure(similar: ArrayLike, title: str | None = None, first: int = 1) -> Figure:
    """A square a pair of bars, dark where they are alike: parallels to the diagonal are repetitions.

    Args:
        similar: (bars, bars), 0 to 1; see `evaluation.features.structure.self_similarity`.
        title: a line above.
        first: number of the first bar.

    Raises:
        EmptyScoreError: without bars.

    Examples:
        >>> from symbolic_music.evaluation.features.structure import self_similarity
        >>> figure = sm.plotting.self_similarity_figure(self_similarity(song))
        >>> sm.plotting.save_figure(figure, "bars.png").name
        'bars.png'
    """
    table = np.asarray(similar, np.float64)
    if not table.size:
        raise EmptyScoreError("a piece without bars has no self-similarity to draw")
    figure = Figure(figsize=(5.4, 4.8), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    edges = (first - 0.5, first + len(table) - 0.5)
    image = axes.imshow(table, cmap="Blues", vmin=0, vmax=1, origin="lower", extent=(*edges, *edges))
    axes.set_xlabel("bar", color=INK)
    axes.set_ylabel("bar", color=INK)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("likeness of what sounds", color=INK)
    if title:
        axes.set_title(drawable(title, 60), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figure
