"""Piano rolls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.general_midi import drum_name
from symbolic_music.plotting import figures
from symbolic_music.plotting.legend import draw_legend, legend_height
from symbolic_music.plotting.shades import Shades, shades_of
from symbolic_music.plotting.timeline import Timeline, draw_grid, label_bars, label_seconds, timeline
from symbolic_music.score import DRUM_CHANNEL, Score

_LEFT, _RIGHT, _GAP = 0.75, 0.2, 0.1
_DRUM_LEFT = 1.25
_SUSTAIN = 64
_BLACK_KEYS = (1, 3, 6, 8, 10)
_LONGEST = 64.0  # inches; what is longer is drawn closer together


def piano_roll(
    score: Score,
    generated: ArrayLike | None = None,
    region: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """A piano roll: a colour a track, stronger where louder, drums in a lane of their own below.

    Args:
        score: what to draw.
        generated: mask over `score.notes`, shape (notes,); where it is given, the notes that it marks stand out and
            the others are muted.
        region: start and end in seconds of a region to shade.
        title: a line above.

    Raises:
        EmptyScoreError: when there is no note.
        OptionError: when the mask has another shape.
        RegionError: when the region is empty or lies outside the score.
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to draw")
    mask = _check_mask(score, generated)
    _check_region(score, region)
    shades = shades_of(score, mask)
    drums = score.notes["channel"] == DRUM_CHANNEL
    left = _DRUM_LEFT if drums.any() else _LEFT
    width = float(np.clip(left + _RIGHT + 0.36 * score.duration, 9.0, _LONGEST))
    line = timeline(score, width - left - _RIGHT)

    low, high = _pitch_range(score.notes["pitch"][~drums])
    pitch_height = (high - low) * float(np.clip(4.0 / (high - low), 0.062, 0.13)) if not drums.all() else 0.0
    kit = np.unique(score.notes["pitch"][drums])
    drum_height = (len(kit) + 1) * (0.15 if len(kit) <= 16 else 0.12) if len(kit) else 0.0
    lanes = [h for h in (pitch_height, drum_height) if h]
    top = 0.28 + (0.3 if title else 0.0)
    bottom = 0.3 + legend_height(score, shades, region, width)
    height = top + sum(lanes) + _GAP * (len(lanes) - 1) + bottom

    figure = Figure(figsize=(width, height), facecolor="white")
    axes: list[Axes] = []

    def lane(base: float, tall: float) -> Axes:
        new = figure.add_axes((left / width, base / height, line.inches / width, tall / height))
        new.set_xlim(0, line.end)
        _dress(new)
        draw_grid(new, line)
        if region:
            _shade(new, region)
        axes.append(new)
        return new

    if pitch_height:
        _draw_pitched(lane(height - top - pitch_height, pitch_height), score, ~drums, shades, line, (low, high))
    if drum_height:
        _draw_drums(lane(bottom, drum_height), score, drums, shades, line, kit)
    label_seconds(axes[0], line)
    for inner in axes[:-1]:
        inner.tick_params(axis="x", bottom=False, labelbottom=False)
    label_bars(axes[-1], line)
    draw_legend(figure, score, shades, region, left)
    if title:
        figure.text(
            left / width, 1 - 0.1 / height, figures.drawable(title, 120), ha="left", va="top", fontsize=11,
            fontweight="bold", color=figures.INK, parse_math=False,
        )  # fmt: skip
    return figure


def save_piano_roll(
    score: Score,
    path: str | Path,
    generated: ArrayLike | None = None,
    region: tuple[float, float] | None = None,
    title: str | None = None,
) -> Path:
    """Draw `piano_roll` into a .png, .pdf or .svg file, whole or not at all. Returns the path.

    Raises:
        FileError: when the suffix is another one, or the folder is missing or not writable.
        EmptyScoreError, OptionError, RegionError: as `piano_roll`.
    """
    path = figures.check_picture(path)
    figure = piano_roll(score, generated, region, title)
    return figures.save(figure, path, _dpi(figure))


def piano_roll_png(score: Score) -> bytes:
    """The piano roll as the bytes of a PNG file; EmptyScoreError when there is no note."""
    figure = piano_roll(score)
    return figures.figure_bytes(figure, dpi=_dpi(figure))


def _dpi(figure: Figure) -> float:
    return 160 if figure.get_figwidth() <= 20 else 110


def _check_mask(score: Score, generated: ArrayLike | None) -> NDArray[np.bool_] | None:
    if generated is None:
        return None
    mask = np.asarray(generated, bool)
    if mask.shape != (len(score),):
        raise OptionError(f"generated is a mask over {len(score)} notes, not of shape {mask.shape}")
    return mask


def _check_region(score: Score, region: tuple[float, float] | None) -> None:
    if region is not None and not 0 <= region[0] < region[1]:
        raise RegionError(f"cannot shade from {region[0]:g} s to {region[1]:g} s: need 0 <= start < end")
    if region is not None and region[0] >= score.duration:
        raise RegionError(f"cannot shade from {region[0]:g} s: the score ends at {score.duration:.1f} s")


def _pitch_range(pitches: NDArray[np.uint8]) -> tuple[float, float]:
    """Lowest and highest edge, at least 20 semitones apart."""
    if not len(pitches):
        return 48.0, 72.0
    low, high = int(pitches.min()) - 2, int(pitches.max()) + 2
    short = max(0, 20 - (high - low))
    return max(low - short // 2, -1) - 0.5, min(high + (short + 1) // 2, 128) + 0.5


def _dress(axes: Axes) -> None:
    for side in axes.spines.values():
        side.set_color("#9c9c9c")
        side.set_linewidth(0.7)


def _shade(axes: Axes, region: tuple[float, float]) -> None:
    axes.axvspan(*region, facecolor="#FFE9A8", alpha=0.5, zorder=0.5, linewidth=0)
    for edge in region:
        axes.axvline(edge, color="#B07D00", linewidth=1.0, linestyle=(0, (4, 2)), zorder=0.8)


def _draw_pitched(
    axes: Axes, score: Score, own: NDArray[np.bool_], shades: Shades, line: Timeline, limits: tuple[float, float]
) -> None:
    low, high = limits
    axes.set_ylim(low, high)
    for pitch in range(max(0, int(np.ceil(low))), min(127, int(high)) + 1):
        if pitch % 12 in _BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, facecolor="#f3f3f5", linewidth=0, zorder=0.1)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color="#bdbdbd", linewidth=0.6, zorder=0.4)
    named = [p for p in range(int(np.ceil(low)), int(high) + 1) if p % 12 == 0 or (p % 12 == 7 and high - low < 40)]
    axes.set_yticks(named, [f"{'C' if p % 12 == 0 else 'G'}{p // 12 - 1}" for p in named])
    axes.tick_params(axis="y", labelsize=8, length=0, pad=3, labelcolor=figures.INK)
    for label, pitch in zip(axes.get_yticklabels(), named, strict=True):
        if pitch % 12:
            label.set_color(figures.PALE)
            label.set_fontsize(7)
    notes = score.notes[own]
    start = score.onset_seconds[own]
    # A note is never too thin to see.
    stop = np.maximum(score.offset_seconds[own], start + 0.014 * line.inch)
    middle = notes["pitch"].astype(np.float64)
    low_edge, high_edge = middle - 0.43, middle + 0.43
    corners = np.stack(
        [
            np.stack([start, stop, stop, start], axis=1),
            np.stack([low_edge, low_edge, high_edge, high_edge], axis=1),
        ],
        axis=2,
    )
    _add(axes, corners, shades.of(own))
    _draw_pedal(axes, score, line)


def _draw_drums(
    axes: Axes, score: Score, own: NDArray[np.bool_], shades: Shades, line: Timeline, kit: NDArray[np.uint8]
) -> None:
    axes.set_ylim(-1, len(kit))
    axes.set_facecolor("#fbfbfb")
    every = max(1, int(np.ceil(len(kit) / 30)))
    names = [figures.drawable(drum_name(int(p)), 18) for p in kit]
    axes.set_yticks(range(0, len(kit), every), names[::every])
    axes.tick_params(axis="y", labelsize=6.5, length=0, pad=3, labelcolor=figures.INK)
    axes.hlines(np.arange(len(kit)), 0, line.end, colors="#e4e4e4", linewidth=0.5, zorder=0.2)
    start = score.onset_seconds[own]
    row = np.searchsorted(kit, score.notes["pitch"][own]).astype(np.float64)
    # Diamonds: a hit has no length. They shrink where hits stand closer than they are wide.
    wide = 0.05 * line.inch
    gaps = np.diff(np.unique(start))
    if len(gaps):
        wide = float(np.clip(0.45 * np.median(gaps), 0.012 * line.inch, wide))
    corners = np.stack(
        [
            np.stack([start - wide, start, start + wide, start], axis=1),
            np.stack([row, row - 0.42, row, row + 0.42], axis=1),
        ],
        axis=2,
    )
    _add(axes, corners, shades.of(own))


def _add(axes: Axes, corners: NDArray[np.float64], shades: Shades) -> None:
    """All notes in one artist: those that stand out on top, and short ones on the long ones that they double."""
    lengths = np.ptp(corners[:, :, 0], axis=1)
    order = np.lexsort((-lengths, shades.width))
    axes.add_collection(
        PolyCollection(
            list(corners[order]),
            facecolors=shades.face[order],
            edgecolors=shades.edge[order],
            linewidths=shades.width[order],
            zorder=3,
        )
    )


def _draw_pedal(axes: Axes, score: Score, line: Timeline) -> None:
    """Where the sustain pedal is down, as a strip at the foot of the lane."""
    pieces = []
    for track in np.unique(score.controls["track"]):
        pedal = score.controls[(score.controls["track"] == track) & (score.controls["number"] == _SUSTAIN)]
        down = pedal["value"] >= 64
        changes = np.flatnonzero(np.diff(down, prepend=False))
        times = score.seconds(pedal["time"][changes])
        times = times if len(times) % 2 == 0 else np.append(times, line.end)
        pieces += [(start, stop - start) for start, stop in times.reshape(-1, 2) if start < line.end]
    if pieces:
        low, high = axes.get_ylim()
        axes.broken_barh(pieces, (low, 0.018 * (high - low)), facecolors="#b4b4b4", linewidth=0, zorder=2)
        axes.text(
            1.0, 0.026, "pedal", transform=axes.transAxes, ha="right", va="bottom", fontsize=6.5, color=figures.PALE
        )
