"""Plot means with their intervals: one panel for each metric, one line for each system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from symbolic_music.plotting.colours import PALETTE

Interval = tuple[float, float, float]


def interval_figure(panels: Mapping[str, Mapping[str, Interval]], columns: int = 4) -> Figure:
    """A dot and its interval a system, in a panel a metric.

    Args:
        panels: metric → system → (mean, low, high); systems in the order in which they are drawn.
        columns: panels beside each other.
    """
    rows = -(-len(panels) // columns)
    systems: Sequence[str] = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    height = 0.55 + 0.2 * len(systems)
    figure = Figure(figsize=(2.6 * columns, height * max(rows, 1)), facecolor="white", layout="constrained")
    for place, (metric, found) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, place + 1)
        for line, system in enumerate(systems):
            if system in found:
                mean, low, high = found[system]
                axes.plot([low, high], [line, line], color=PALETTE[line % len(PALETTE)], linewidth=2)
                axes.plot([mean], [line], "o", color=PALETTE[line % len(PALETTE)], markersize=5)
        axes.set_title(metric, fontsize=8, loc="left")
        axes.set_ylim(len(systems) - 0.5, -0.5)
        axes.set_yticks(range(len(systems)), systems if place % columns == 0 else [""] * len(systems), fontsize=7)
        axes.tick_params(axis="x", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
    return figure
