"""Plot curves of a training run: the loss, and below it the fit of edits to their context."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from symbolic_music.errors import FileError
from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import INK, PALE, PALETTE

# Columns that hold the loss, the first one present counts; the second is what the training log calls it.
_LOSS = ("loss", "nats_per_token")
_UNITS = {"loss": "loss", "nats_per_token": "nats a token"}
# Rows of a run that measures edits in context, and of what stands beside them; see `training.run.run_log`.
_CONTEXT, _BESIDE = "context", {"context, original": "--", "context, copy": ":"}
_PANELS = ("likeness", "likeness_rhythm", "on_grid", "in_key", "in_chord", "clashes", "density_kept", "in_range")


def read_log(path: str | Path) -> list[dict[str, str]]:
    r"""Rows of a run's log.csv. FileError when it is missing or has no columns step, split and loss.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("log.csv").write_text("step,split,loss\n100,train,3.2\n")
        >>> sm.plotting.read_log("log.csv")
        [{'step': '100', 'split': 'train', 'loss': '3.2'}]
    """
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
            Rows of split "context" are drawn below, a panel a metric, beside original and copy (dashed and dotted).
        path: where to.
        title: the title.

    Raises:
        FileError: when a column is missing or holds no numbers, or the file cannot be written.

    Examples:
        >>> rows = [{"step": step, "split": "train", "loss": 4.0 / step} for step in range(1, 9)]
        >>> sm.plotting.loss_curve(rows, "loss.png").name
        'loss.png'
    """
    path = figures.check_picture(path)
    rows = list(rows)
    column = _columns(rows, "the log")
    curves = _curves(rows, column)
    panels = {name: found for name in _PANELS if _CONTEXT in (found := _curves(rows, name))}
    figure = Figure(figsize=(6.4, 3.8 + 1.15 * -(-len(panels) // 4)), facecolor="white", layout="constrained")
    upper: Any = figure
    if panels:
        halves: Any = figure.subfigures(2, 1, height_ratios=(3.8, 1.15 * -(-len(panels) // 4)))
        upper = halves[0]
        _draw_panels(halves[1], panels)
    axes = upper.add_subplot()
    # Training first: it is noisy, so it is drawn pale, and the others over it with their best point marked.
    for index, (split, points) in enumerate(sorted(curves.items(), key=lambda item: item[0] != "train")):
        steps, losses = zip(*sorted(points), strict=True)
        colour = PALETTE[index % len(PALETTE)]
        if split == "train":
            axes.plot(steps, losses, color=colour, alpha=0.55, linewidth=0.9, label=split)
            continue
        best = min(range(len(losses)), key=losses.__getitem__)
        axes.plot(steps, losses, color=colour, linewidth=1.8, marker="o", markersize=2.5,
                  label=f"{split}, best {losses[best]:.3f} at step {steps[best]:g}")  # fmt: skip
        axes.plot(steps[best], losses[best], "o", color=colour, markersize=6, markeredgecolor="white")
    axes.set_xlabel("step", color=INK)
    axes.set_ylabel(_UNITS[column], color=INK)
    axes.grid(color="#e4e4e4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if curves:
        axes.legend(frameon=False, loc="upper right")  # where losses are not; "best" is slow, and says so
    if title:
        axes.set_title(figures.drawable(title, 80), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figures.save(figure, path)


def _curves(rows: list[Mapping[str, Any]], column: str) -> dict[str, list[tuple[float, float]]]:
    """Points (step, value) of each split that has any in a column."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.get(column) in ("", None):
            continue
        try:
            point = float(row["step"]), float(row[column])
        except (TypeError, ValueError):
            raise FileError(
                f"the log's step and {column} must be numbers, not {row['step']!r}, {row[column]!r}"
            ) from None
        if math.isfinite(point[1]):
            curves.setdefault(str(row["split"]), []).append(point)
    return curves


def _draw_panels(figure: Any, panels: Mapping[str, Mapping[str, list[tuple[float, float]]]]) -> None:
    """How what was written fits its surroundings, with the original dashed and the copy dotted."""
    grid = figure.subplots(-(-len(panels) // 4), 4, squeeze=False, sharex=True).ravel()
    for axes, (name, curves) in zip(grid, panels.items(), strict=False):
        steps, values = zip(*sorted(curves[_CONTEXT]), strict=True)
        axes.plot(steps, values, color=PALETTE[1], linewidth=1.4, marker="o", markersize=2)
        for split, style in _BESIDE.items():
            for _, value in curves.get(split, [])[:1]:
                axes.axhline(value, color=PALE, linewidth=1, linestyle=style)
        axes.set_ylim(-0.05, 1.05)
        axes.set_title(name.replace("_", " "), loc="left", fontsize=7.5, color=INK)
        axes.tick_params(labelsize=6.5, length=2)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel(
        "edits in context: model (line), original (dashed), copy of the bars before (dotted)", fontsize=7.5
    )


def _columns(rows: list[Any], where: str) -> str:
    """The name of the loss column."""
    if not rows:
        raise FileError(f"{where} has no rows to draw")
    loss = next((name for name in _LOSS if name in rows[0]), None)
    if loss is None or "step" not in rows[0] or "split" not in rows[0]:
        raise FileError(f"{where} needs the columns step, split and loss")
    return loss
