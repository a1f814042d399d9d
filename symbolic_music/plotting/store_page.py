"""A page of plots of a note store: counts, durations, pitches, velocities, tempos, keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from symbolic_music.corpora.store.statistics import Statistics, Summary, statistics, summary
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.general_midi import DRUM_INSTRUMENT, instrument_name
from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import DRUM_COLOUR, INK, PALE, PALETTE

_BLUE, _ORANGE, _GREEN, _ROSE, _SKY = PALETTE[:5]
_SPLIT_COLOURS = (_BLUE, PALETTE[5], _GREEN, _ROSE)
_BLACK_KEYS = (1, 3, 6, 8, 10)
_MOST_INSTRUMENTS, _MOST_METERS = 12, 6
# Keys along the circle of fifths, from five flats to six sharps, as they are commonly spelt.
_FIFTHS = [(7 * step) % 12 for step in range(-5, 7)]
# Where the axes of lengths (seconds) and of notes are marked.
_CLOCK = (1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 36_000)
_COUNTS = tuple(digit * 10**power for power in range(8) for digit in (1, 3))
_MAJOR_NAMES = ("Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#")
_MINOR_NAMES = ("bb", "f", "c", "g", "d", "a", "e", "b", "f#", "c#", "g#", "d#")


def corpus_page(store: NoteStore, most: int = 10_000) -> Figure:
    """Plot the page; at most `most` evenly spaced pieces are used for distributions."""
    facts, stats = summary(store), statistics(store, most)
    figure = Figure(figsize=(14, 10.8), facecolor="white")
    head = figure.add_gridspec(1, 2, left=0.05, right=0.975, top=0.925, bottom=0.845, wspace=0.12)
    grid = figure.add_gridspec(
        3, 12, height_ratios=(1, 1, 1.05), left=0.05, right=0.975, top=0.775, bottom=0.06, hspace=0.48, wspace=1.6
    )
    title = store.path.resolve().name if facts.corpus == "folder" else facts.corpus
    title += f" {facts.options['metadata']}" if "metadata" in facts.options else ""
    figure.text(0.05, 0.955, figures.drawable(title), fontsize=20, fontweight="bold", color=INK)
    if stats.pieces < facts.total.pieces:
        note = f"distributions over {stats.pieces:,} of {facts.total.pieces:,} pieces"
        figure.text(0.975, 0.957, note, fontsize=9, color=PALE, ha="right")
    _numbers(figure.add_subplot(head[0]), facts)
    _splits(figure.add_subplot(head[1]), facts)
    panels: Sequence[tuple[Any, Callable[[Axes, Statistics], None]]] = (
        (grid[0, :4], _lengths),
        (grid[0, 4:8], _notes),
        (grid[0, 8:], _tempos),
        (grid[1, :6], _pitches),
        (grid[1, 6:10], _velocities),
        (grid[1, 10:], _meters),
        (grid[2, 1:6], _instruments),
        (grid[2, 6:], _keys),
    )
    for place, draw in panels:
        draw(figure.add_subplot(place), stats)
    return figure


def save_corpus_page(store: NoteStore, path: str | Path) -> Path:
    """Draw the page into a .png, .pdf or .svg file; FileError for another suffix or a folder that is missing."""
    path = figures.check_picture(path)
    return figures.save(corpus_page(store), path, dpi=120)


def _numbers(axes: Axes, facts: Summary) -> None:
    axes.set_axis_off()
    total = facts.total
    tiles = (
        (f"{total.pieces:,}", "pieces"),
        (_short(total.seconds / 3600), "hours"),
        (_short(total.notes), "notes"),
        (f"{total.notes / max(total.seconds, 1e-9):.1f}", "notes a second"),
    )
    for place, (value, unit) in zip((0, 0.24, 0.44, 0.73), tiles, strict=True):
        axes.text(place, 0.42, value, fontsize=24, color=_BLUE, fontweight="bold", transform=axes.transAxes)
        axes.text(place, 0.1, unit, fontsize=11, color=PALE, transform=axes.transAxes)


def _splits(axes: Axes, facts: Summary) -> None:
    """Shares of the splits in pieces, hours and notes, a bar each."""
    rows = ("pieces", "hours", "notes")
    left = np.zeros(3)
    handles = []
    for place, totals in enumerate(facts.splits.values()):
        own = np.array([totals.pieces, totals.seconds, totals.notes])
        share = own / np.maximum([facts.total.pieces, facts.total.seconds, facts.total.notes], 1e-9)
        colour = _SPLIT_COLOURS[place % len(_SPLIT_COLOURS)]
        handles.append(axes.barh(rows, share, left=left, color=colour, height=0.72, edgecolor="white", linewidth=1.5))
        for row, (at, width, value) in enumerate(zip(left, share, (own[0], own[1] / 3600, own[2]), strict=True)):
            if width > 0.07:
                axes.text(
                    at + width / 2, row, _short(value), ha="center", va="center", color="white", fontsize=8.5,
                    fontweight="bold",
                )  # fmt: skip
        left += share
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=9.5, labelcolor=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    names = [f"{figures.drawable(name, 20)} {totals.pieces:,}" for name, totals in facts.splits.items()]
    axes.legend(
        handles, names, ncols=len(names), frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.01, 1.0),
        handlelength=1, handleheight=1, borderaxespad=0.2, columnspacing=1.4,
    )  # fmt: skip


def _lengths(axes: Axes, stats: Statistics) -> None:
    _histogram(axes, [60 * minutes for minutes in stats.minutes], "length", "", _BLUE, _CLOCK, _clock)


def _notes(axes: Axes, stats: Statistics) -> None:
    _histogram(axes, stats.notes, "notes of a piece", "", _ORANGE, _COUNTS, _short)


def _tempos(axes: Axes, stats: Statistics) -> None:
    if len(set(stats.tempos)) == 1:
        _named(axes, "tempo", "", "")
        often = ", often a placeholder" if stats.tempos[0] == 120 else ""
        _only(axes, f"{stats.tempos[0]:.4g}", f"quarters a minute in all pieces{often}")
        return
    tempos = np.clip(stats.tempos, 20, 300)
    _bars(axes, *np.histogram(tempos, np.arange(20, 305, 5)), _GREEN)
    _named(axes, "tempo", "quarters a minute", "pieces")
    usual = int(np.sum(np.abs(tempos - 120) < 0.01))
    if stats.pieces and usual / stats.pieces > 0.3:
        text = f"{usual / stats.pieces:.0%} at 120, which\nis often a placeholder"
        axes.text(0.97, 0.93, text, transform=axes.transAxes, ha="right", va="top", fontsize=8.5, color=PALE)


def _pitches(axes: Axes, stats: Statistics) -> None:
    """Notes of each pitch, as the keys of a piano; of drums where there is nothing else."""
    drums = not stats.pitches.any()
    counts = stats.drums if drums else stats.pitches
    pitch = np.arange(128)
    colours = np.where(np.isin(pitch % 12, _BLACK_KEYS), "#01446b", "#4f9ccd").tolist()
    axes.bar(pitch, counts, width=0.86, color=DRUM_COLOUR if drums else colours)
    below = np.cumsum(counts) / max(1, counts.sum())
    used = np.flatnonzero((counts > 0) & (below > 1e-4) & (below - counts / max(1, counts.sum()) < 1 - 1e-4))
    low, high = (min(int(used[0]), 48), max(int(used[-1]), 72)) if len(used) else (21, 108)
    axes.set_xlim(low - 1, high + 1)
    octaves = [c for c in range(0, 128, 12) if low <= c <= high]
    axes.set_xticks(octaves, [str(c) if drums else f"C{c // 12 - 1}" for c in octaves])
    _named(axes, "drum sounds" if drums else "pitch", "key of General MIDI's drums" if drums else "", "notes")


def _velocities(axes: Axes, stats: Statistics) -> None:
    if np.count_nonzero(stats.velocities) == 1:
        _named(axes, "velocity", "", "")
        _only(axes, str(stats.velocities.argmax()), "all notes")
        return
    axes.bar(np.arange(128), stats.velocities, width=1.0, color=_ROSE)
    axes.set_xlim(-0.5, 127.5)
    axes.set_xticks([0, 32, 64, 96, 127])
    _named(axes, "velocity", "", "notes")


def _meters(axes: Axes, stats: Statistics) -> None:
    found = stats.meters.most_common()
    if len(found) == 1:
        _named(axes, "first meter", "", "")
        _only(axes, found[0][0], "all pieces")
        return
    rows = found[:_MOST_METERS]
    rest = sum(count for _, count in found[_MOST_METERS:])
    if rest:
        rows.append(("others", rest))
    _rows(axes, [name for name, _ in rows], [count for _, count in rows], _SKY)
    _named(axes, "first meter", "pieces", "")


def _instruments(axes: Axes, stats: Statistics) -> None:
    order = np.argsort(-stats.instruments[:, 0], kind="stable")[:_MOST_INSTRUMENTS]
    order = order[stats.instruments[order, 0] > 0]
    names = [instrument_name(int(one)) for one in order]
    if len(names) == 1:
        _named(axes, "instruments", "", "")
        _only(axes, names[0], "all pieces")
        return
    colours = [DRUM_COLOUR if one == DRUM_INSTRUMENT else PALETTE[6] for one in order]
    _rows(axes, names, stats.instruments[order, 0], colours)
    others = int((stats.instruments[:, 0] > 0).sum()) - len(order)
    _named(axes, "instruments" + (f" (and {others} more)" if others else ""), "pieces that have them", "")


def _keys(axes: Axes, stats: Statistics) -> None:
    if not stats.keys.any():
        _named(axes, "likely key", "", "")
        _only(axes, "none", "no pitched notes")
        return
    at = np.arange(12)
    major = stats.keys[_FIFTHS]
    minor = stats.keys[[12 + (tonic + 9) % 12 for tonic in _FIFTHS]]
    axes.bar(at - 0.2, major, 0.38, color=PALETTE[5], label="major")
    axes.bar(at + 0.2, minor, 0.38, color=PALETTE[0], label="minor")
    names = [f"{a}\n{b}" for a, b in zip(_MAJOR_NAMES, _MINOR_NAMES, strict=True)]
    axes.set_xticks(at, names)
    axes.set_xlim(-0.6, 11.6)
    axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper right", handlelength=1, handleheight=1)
    axes.set_ylim(0, max(1, 1.18 * max(major.max(), minor.max())))
    _named(axes, "likely key, by the circle of fifths", "", "pieces")


def _only(axes: Axes, value: str, of: str) -> None:
    """Describe a constant value in words, instead of a plot with one bar."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    axes.text(0, 0.62, value, fontsize=24, color=INK, transform=axes.transAxes, va="center")
    axes.text(0, 0.38, of, fontsize=11, color=PALE, transform=axes.transAxes, va="center")


def _histogram(
    axes: Axes,
    values: Sequence[float],
    title: str,
    unit: str,
    colour: str,
    ticks: Sequence[int],
    text: Callable[[float], str],
) -> None:
    """Pieces by a positive quantity on a logarithmic scale, with the median marked."""
    found = np.maximum(np.asarray(values, np.float64), 0.1)
    low, high = (found.min() / 1.1, found.max() * 1.1) if len(found) else (1.0, 10.0)
    counts, edges = np.histogram(found, np.geomspace(low, high, 37))
    axes.set_xscale("log")
    _bars(axes, counts, edges, colour)
    if len(found):
        middle = float(np.median(found))
        axes.axvline(middle, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        # On the side with more room.
        left = middle > np.sqrt(low * high)
        axes.annotate(
            f"median {text(middle)}", (middle, 0.97), (-5 if left else 5, 0), axes.get_xaxis_transform(),
            "offset points", fontsize=8.5, va="top", ha="right" if left else "left", color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
        )  # fmt: skip
    _named(axes, title, unit, "pieces")
    shown = [tick for tick in ticks if low <= tick <= high]
    axes.set_xticks(shown, [text(tick) for tick in shown])
    axes.set_xticks([], minor=True)


def _bars(axes: Axes, counts: NDArray[Any], edges: NDArray[Any], colour: str) -> None:
    axes.bar(edges[:-1], counts, np.diff(edges) * 0.92, align="edge", color=colour)
    axes.set_xlim(edges[0], edges[-1])


def _rows(axes: Axes, names: Sequence[str], counts: ArrayLike, colours: str | Sequence[str]) -> None:
    """Horizontal bars, the first on top, each with its number behind it."""
    counts = np.asarray(counts)
    axes.barh(np.arange(len(names)), counts, 0.74, color=colours)
    axes.set_yticks(np.arange(len(names)), [figures.drawable(name, 24) for name in names])
    axes.set_ylim(max(len(names), 5) - 0.4, -0.6)
    most = counts.max(initial=1)
    for place, count in enumerate(counts):
        axes.text(count + 0.02 * most, place, _short(count), va="center", fontsize=7.5, color=PALE)
    axes.set_xlim(0, 1.22 * most)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=11, fontweight="bold", color=INK, loc="left")
    axes.set_xlabel(x, fontsize=9, color=PALE)
    axes.set_ylabel(y, fontsize=9, color=PALE)
    axes.tick_params(labelsize=8.5, labelcolor=INK, color=PALE)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c8c8c8")
    if y:
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axes.grid(axis="y", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)


def _clock(seconds: float) -> str:
    """A time in few characters: 4 s, 7:13, 2 h."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{seconds / 3600:.2g} h"


def _short(value: float) -> str:
    """A number in few characters: 7.13 M, 12.3 k, 201, 4.5."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.3g} {letter}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
