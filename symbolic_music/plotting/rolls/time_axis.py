"""The time axis of a piano roll: bars below, seconds above."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from symbolic_music.plotting.colours import INK, PALE
from symbolic_music.score import Score

_MOST_BARS = 3000
_INCHES_A_SECOND, _SHORTEST = 0.36, 8.0
# Up to the first many seconds stand in one system; longer pieces are broken into systems of the second many, and
# into no more than the third many.
_ONE_SYSTEM, _SYSTEM, _MOST_SYSTEMS = 60.0, 45.0, 10
_SECOND_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Timeline:
    """From `start` to `end` seconds on `inches` of paper; bars and beats in seconds, the bars' printed numbers."""

    start: float
    end: float
    inches: float
    bars: NDArray[np.float64]
    beats: NDArray[np.float64]
    numbers: NDArray[np.int64]

    @property
    def inch(self) -> float:
        """Seconds in an inch."""
        return (self.end - self.start) / self.inches

    def part(self, start: float, end: float) -> Timeline:
        """The part between two times, at the same scale."""
        bars = (self.bars >= start) & (self.bars < end)
        beats = (self.beats >= start) & (self.beats < end)
        inches = (end - start) / self.inch
        return Timeline(start, end, inches, self.bars[bars], self.beats[beats], self.numbers[bars])


def timeline(score: Score) -> Timeline:
    """The whole score in one line, as wide as it needs to be read."""
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
    end = max(end, 0.1)
    return Timeline(
        start=0.0,
        end=end,
        inches=max(_SHORTEST, end * _INCHES_A_SECOND),
        bars=score.seconds(bars),
        beats=score.seconds(np.concatenate(beats) if beats else np.zeros(0)),
        numbers=score.numbers(last),
    )


def systems(line: Timeline) -> list[Timeline]:
    """The line broken at bars into systems, as on a page of music; long pieces are also drawn closer together."""
    seconds = line.end - line.start
    if seconds <= _ONE_SYSTEM:
        return [line]
    length = max(_SYSTEM, seconds / _MOST_SYSTEMS)
    count = int(np.ceil(seconds / length))
    even = line.start + np.arange(1, count) * seconds / count
    nearest = line.bars[np.clip(np.searchsorted(line.bars, even), 0, len(line.bars) - 1)]
    cuts = np.where(np.abs(nearest - even) < length / 4, nearest, even)
    closer = replace(line, inches=line.inches * _SYSTEM / length)
    return [closer.part(start, end) for start, end in pairwise([line.start, *cuts.tolist(), line.end])]


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
    chosen = (line.numbers - 1) % step == 0
    axes.vlines(line.bars[chosen], 0, 1, transform=transform, colors="#9c9c9c", linewidth=0.7, zorder=0.7)


def label_bars(axes: Axes, line: Timeline) -> None:
    """Bar numbers below."""
    step = _bar_step(line)
    chosen = (line.numbers - 1) % step == 0
    axes.set_xticks(line.bars[chosen], [str(n) for n in line.numbers[chosen]])
    axes.tick_params(axis="x", labelsize=8, length=3, color=PALE, labelcolor=INK)
    _beside(axes, "bar", 0, -5.5, "top", 8)


def label_seconds(axes: Axes, line: Timeline, long: bool) -> None:
    """Seconds above, as minutes:seconds in long pieces."""
    step = next((s for s in _SECOND_STEPS if s / line.inch >= 0.55), 3600 * np.ceil(line.inch * 0.55 / 3600))
    at = np.arange(np.ceil(line.start / step - 1e-9) * step, line.end + 1e-9, step)
    upper = axes.secondary_xaxis("top")
    upper.set_xticks(at, [f"{int(t) // 60}:{int(t) % 60:02d}" if long else f"{t:g}" for t in np.round(at, 3) + 0.0])
    upper.tick_params(axis="x", labelsize=7, length=3, color=PALE, labelcolor=PALE, pad=2)
    upper.spines["top"].set_visible(False)
    _beside(axes, "min:s" if long else "seconds", 1, 5.5, "bottom", 7)


def _beside(axes: Axes, text: str, y: float, shift: float, align: str, size: float) -> None:
    """Label the unit of an axis, to the left of its numbers."""
    axes.annotate(
        text, (0, y), (-12, shift), xycoords="axes fraction", textcoords="offset points", ha="right", va=align,
        fontsize=size, color=PALE, annotation_clip=False,
    )  # fmt: skip


def _spacing(times: NDArray[np.float64], line: Timeline) -> float:
    """Median inches between these times."""
    return float(np.median(np.diff(times))) / line.inch if len(times) > 1 else line.inches


def _bar_step(line: Timeline) -> int:
    """Every how many bars a number has room."""
    return int(2 ** max(0, np.ceil(np.log2(0.32 / max(_spacing(line.bars, line), 1e-9)))))
