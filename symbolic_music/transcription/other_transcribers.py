"""Transcribers and beat trackers of other packages, where they are installed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import AudioError, EmptyScoreError, MissingExtraError
from symbolic_music.synthesis.audio import Audio
from symbolic_music.transcription.beats import Beats
from symbolic_music.transcription.notes import Note, Thresholds

_METERS = (2, 12)  # beats of a bar


def by_basic_pitch(audio: Audio | str | Path, thresholds: Thresholds | None = None) -> list[Note]:
    """Notes by basic-pitch (Bittner et al. 2022), without its bends; thresholds are its own when omitted.

    Raises:
        MissingExtraError: where basic-pitch is not installed.
    """
    inference = _module("basic_pitch.inference", "basic-pitch")
    own = {} if thresholds is None else {"onset_threshold": thresholds.onset, "frame_threshold": thresholds.frame}
    with _file(audio) as path, redirect_stdout(StringIO()):  # it prints what it does
        _, _, events = inference.predict(str(path), **own)
    found = [
        Note(float(start), float(end), int(pitch), int(np.clip(round(127 * float(loud)), 1, 127)))
        for start, end, pitch, loud, *_ in events
    ]
    return sorted(found)


def by_beat_this(audio: Audio | str | Path, device: str = "cpu") -> Beats:
    """Beats and downbeats of sound by Beat This! (Foscarin et al., ISMIR 2024).

    The meter is that of most bars, and the first downbeat the one that most others agree with.

    Raises:
        MissingExtraError: where beat_this is not installed.
        EmptyScoreError: when it finds fewer than two beats.

    Examples:
        >>> sm.transcription.track_beats_of_sound("take.wav")
        Traceback (most recent call last):
        MissingExtraError: beat-this is not installed; run: pip install beat-this
    """
    inference = _module("beat_this.inference", "beat-this")
    with _file(audio) as path:
        beats, downbeats = inference.File2Beats(checkpoint_path="final0", device=device)(str(path))
    times = np.asarray(beats, np.float64)
    if len(times) < 2:
        raise EmptyScoreError("beat_this finds no beats in this recording")
    at = np.searchsorted(times, np.asarray(downbeats, np.float64) - 0.05)
    at = np.unique(at[at < len(times)])
    lengths = np.diff(at)
    lengths = lengths[(lengths >= _METERS[0]) & (lengths <= _METERS[1])]
    meter = int(np.bincount(lengths).argmax()) if len(lengths) else 4
    first = int(np.bincount(at % meter).argmax()) if len(at) else 0
    return Beats(times, meter, first)


def _module(name: str, package: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtraError(package) from None


@contextmanager
def _file(audio: Audio | str | Path) -> Iterator[Path]:
    """A file of the sound, for packages that read files."""
    if not isinstance(audio, Audio):
        yield Path(audio)
        return
    if audio.peak == 0:
        raise AudioError("this recording is silent")
    with tempfile.TemporaryDirectory(prefix="symbolic-music-") as folder:
        scaled = Audio(audio.samples * np.float32(min(1.0, 0.999 / audio.peak)), audio.sample_rate)
        yield scaled.write(Path(folder) / "sound.wav")
