"""Folders of recordings of one instrument, and the notes in them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import AudioError, FileError
from symbolic_music.synthesis.analysis.features import track_pitch
from symbolic_music.synthesis.analysis.harmonics import HOP, RATE
from symbolic_music.synthesis.analysis.notes import TakenNote, resampled, take_struck, take_sustained
from symbolic_music.synthesis.audio import read_audio

SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")
# A file whose measured pitch is further from its name than this was resampled, not mistuned.
MISNAMED = 1.0
SHORTEST_NOTE = 0.12


@dataclass(frozen=True)
class Recording:
    """A file, the pitch that it is named after (None: unknown, and it may hold several notes), and what it measures."""

    path: Path
    named: float | None = None
    measured: float | None = None


def recordings(folder: Path) -> list[Recording]:
    """The sound files of a folder in the order of their names.

    Pitches come from an index.csv in the folder or above it (columns file, midi_note and, if any,
    measured_midi_pitch), where there is one.

    Raises:
        FileError: when there is no such folder or no sound in it, or the index is broken.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder of recordings")
    rows: dict[Path, tuple[float | None, float | None]] = {}
    for index in (folder / "index.csv", folder.parent / "index.csv"):
        if not rows and index.is_file():
            try:
                with index.open(newline="", encoding="utf-8-sig") as file:
                    for row in csv.DictReader(file):
                        pitches = _pitch(row.get("midi_note")), _pitch(row.get("measured_midi_pitch"))
                        rows[(index.parent / (row.get("file") or "")).resolve()] = pitches
            except (OSError, ValueError, csv.Error) as error:
                raise FileError(f"cannot read {index}: {error}") from None
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    found = [Recording(path, *rows.get(path.resolve(), ())) for path in paths]
    if not found:
        raise FileError(f"{folder} holds no recordings ({', '.join(SUFFIXES)})")
    return found


def _pitch(text: str | None) -> float | None:
    if text and not 0 <= float(text) <= 128:
        raise ValueError(f"{text} is no pitch from 0 to 127")
    return float(text) if text else None


def samples_of(recording: Recording) -> NDArray[np.float32]:
    """The sound at 44.1 kHz, channels averaged, at the pitch that it is named after where it was resampled.

    Raises:
        FileError: when it cannot be read, or is not finite.
        MissingExtraError: without soundfile, or soxr for another rate.
    """
    sound = read_audio(recording.path)
    if not np.isfinite(sound.samples).all():
        raise FileError(f"{recording.path} holds samples that are not finite")
    return resampled(np.ascontiguousarray(sound.samples.mean(axis=0)), sound.sample_rate * _correction(recording))


def _correction(recording: Recording) -> float:
    if recording.named is None or recording.measured is None:
        return 1.0
    off = recording.named - recording.measured
    return 2 ** (off / 12) if abs(off) > MISNAMED else 1.0


def taken_notes(recording: Recording, struck: bool) -> Iterator[TakenNote]:
    """The notes of a recording, taken apart; those that are too short or unclear are left out.

    Args:
        recording: one note of a known pitch, or a line that nobody accompanies.
        struck: of a piano, a guitar or the like. Its pitch must be known.

    Raises:
        AudioError: for a struck note of no known pitch.
    """
    if struck:
        if recording.named is None:
            raise AudioError(f"{recording.path}: the pitch of a struck note must be in an index.csv")
        yield take_struck(samples_of(Recording(recording.path)), recording.named)
        return
    sound = samples_of(recording)
    near, moved = recording.measured if recording.measured is not None else recording.named, _correction(recording)
    pieces = [(near if moved == 1.0 else recording.named, sound)] if near is not None else split_line(sound)
    for pitch, piece in pieces:
        try:
            yield take_sustained(piece, pitch)
        except AudioError:
            continue


def split_line(samples: NDArray[np.float32]) -> list[tuple[float | None, NDArray[np.float32]]]:
    """A line cut into its notes, each with its pitch: where the pitch moves by half a semitone or the voice stops.

    A little of what is before and after goes with each note, and is faded, so that its onset is seen.
    """
    pitch, voiced = track_pitch(samples, RATE, round(HOP * RATE))
    notes: list[tuple[int, int]] = []
    start = 0
    for frame in range(1, len(pitch) + 1):
        ends = frame == len(pitch) or not voiced[frame]
        if voiced[start] and not ends and abs(pitch[frame] - np.median(pitch[start:frame])) < 0.6:
            continue
        if voiced[start] and (frame - start) * HOP >= SHORTEST_NOTE:
            notes.append((start, frame))
        start = frame
    found: list[tuple[float | None, NDArray[np.float32]]] = []
    margin = round(0.03 / HOP)
    for first, last in notes:
        at = [round(min(len(pitch) - 1, max(0, f)) * HOP * RATE) for f in (first - margin, last + margin)]
        piece = samples[at[0] : at[1]].copy()
        fade = np.linspace(0, 1, max(1, min(round(0.02 * RATE), len(piece) // 4)), dtype=np.float32)
        piece[: len(fade)] *= fade
        piece[-len(fade) :] *= fade[::-1]
        found.append((float(np.median(pitch[first:last])), piece))
    return found
