"""Plot the same music in several encodings: a box for each id, coloured by its type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.plotting.colours import INK, PALE, rgb, track_colour
from symbolic_music.score import Score
from symbolic_music.tokenizers.base import Tokenizer

_TIME = ("bar", "position", "beat", "time", "shift", "timeshift", "rest", "separator", "timesig")
# What a type of token says, and its colour.
_MEANINGS = {
    "bar, position, time": ("#0072B2", _TIME),
    "pitch": ("#D55E00", ("pitch", "pitchdrum", "note", "noteon", "note on")),
    "end": ("#E69F00", ("noteoff", "duration", "note duration")),
    "loudness": ("#009E73", ("velocity", "note velocity")),
    "part": ("#CC79A7", ("program", "part")),
    "tempo, chord": ("#6A51A3", ("tempo", "chord", "tempo class", "tempo value")),
    "other": ("#8a8a8a", ()),
}
_SHORT = {
    "Position": "Pos", "Velocity": "Vel", "Note Velocity": "Vel", "Duration": "Dur", "Note Duration": "Dur",
    "TimeShift": "Shift", "Program": "Prog", "NoteOn": "On", "Note On": "On", "NoteOff": "Off", "TimeSig": "Meter",
    "Family": "", "Type": "", "ControlTime": "CTime", "ControlDuration": "CDur", "ControlNote": "CNote",
    "ControlVelocity": "CVel", "Tempo Class": "Tempo", "Tempo Value": "Tempo",
}  # fmt: skip
_MOST_IDS = 600
_WIDTH, _MARGIN, _BOX, _LINE, _SPACE, _CHARACTER = 11.0, 0.25, 0.24, 0.3, 0.05, 0.083
_HEADING, _LEGEND, _ROLL = 0.42, 0.35, 1.6


def encodings(score: Score, tokenizers: Sequence[Tokenizer], labels: Sequence[str] = ()) -> Figure:
    """A piano roll of a few bars, and below it what each tokenizer makes of them, a box an id.

    Words of several fields stand as columns, their unused fields left out; an encoding of each track alone shows
    its sequences after each other.

    Args:
        score: a few notes.
        tokenizers: whose ids to show, in this order.
        labels: a heading each; name and preset without.

    Raises:
        EmptyScoreError: when there are no notes.
        OptionError: when an encoding has more than 600 ids.

    Examples:
        >>> short = melody.clip(0, 2)
        >>> figure = sm.plotting.encodings(short, [sm.tokenizers.get("performance"), sm.tokenizers.get("remi")])
        >>> sm.plotting.save_figure(figure, "encodings.png").name
        'encodings.png'
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to encode")
    blocks = []
    for index, tokenizer in enumerate(tokenizers):
        words = _words(tokenizer, score)
        count = len(words)
        if count > _MOST_IDS:
            raise OptionError(
                f"{tokenizer.name} has {count} ids here; at most {_MOST_IDS} can be shown: clip the score"
            )
        label = labels[index] if index < len(labels) else f"{tokenizer.name}, {tokenizer.preset}"
        fields = len(tokenizer.vocabulary.sizes)
        what = f"{count} words of {fields} fields" if fields > 1 else f"{count} ids"
        blocks.append((f"{label}: {what}, vocabulary {len(tokenizer.vocabulary):,}", _lines(words)))
    height = _ROLL + _LEGEND + _MARGIN + sum(_HEADING + _tall(lines) for _, lines in blocks)
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(0, height)
    axes.axis("off")
    _draw_roll(figure, score, height)
    top = height - _ROLL
    _draw_legend(axes, top)
    top -= _LEGEND
    for heading, lines in blocks:
        axes.text(_MARGIN, top - 0.22, heading, fontsize=9.5, fontweight="bold", color=INK, va="center")
        top -= _HEADING
        for line in lines:
            deepest = max(len(word) for word, _, _ in line)
            for word, left, wide in line:
                for row, (text, colour) in enumerate(word):
                    _draw_box(axes, text, colour, _MARGIN + left, top - row * _BOX, wide)
            top -= deepest * _BOX + _LINE - _BOX
    return figure


Word = list[tuple[str, str]]


def _words(tokenizer: Tokenizer, score: Score) -> list[Word]:
    """Every id, or word of ids, as (text, colour)."""
    encoded = tokenizer.encode(score)
    sequences: Sequence[NDArray[np.int32]] = encoded if isinstance(encoded, list) else [encoded]
    words = []
    for ids in sequences:
        for word in ids.reshape(len(ids), -1).tolist():
            names = [tokenizer.vocabulary.name(token, field) for field, token in enumerate(word)]
            kept = [name for name in names if not name.startswith(("Ignore", "PAD")) and name != "0"]
            words.append([(_short(name), _colour(name)) for name in kept or names[:1]])
    return words


def _short(name: str) -> str:
    kind, _, value = name.partition("_")
    short = _SHORT.get(kind, kind)
    return short if value in ("", "None") else f"{short} {value}".strip()


def _colour(name: str) -> str:
    kind = name.partition("_")[0].lower().removeprefix("control")
    return next((colour for colour, kinds in _MEANINGS.values() if kind in kinds), _MEANINGS["other"][0])


def _lines(words: list[Word]) -> list[list[tuple[Word, float, float]]]:
    """Words with their left edges and widths, broken into lines."""
    lines: list[list[tuple[Word, float, float]]] = [[]]
    left = 0.0
    for word in words:
        wide = _CHARACTER * max(2, *(len(text) for text, _ in word), 2) + 0.09
        if left + wide > _WIDTH - 2 * _MARGIN:
            lines.append([])
            left = 0.0
        lines[-1].append((word, left, wide))
        left += wide + _SPACE
    return [line for line in lines if line]


def _tall(lines: list[list[tuple[Word, float, float]]]) -> float:
    return sum(max(len(word) for word, _, _ in line) * _BOX + _LINE - _BOX for line in lines)


def _draw_box(axes: Axes, text: str, colour: str, left: float, top: float, wide: float) -> None:
    pale = tuple(1 - 0.22 * (1 - rgb(colour)))
    box = FancyBboxPatch(
        (left, top - _BOX + 0.03), wide, _BOX - 0.03, boxstyle="round,pad=0,rounding_size=0.04",
        facecolor=pale, edgecolor=colour, linewidth=0.7,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(left + wide / 2, top - _BOX / 2 + 0.012, text, fontsize=7, ha="center", va="center", color=INK)


def _draw_legend(axes: Axes, top: float) -> None:
    left = _MARGIN
    for meaning, (colour, _) in _MEANINGS.items():
        _draw_box(axes, "", colour, left, top - 0.04, 0.22)
        axes.text(left + 0.29, top - 0.15, meaning, fontsize=8, va="center", color=INK)
        left += 0.52 + 0.075 * len(meaning)


def _draw_roll(figure: Figure, score: Score, height: float) -> None:
    axes = figure.add_axes((_MARGIN / _WIDTH, (height - _ROLL + 0.1) / height, 1 - 2 * _MARGIN / _WIDTH, 1.4 / height))
    notes = score.notes
    low, high = int(notes["pitch"].min()) - 2, int(notes["pitch"].max()) + 3
    tall = max(0.9, (high - low) / 16)
    for note in notes:
        colour = tuple(track_colour(int(note["track"])))
        axes.broken_barh(
            [(float(note["onset"]), max(float(note["duration"]), 1.0))], (float(note["pitch"]) + 0.5 - tall / 2, tall),
            facecolor=colour, edgecolor="white", linewidth=0.8,
        )  # fmt: skip
    bars = score.bars()
    for tick in bars:
        axes.axvline(tick, color=PALE, linewidth=1.0, zorder=0)
    for tick in range(0, score.end + 1, score.ticks_per_quarter):
        axes.axvline(tick, color=PALE, linewidth=0.3, zorder=0)
    axes.set_xlim(0, score.end)
    axes.set_ylim(low, high)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(PALE)
