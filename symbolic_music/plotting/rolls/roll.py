"""Piano rolls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from symbolic_music.errors import EmptyScoreError, OptionError, RegionError
from symbolic_music.general_midi import DRUM_CHANNEL, drum_name
from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import INK, PALE
from symbolic_music.plotting.rolls.legend import draw_legend, legend_height
from symbolic_music.plotting.rolls.note_shades import Shades, shades_of
from symbolic_music.plotting.rolls.time_axis import Timeline, draw_grid, label_bars, label_seconds, systems, timeline
from symbolic_music.score import Score

_LEFT, _RIGHT, _GAP = 0.75, 0.2, 0.1
_DRUM_LEFT = 1.25
_TITLE, _ABOVE, _BELOW = 0.3, 0.32, 0.34
_SUSTAIN = 64
_BLACK_KEYS = (1, 3, 6, 8, 10)


def piano_roll(
    score: Score,
    generated: ArrayLike | None = None,
    region: tuple[float, float] | None = None,
    title: str | None = None,
    shown: tuple[float, float] | None = None,
) -> Figure:
    """Plot a piano roll: one colour for each track, stronger for louder notes, drums in a lane below.

        sm.plot(song)

    Pieces longer than a minute are broken into systems, as on a page of music.

    Args:
        score: the score.
        generated: mask over `score.notes`, shape (notes,); marked notes are highlighted, the others pale.
        region: start and end in seconds of a region to shade.
        title: the title.
        shown: start and end in seconds of the part to draw, all of it by default. Bars keep their numbers.

    Raises:
        EmptyScoreError: when there is no note in the part.
        OptionError: when the mask has another shape.
        RegionError: when the region or the part is empty or lies outside the score.
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to draw")
    mask = _check_mask(score, generated)
    _check_region(score, region, "shade")
    _check_region(score, shown, "show")
    line = timeline(score)
    if shown is not None:
        line = line.part(shown[0], min(shown[1], line.end))
    begun, ended = score.onset_seconds, score.offset_seconds
    seen = (begun < line.end) & ((ended > line.start) | (begun == line.start))  # a note may have no length
    if not seen.any():
        raise EmptyScoreError(f"this score has no notes from {line.start:g} s to {line.end:g} s")
    shades = shades_of(score, mask)
    drums = score.notes["channel"] == DRUM_CHANNEL
    left = _DRUM_LEFT if drums[seen].any() else _LEFT
    lines = systems(line)
    width = left + max(line.inches for line in lines) + _RIGHT

    limits = _pitch_range(score.notes["pitch"][seen & ~drums])
    span = limits[1] - limits[0]
    pitch_height = 0.0 if drums[seen].all() else span * float(np.clip(4.0 / span, 0.062, 0.13))
    kit = np.unique(score.notes["pitch"][seen & drums])
    drum_height = (len(kit) + 1) * (0.15 if len(kit) <= 16 else 0.12) if len(kit) else 0.0
    between = _GAP if pitch_height and drum_height else 0.0
    tall = _ABOVE + pitch_height + between + drum_height + _BELOW
    height = (_TITLE if title else 0.0) + tall * len(lines) + legend_height(score, shades, region, width)

    figure = Figure(figsize=(width, height), facecolor="white")
    top = height - (_TITLE if title else 0.0)
    for line in lines:
        axes: list[Axes] = []
        place = (left / width, line.inches / width)
        upper = top - _ABOVE - pitch_height
        if pitch_height:
            axes.append(_lane(figure, (*place, upper / height, pitch_height / height), line, region))
            _draw_pitched(axes[-1], score, ~drums, shades, line, limits)
        if drum_height:
            lower = upper - between - drum_height
            axes.append(_lane(figure, (*place, lower / height, drum_height / height), line, region))
            _draw_drums(axes[-1], score, drums, shades, line, kit)
        label_seconds(axes[0], line, long=lines[-1].end >= 100)
        if len(axes) == 2:
            axes[0].tick_params(axis="x", bottom=False, labelbottom=False)
        label_bars(axes[-1], line)
        top -= tall
    draw_legend(figure, score, shades, region, left)
    if title:
        figure.text(
            left / width, 1 - 0.1 / height, figures.drawable(title, 120), ha="left", va="top", fontsize=11,
            fontweight="bold", color=INK, parse_math=False,
        )  # fmt: skip
    return figure


def save_piano_roll(
    score: Score,
    path: str | Path,
    generated: ArrayLike | None = None,
    region: tuple[float, float] | None = None,
    title: str | None = None,
    shown: tuple[float, float] | None = None,
) -> Path:
    """Draw `piano_roll` into a .png, .pdf or .svg file, whole or not at all. Returns the path.

    Raises:
        FileError: when the suffix is another one, or the folder is missing or not writable.
        EmptyScoreError, OptionError, RegionError: as `piano_roll`.

    Examples:
        >>> sm.plotting.save_piano_roll(song, "roll.svg", region=(8.0, 16.0)).name
        'roll.svg'
    """
    path = figures.check_picture(path)
    figure = piano_roll(score, generated, region, title, shown)
    return figures.save(figure, path, _dpi(figure))


def piano_roll_png(score: Score) -> bytes:
    """The piano roll as the bytes of a PNG file; EmptyScoreError when there is no note.

    Examples:
        >>> sm.plotting.piano_roll_png(melody)[1:4]
        b'PNG'
    """
    figure = piano_roll(score)
    return figures.figure_bytes(figure, dpi=_dpi(figure))


def _dpi(figure: Figure) -> float:
    return 160 if figure.get_figheight() <= 12 else 110


def _check_mask(score: Score, generated: ArrayLike | None) -> NDArray[np.bool_] | None:
    if generated is None:
        return None
    mask = np.asarray(generated, bool)
    if mask.shape != (len(score),):
        raise OptionError(f"generated is a mask over {len(score)} notes, not of shape {mask.shape}")
    return mask


def _check_region(score: Score, region: tuple[float, float] | None, to_do: str) -> None:
    if region is not None and not 0 <= region[0] < region[1] < np.inf:
        raise RegionError(f"cannot {to_do} from {region[0]:g} s to {region[1]:g} s: need 0 <= start < end")
    if region is not None and region[0] >= score.duration:
        raise RegionError(f"cannot {to_do} from {region[0]:g} s: the score ends at {score.duration:.1f} s")


def _pitch_range(pitches: NDArray[np.uint8]) -> tuple[float, float]:
    """Lowest and highest edge, at least 20 semitones apart."""
    if not len(pitches):
        return 48.0, 72.0
    low, high = int(pitches.min()) - 2, int(pitches.max()) + 2
    short = max(0, 20 - (high - low))
    return max(low - short // 2, -1) - 0.5, min(high + (short + 1) // 2, 128) + 0.5


def _lane(
    figure: Figure, place: tuple[float, float, float, float], line: Timeline, region: tuple[float, float] | None
) -> Axes:
    """Axes for a part of the score with its grid; place is left, width, bottom and height as parts of the figure."""
    left, width, bottom, height = place
    axes = figure.add_axes((left, bottom, width, height))
    axes.set_xlim(line.start, line.end)
    for side in axes.spines.values():
        side.set_color("#9c9c9c")
        side.set_linewidth(0.7)
    draw_grid(axes, line)
    if region is not None and region[0] < line.end and region[1] > line.start:
        inside = max(region[0], line.start), min(region[1], line.end)
        axes.axvspan(*inside, facecolor="#FFE9A8", alpha=0.5, zorder=0.5, linewidth=0)
        for edge in set(inside) & set(region):
            axes.axvline(edge, color="#B07D00", linewidth=1.0, linestyle=(0, (4, 2)), zorder=0.8)
    return axes


def _draw_pitched(
    axes: Axes, score: Score, own: NDArray[np.bool_], shades: Shades, line: Timeline, limits: tuple[float, float]
) -> None:
    low, high = limits
    axes.set_ylim(low, high)
    pitches = np.arange(max(0, int(np.ceil(low))), min(127, int(high)) + 1)
    black = [(p - 0.5, 1.0) for p in pitches if p % 12 in _BLACK_KEYS]
    axes.add_collection(
        PolyCollection(
            [[(0, y), (1, y), (1, y + tall), (0, y + tall)] for y, tall in black],
            transform=axes.get_yaxis_transform(), facecolors="#f3f3f5", linewidth=0, zorder=0.1,
        )
    )  # fmt: skip
    axes.hlines(
        pitches[pitches % 12 == 0] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), colors="#bdbdbd", linewidth=0.6,
        zorder=0.4,
    )  # fmt: skip
    named = [p for p in range(int(np.ceil(low)), int(high) + 1) if p % 12 == 0 or (p % 12 == 7 and high - low < 40)]
    axes.set_yticks(named, [f"{'C' if p % 12 == 0 else 'G'}{p // 12 - 1}" for p in named])
    axes.tick_params(axis="y", labelsize=8, length=0, pad=3, labelcolor=INK)
    for label, pitch in zip(axes.get_yticklabels(), named, strict=True):
        if pitch % 12:
            label.set_color(PALE)
            label.set_fontsize(7)
    start = score.onset_seconds
    # A note is never too thin to see.
    stop = np.maximum(score.offset_seconds, start + 0.014 * line.inch)
    own = own & (start < line.end) & (stop > line.start)
    start, stop = start[own], stop[own]
    middle = score.notes["pitch"][own].astype(np.float64)
    low_edge, high_edge = middle - 0.43, middle + 0.43
    corners = np.stack(
        [np.stack([start, stop, stop, start], axis=1), np.stack([low_edge, low_edge, high_edge, high_edge], axis=1)],
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
    axes.tick_params(axis="y", labelsize=6.5, length=0, pad=3, labelcolor=INK)
    axes.hlines(np.arange(len(kit)), line.start, line.end, colors="#e4e4e4", linewidth=0.5, zorder=0.2)
    start = score.onset_seconds
    own = own & (start < line.end) & (start >= line.start)
    start = start[own]
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
    """Draw the sustain pedal as a strip at the bottom of the lane."""
    pieces = []
    for track in np.unique(score.controls["track"]):
        pedal = score.controls[(score.controls["track"] == track) & (score.controls["number"] == _SUSTAIN)]
        down = pedal["value"] >= 64
        changes = np.flatnonzero(np.diff(down, prepend=False))
        times = score.seconds(pedal["time"][changes])
        times = times if len(times) % 2 == 0 else np.append(times, line.end)
        pieces += [
            (start, stop - start) for start, stop in times.reshape(-1, 2) if start < line.end and stop > line.start
        ]
    if pieces:
        low, high = axes.get_ylim()
        axes.broken_barh(pieces, (low, 0.018 * (high - low)), facecolors="#b4b4b4", linewidth=0, zorder=2)
        axes.text(1.0, 0.026, "pedal", transform=axes.transAxes, ha="right", va="bottom", fontsize=6.5, color=PALE)
