"""Spectra of sound as pictures, alone or above the notes that were found in them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from symbolic_music.errors import AudioError
from symbolic_music.plotting.colours import INK, PALETTE
from symbolic_music.plotting.figures import drawable
from symbolic_music.score import Score
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.spectrograms import Spectrum, constant_q

_RANGE = 70  # dB under the loudest that are drawn
_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MATCHED = 0.05  # seconds


def spectrum_figure(spectrum: Spectrum, title: str | None = None) -> Figure:
    """A picture of a spectrum: dark where it is loud, on a logarithmic axis of frequency but for a chroma.

    Args:
        spectrum: of `transcription.spectrogram` and its likes.
        title: a line above.

    Raises:
        AudioError: for a spectrum without frames.

    Examples:
        >>> found = sm.transcription.constant_q(sm.render(melody, sample_rate=8000))
        >>> sm.plotting.save_figure(sm.plotting.spectrum_figure(found), "spectrum.png").name
        'spectrum.png'
    """
    figure = Figure(figsize=(9, 3.6), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, spectrum)
    axes.set_xlabel("seconds", color=INK)
    if title:
        axes.set_title(drawable(title), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figure


def transcription_figure(audio: Audio, found: Score, truth: Score | None = None, title: str | None = None) -> Figure:
    """The constant-Q spectrum of a recording, above the notes that were found in it.

    Where the notes that were played are known, they stand between the two; those that were not found are orange there,
    as are those below that were not played. A note is found when one of its pitch begins within 50 ms.

    Args:
        audio: the recording.
        found: its transcription.
        truth: what was played.
        title: a line above.

    Raises:
        As `transcription.constant_q`.

    Examples:
        >>> heard = sm.render(melody, sample_rate=16000)
        >>> figure = sm.plotting.transcription_figure(heard, melody, melody)
        >>> len(figure.axes)
        3
    """
    rows = 2 if truth is None else 3
    figure = Figure(figsize=(9, 2.4 * rows), facecolor="white", layout="constrained")
    axes = list(figure.subplots(rows, 1, sharex=True))
    _draw(axes[0], constant_q(audio))
    scores = [("found", found, truth)] if truth is None else [("played", truth, found), ("found", found, truth)]
    pitches = np.concatenate([score.notes["pitch"] for _, score, _ in scores]).astype(int)
    lowest, highest = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 72)
    last = max(score.duration for _, score, _ in scores)
    for own, (name, score, other) in zip(axes[1:], scores, strict=True):
        _roll(own, score, other)
        own.set_ylabel(f"{name}: pitch", color=INK)
        own.set_ylim(lowest - 3, highest + 3)
    axes[0].set_xlim(0, min(audio.duration, last + 0.5) if last else audio.duration)
    axes[-1].set_xlabel("seconds", color=INK)
    if title:
        axes[0].set_title(drawable(title), loc="left", fontsize=11, fontweight="bold", parse_math=False)
    return figure


def _draw(axes: Axes, spectrum: Spectrum) -> None:
    if not spectrum.values.size:
        raise AudioError("a spectrum without frames is nothing to draw")
    half = (spectrum.times[1] - spectrum.times[0]) / 2 if len(spectrum.times) > 1 else 0.5
    edges = np.append(spectrum.times - half, spectrum.times[-1] + half)
    if spectrum.kind == "chroma":
        axes.pcolormesh(edges, np.arange(13) - 0.5, spectrum.values, cmap="Blues", vmin=0, vmax=1, rasterized=True)
        axes.set_yticks(range(12), _CLASSES)
        return
    kept = spectrum.frequencies > 0
    hz, values = spectrum.frequencies[kept], spectrum.decibels[kept]
    middle = np.sqrt(hz[1:] * hz[:-1]) if len(hz) > 1 else np.zeros(0)
    rows = np.concatenate([hz[:1] ** 2 / middle[:1], middle, hz[-1:] ** 2 / middle[-1:]]) if len(middle) else [0.5, 2.0]
    loudest = float(values.max())
    axes.pcolormesh(edges, rows, values, cmap="Blues", vmin=loudest - _RANGE, vmax=loudest, rasterized=True)
    axes.set_yscale("log")
    axes.set_ylabel("Hz", color=INK)


def _roll(axes: Axes, score: Score, other: Score | None) -> None:
    """Notes as lines; orange where the other score has none that begins there."""
    start, end, pitch = score.onset_seconds, score.offset_seconds, score.notes["pitch"].astype(np.int64)
    matched = np.ones(len(score), bool)
    if other is not None:
        theirs = other.onset_seconds
        for row in range(len(score)):
            near = np.abs(theirs - start[row]) < _MATCHED
            matched[row] = bool((other.notes["pitch"][near] == pitch[row]).any())
    lines = np.stack([np.stack([start, pitch], axis=1), np.stack([end, pitch], axis=1)], axis=1)
    colours = [PALETTE[0] if good else PALETTE[1] for good in matched]
    axes.add_collection(LineCollection(list(lines), colors=colours, linewidths=2.2, capstyle="butt"))
