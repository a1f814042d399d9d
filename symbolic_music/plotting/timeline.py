"""The time axis of a piano roll: bars below, seconds above."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from symbolic_music.plotting.figures import INK, PALE
from symbolic_music.score import Score

_BAR_STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_MOST_BARS = 3000
_SECOND_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Timeline:
    """From 0 to `end` seconds on `inches` of paper; bars and beats in seconds, bars numbered from 1."""

    end: float
    inches: float
    bars: NDArray[np.float64]
    beats: NDArray[np.float64]

    @property
    def inch(self) -> float:
        """Seconds in an inch."""
        return self.end / self.inches


def timeline(score: Score, inches: float) -> Timeline:
    """The bars and beats of a score laid on this width."""
    last = max(score.end, 1)
    bars = score.bars(last)
    end = float(score.seconds(last))
    # The bar that the piece ends in is drawn to its end, unless it is much longer than the piece.
    tail = float(score.seconds(bars[-1] + _bar_length(score, int(bars[-1]))))
    if tail < 1.25 * end:
        end = tail
    # More beats than this have no room on any paper.
    beats = [] if len(bars) > _MOST_BARS else [
        np.arange(start, stop, max(1.0, _beat_length(score, int(start))))[1:]
        for start, stop in pairwise(np.append(bars, last))
    ]  # fmt: skip
    return Timeline(
        end=max(end, 0.1),
        inches=inches,
        bars=score.seconds(bars),
        beats=score.seconds(np.concatenate(beats) if beats else np.zeros(0)),
    )


def _meter(score: Score, tick: int) -> tuple[int, int]:
    before = score.meters[score.meters["time"] <= tick]
    return (int(before["numerator"][-1]), max(1, int(before["denominator"][-1]))) if len(before) else (4, 4)


def _bar_length(score: Score, tick: int) -> float:
    numerator, denominator = _meter(score, tick)
    return 4 * numerator / denominator * score.ticks_per_quarter


def _beat_length(score: Score, tick: int) -> float:
    return 4 / _meter(score, tick)[1] * score.ticks_per_quarter


def draw_grid(axes: Axes, line: Timeline) -> None:
    """Bar lines, and beats faintly where there is room for them."""
    transform = axes.get_xaxis_transform()
    if len(line.beats) and _spacing(np.sort(np.concatenate([line.bars, line.beats])), line) >= 0.09:
        axes.vlines(line.beats, 0, 1, transform=transform, colors="#d9d9d9", linewidth=0.4, zorder=0.6)
    step = 1 if _spacing(line.bars, line) >= 0.07 else _bar_step(line)
    axes.vlines(line.bars[::step], 0, 1, transform=transform, colors="#9c9c9c", linewidth=0.7, zorder=0.7)


def label_bars(axes: Axes, line: Timeline) -> None:
    """Bar numbers below."""
    step = _bar_step(line)
    numbers = np.arange(len(line.bars)) + 1
    chosen = (numbers - 1) % step == 0
    axes.set_xticks(line.bars[chosen], [str(n) for n in numbers[chosen]])
    axes.tick_params(axis="x", labelsize=8, length=3, color=PALE, labelcolor=INK)
    _beside(axes, "bar", 0, -5.5, "top", 8)


def label_seconds(axes: Axes, line: Timeline) -> None:
    """Seconds above, as minutes:seconds in long pieces."""
    step = next((s for s in _SECOND_STEPS if s / line.inch >= 0.55), 3600 * np.ceil(line.inch * 0.55 / 3600))
    at = np.arange(0, line.end + 1e-9, step)
    long = line.end >= 100
    upper = axes.secondary_xaxis("top")
    upper.set_xticks(at, [f"{int(t) // 60}:{int(t) % 60:02d}" if long else f"{t:g}" for t in np.round(at, 3)])
    upper.tick_params(axis="x", labelsize=7, length=3, color=PALE, labelcolor=PALE, pad=2)
    upper.spines["top"].set_visible(False)
    _beside(axes, "min:s" if long else "seconds", 1, 5.5, "bottom", 7)


def _beside(axes: Axes, text: str, y: float, shift: float, align: str, size: float) -> None:
    """What the numbers of an axis count, to their left."""
    axes.annotate(
        text, (0, y), (-12, shift), xycoords="axes fraction", textcoords="offset points", ha="right", va=align,
        fontsize=size, color=PALE, annotation_clip=False,
    )  # fmt: skip


def _spacing(times: NDArray[np.float64], line: Timeline) -> float:
    """Median inches between these times."""
    return float(np.median(np.diff(times))) / line.inch if len(times) > 1 else line.inches


def _bar_step(line: Timeline) -> int:
    """Every how many bars a number has room."""
    return next((s for s in _BAR_STEPS if s * _spacing(line.bars, line) >= 0.32), _BAR_STEPS[-1])
