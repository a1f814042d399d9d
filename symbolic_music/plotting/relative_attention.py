"""Plots of learnt relative attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from symbolic_music.models.attention_logits import RelativeLogits
from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import INK

_HEAD_INCHES, _MARGIN_INCHES = 0.2, 1.5


def relative_embeddings(
    layers: Sequence[RelativeLogits], relations: Sequence[tuple[str, float]] = (), title: str = ""
) -> Figure:
    """Every head's pull to each distance and bucket: red where it looks more, blue less, as logits in nats.

    Rows are heads, layer by layer from the first on top; in columns of relations the past is on the left.

    Args:
        layers: as `models.attention_logits.relative_logits` finds them.
        relations: of each further relation its name, and how much of it a bucket is, for the axis.
        title: above the picture.

    Examples:
        >>> import torch
        >>> from symbolic_music.models.attention_logits import RelativeLogits  # `relative_logits` finds them in a model
        >>> layers = [RelativeLogits(torch.randn(4, 64), ()) for _ in range(2)]  # four heads, 64 distances
        >>> figure = sm.plotting.relative_embeddings(layers)
        >>> sm.plotting.save_figure(figure, "heads.png").name
        'heads.png'
    """
    heads = len(layers[0].distance)
    rows = heads * len(layers)
    columns = 1 + len(relations)
    height = rows * _HEAD_INCHES + _MARGIN_INCHES
    figure = Figure(figsize=(6.2 * columns, height), facecolor="white", layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, columns, sharey=True))
    distance = np.concatenate([layer.distance.flip(1).numpy(force=True) for layer in layers])
    _map(figure, axes[0], distance, (0.5 - distance.shape[1], 0.5), "positions in the sequence, 0: itself")
    for place, (name, unit) in enumerate(relations):
        # Bucket reach + b holds keys b units before the query; on the axis they stand at -b.
        table = np.concatenate([layer.related[place].flip(1).numpy(force=True) for layer in layers])
        half = table.shape[1] * unit / 2
        _map(figure, axes[1 + place], table, (-half, half), name)
    axes[0].set_yticks(
        [heads * i + (heads - 1) / 2 for i in range(len(layers))], [str(i + 1) for i in range(len(layers))]
    )
    axes[0].set_ylabel(f"layer, each of {heads} heads", color=INK)
    for axis in axes:
        axis.hlines([heads * i - 0.5 for i in range(1, len(layers))], *axis.get_xlim(), color=INK, linewidth=0.8)
    if title:
        figure.suptitle(figures.drawable(title, 100), x=0.01, ha="left", fontweight="bold", color=INK)
    return figure


def _map(figure: Figure, axis: Axes, table: NDArray[np.floating], extent: tuple[float, float], label: str) -> None:
    """One heat map; its colours end at the 99.5th percentile, so that a single cell does not pale all others."""
    strongest = max(float(np.percentile(abs(table), 99.5)), 1e-6)
    image = axis.imshow(
        table, aspect="auto", interpolation="nearest", cmap="RdBu_r", vmin=-strongest, vmax=strongest,
        extent=(*extent, len(table) - 0.5, -0.5),
    )  # fmt: skip
    axis.set_xlabel(label, color=INK)
    axis.tick_params(colors=INK)
    bar = figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03)
    bar.outline.set_visible(False)
