"""The audio of a piece from any moment on, as raw samples in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from symbolic_music.errors import RegionError
from symbolic_music.score import CONTROL, NOTE, Score, joined
from symbolic_music.synthesis import estimated_gain, stream
from symbolic_music.synthesis.mixing import controllers
from symbolic_music.transforms import clip

SAMPLE_RATE = 44100
CHUNK = 2048
_VOLUME, _PAN = 7, 10


def mixed(score: Score, silent: Sequence[int] = (), volumes: Mapping[int, float] | None = None) -> Score:
    """The piece for playback: silent tracks removed, others scaled by a factor, positions kept.

    A volume is put into controller 7, which is that of amplitude squared; see `synthesis.controllers`.
    """
    places = controllers.positions(score)
    panned = set(score.controls["track"][score.controls["number"] == _PAN].tolist())
    added = [(0, _PAN, round(64 + 63 * place), t) for t, place in places.items() if t not in panned]
    controls = score.controls
    for track, factor in (volumes or {}).items():
        own = (controls["track"] == track) & (controls["number"] == _VOLUME)
        scale = np.sqrt(max(0.0, factor))
        if not own.any():
            added.append((0, _VOLUME, int(np.clip(round(100 * scale), 0, 127)), track))
            continue
        controls = controls.copy()
        controls["value"][own] = np.clip(np.rint(controls["value"][own] * scale), 0, 127)
    controls = joined([np.array(added, CONTROL), controls], CONTROL)
    return score.replace(notes=score.notes[~np.isin(score.notes["track"], list(silent))], controls=controls)


def from_moment(score: Score, start: float, end: float | None = None) -> Score:
    """The part from a moment on, notes that sound there included, moved to begin at 0.

    Args:
        score: the piece.
        start, end: seconds; the piece's end when None.
    """
    last = max(score.duration, start) + 1.0 if end is None else end
    if not 0 <= start < last:
        raise RegionError(f"cannot play from {start:g} s to {last:g} s")
    whole = clip(score, start, last)
    if start <= 0:
        return whole
    first = round(float(score.ticks(start)))
    ends = score.notes["onset"].astype(np.int64) + score.notes["duration"]
    held = joined([score.notes[(score.notes["onset"] < first) & (ends > first)]], NOTE)
    held["duration"] = np.minimum(held["onset"].astype(np.int64) + held["duration"] - first, 1 << 28)
    held["onset"] = 0
    # A stroke on a drum is over.
    held = held[held["channel"] != 9]
    return whole.replace(notes=joined([held, whole.notes], NOTE))


def samples(score: Score, gain: float, synth: str = "ddsp") -> Iterator[bytes]:
    """Stereo, 16 bits, little endian, left and right in turn, 44.1 kHz, chunk by chunk."""
    if not len(score):
        return
    for block in stream(score, synth, SAMPLE_RATE, chunk=CHUNK, gain=gain):
        yield np.rint(np.clip(block.T, -1, 1) * 32767).astype("<i2").tobytes()


def level(score: Score) -> float:
    """dB by which a piece is made louder, the same from wherever it is played; see `synthesis.estimated_gain`."""
    return estimated_gain(score) if len(score) else 0.0
