"""Curves of a training run."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from symbolic_music.errors import FileError
from symbolic_music.plotting import style as figures

# Columns that hold the loss, the first one present counts; the second is what the training log calls it.
_LOSS = ("loss", "nats_per_token")
_UNITS = {"loss": "loss", "nats_per_token": "nats a token"}


def read_log(path: str | Path) -> list[dict[str, str]]:
    """Rows of a run's log.csv. FileError when it is missing or has no columns step, split and loss."""
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    _columns(rows, str(path))
    return rows


def loss_curve(rows: Iterable[Mapping[str, Any]], path: str | Path, title: str | None = None) -> Path:
    """Draw the loss over the steps, a curve a split, into a .png, .pdf or .svg file. Returns the path.

    Args:
        rows: each with step, split and loss (or nats_per_token), numbers or their text; an empty loss is left out.
        path: where to.
        title: a line above.

    Raises:
        FileError: when a column is missing or holds no numbers, or the file cannot be written.
    """
    path = figures.check_picture(path)
    rows = list(rows)
    column = _columns(rows, "the log")
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row[column] in ("", None):
            continue
        try:
            point = float(row["step"]), float(row[column])
        except (TypeError, ValueError):
            raise FileError(
                f"the log's step and {column} must be numbers, not {row['step']!r}, {row[column]!r}"
            ) from None
        if math.isfinite(point[1]):
            curves.setdefault(str(row["split"]), []).append(point)
    figure = Figure(figsize=(6.4, 3.8), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    # Training first: it is noisy, so it is drawn pale, and the others over it with their best point marked.
    for index, (split, points) in enumerate(sorted(curves.items(), key=lambda item: item[0] != "train")):
        steps, losses = zip(*sorted(points), strict=True)
        colour = figures.PALETTE[index % len(figures.PALETTE)]
        if split == "train":
            axes.plot(steps, losses, color=colour, alpha=0.55, linewidth=0.9, label=split)
            continue
        best = min(range(len(losses)), key=losses.__getitem__)
        axes.plot(steps, losses, color=colour, linewidth=1.8, marker="o", markersize=2.5,
                  label=f"{split}, best {losses[best]:.3f} at step {steps[best]:g}")  # fmt: skip
        axes.plot(steps[best], losses[best], "o", color=colour, markersize=6, markeredgecolor="white")
    axes.set_xlabel("step", color=figures.INK)
    axes.set_ylabel(_UNITS[column], color=figures.INK)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if curves:
        axes.legend(frameon=False)
    if title:
        axes.set_title(figures.drawable(title, 80), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figures.save(figure, path)


def _columns(rows: list[Any], where: str) -> str:
    """The name of the loss column."""
    if not rows:
        raise FileError(f"{where} has no rows to draw")
    loss = next((name for name in _LOSS if name in rows[0]), None)
    if loss is None or "step" not in rows[0] or "split" not in rows[0]:
        raise FileError(f"{where} needs the columns step, split and loss")
    return loss
