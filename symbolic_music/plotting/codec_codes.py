"""Plot a score, its audio and the codes of that audio, one below the other."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from symbolic_music.errors import EmptyScoreError, OptionError
from symbolic_music.plotting import figures
from symbolic_music.plotting.colours import INK, PALE, track_colour
from symbolic_music.score import Score

_WIDTH, _LEFT, _RIGHT = 11.0, 0.9, 0.15
_ROLL, _SPECTRUM, _ROW, _GAP, _BELOW, _TITLE = 1.8, 1.5, 0.22, 0.12, 0.42, 0.35
_LONGEST = 60.0  # seconds
_SIZE, _HOP, _FLOOR = 1024, 128, -80.0


def codes_beside_roll(
    score: Score,
    codes: NDArray[np.int64],
    frame_rate: float,
    sound: NDArray[np.float32] | None = None,
    sample_rate: int = 24_000,
    title: str | None = None,
) -> Figure:
    """A piano roll, the spectrum of a sound, and codes: a row a codebook, a colour an entry.

    Args:
        score: with notes.
        codes: (K, T).
        frame_rate: of the codes.
        sound: (n,) at `sample_rate`, or None for no spectrum.
        title: the title.

    Raises:
        EmptyScoreError: when there is no note.
        OptionError: for codes of another shape, or of more than a minute.

    Examples:
        >>> codec = sm.codec.load_codec("codec")
        >>> codes = sm.codec.encode_audio(sm.render(melody.clip(0, 2), sample_rate=24000), codec)
        >>> figure = sm.plotting.codes_beside_roll(melody, codes.codes, codec.format.frame_rate)
        >>> sm.plotting.save_figure(figure, "codes.png").name
        'codes.png'
    """
    if not len(score):
        raise EmptyScoreError("this score has no notes to draw")
    if codes.ndim != 2 or not codes.size:
        raise OptionError(f"codes are (codebooks, frames), not {codes.shape}")
    seconds = codes.shape[1] / frame_rate
    if seconds > _LONGEST:
        raise OptionError(f"{seconds:.0f} s of codes have no room; at most {_LONGEST:.0f} s")
    rows = [_ROLL, *([] if sound is None else [_SPECTRUM]), _ROW * len(codes)]
    height = (_TITLE if title else 0.1) + sum(rows) + _GAP * (len(rows) - 1) + _BELOW
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    top, lanes = height - (_TITLE if title else 0.1), list[Axes]()
    for tall in rows:
        place = (_LEFT / _WIDTH, (top - tall) / height, 1 - (_LEFT + _RIGHT) / _WIDTH, tall / height)
        lanes.append(figure.add_axes(place, sharex=lanes[0] if lanes else None))
        lanes[-1].tick_params(labelsize=7, labelcolor=INK, bottom=False, labelbottom=False)
        for side in lanes[-1].spines.values():
            side.set_color(PALE)
        top -= tall + _GAP
    _draw_notes(lanes[0], score)
    if sound is not None:
        _draw_spectrum(lanes[1], sound, sample_rate)
    colours = np.stack([codes * 0.618034 % 1.0, np.full(codes.shape, 0.65), np.full(codes.shape, 0.92)], axis=-1)
    lanes[-1].imshow(hsv_to_rgb(colours), aspect="auto", interpolation="nearest", extent=(0, seconds, len(codes), 0))
    lanes[-1].set_yticks(np.arange(len(codes)) + 0.5, [str(k + 1) for k in range(len(codes))])
    lanes[-1].set_ylabel("codebook", fontsize=8, color=INK)
    lanes[-1].tick_params(bottom=True, labelbottom=True)
    lanes[-1].set_xlabel("seconds", fontsize=8, color=INK)
    lanes[0].set_xlim(0, seconds)
    if title:
        figure.text(
            _LEFT / _WIDTH, 1 - 0.12 / height, figures.drawable(title, 120), ha="left", va="top", fontsize=11,
            fontweight="bold", color=INK, parse_math=False,
        )  # fmt: skip
    return figure


def _draw_notes(axes: Axes, score: Score) -> None:
    starts, ends = score.onset_seconds, score.offset_seconds
    for note, start, end in zip(score.notes, starts, ends, strict=True):
        colour = tuple(track_colour(int(note["track"])))
        axes.broken_barh([(start, max(end - start, 0.02))], (note["pitch"] - 0.45, 0.9), facecolor=colour)
    pitches = score.notes["pitch"]
    axes.set_ylim(int(pitches.min()) - 2, int(pitches.max()) + 3)
    named = [p for p in range(int(pitches.min()) - 2, int(pitches.max()) + 3) if p % 12 == 0]
    axes.set_yticks(named, [f"C{p // 12 - 1}" for p in named])


def _draw_spectrum(axes: Axes, sound: NDArray[np.float32], sample_rate: int) -> None:
    """Levels in dB below the loudest, frequencies up to 8 kHz."""
    padded = np.pad(sound.astype(np.float64), _SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP] * np.hanning(_SIZE)
    level = np.abs(np.fft.rfft(frames, axis=1)).T
    decibels = 20 * np.log10(np.maximum(level / max(level.max(), 1e-9), 10 ** (_FLOOR / 20)))
    extent = (0.0, len(sound) / sample_rate, 0.0, sample_rate / 2000)
    axes.imshow(decibels, origin="lower", aspect="auto", cmap="magma", vmin=_FLOOR, vmax=0, extent=extent)
    axes.set_ylim(0, min(8.0, sample_rate / 2000))
    axes.set_ylabel("kHz", fontsize=8, color=INK)
