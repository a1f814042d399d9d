"""Notation files (MusicXML, MXL, ABC, kern, ...) and music21 objects, through music21."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.errors import MissingExtraError, NotationError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.notation.archives import unpacked
from symbolic_music.io.notation.source import parse_musicxml, written_music
from symbolic_music.io.notation.to_score import as_played
from symbolic_music.score import KEY, METER, TEMPO, Array, Score, Track, note_table

# Divisible by 32nds, triplets, quintuplets and septuplets of a quarter.
_TICKS_PER_QUARTER = 10_080
_VELOCITY = 80


def read_notation(path: str | Path) -> Score:
    """Read a notation file as it is written; of several pieces in one file the first, which `Score.problems` then says.

    Raises:
        MissingExtraError: when the format needs music21 and it is not installed.
        NotationError: when it cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".musicxml", ".xml", ".mxl"):
        try:
            return parse_musicxml(_document(path))
        except NotationError as error:
            raise NotationError(f"{path}: {error}") from None
    return _read_by_music21(path)


def read_unfolded(path: str | Path) -> Score:
    """Read a MusicXML file as it is played: with its repeats, endings, da capo and dal segno, and a verse a pass.

    Raises:
        NotationError: when it cannot be read.
    """
    path = Path(path)
    try:
        return as_played(written_music(_document(path)))
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None


def _document(path: Path) -> bytes:
    """The MusicXML document of a file."""
    data = path.read_bytes()
    return unpacked(data) if path.suffix.lower() == ".mxl" or data.startswith(b"PK\x03\x04") else data


def _read_by_music21(path: Path) -> Score:
    try:
        from music21 import converter
    except ImportError:
        raise MissingExtraError("music21", "notation") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = converter.parse(str(path), forceSource=True)
            pieces = list(getattr(stream, "scores", [])) if "Opus" in stream.classes else [stream]
            score = from_music21(pieces[0])
    except Exception as error:  # music21's parsers raise whatever their input makes them stumble on
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise NotationError(f"{path}: music21 cannot read it ({reason})") from None
    if len(pieces) > 1:
        return score.replace(problems=(f"{len(pieces)} pieces in one file: only the first is read",))
    return score


def from_music21(stream: Any) -> Score:
    """A Score from a music21 stream: a track a part, ties joined, grace notes left out, repeats not unfolded.

    Velocity is that of each note where music21 knows one, else 80.
    """
    parts = list(stream.parts) if getattr(stream, "parts", None) else [stream]
    tables: list[Array] = []
    tracks: list[Track] = []
    for index, part in enumerate(parts):
        track = _track(part)
        tracks.append(track)
        columns = np.array(_rows(part), np.int64).reshape(-1, 4)
        channel = DRUM_CHANNEL if track.is_drum else [c for c in range(16) if c != DRUM_CHANNEL][index % 15]
        tables.append(
            note_table(
                onset=columns[:, 0],
                duration=columns[:, 1],
                pitch=columns[:, 2],
                velocity=columns[:, 3],
                program=np.full(len(columns), track.program),
                channel=np.full(len(columns), channel),
                track=np.full(len(columns), index),
            )
        )
    first = parts[0].flatten()
    return Score(
        ticks_per_quarter=_TICKS_PER_QUARTER,
        notes=np.concatenate(tables),
        tempos=_tempos(stream),
        meters=_table(
            [(_ticks(m.offset), m.numerator, m.denominator) for m in first.getElementsByClass("TimeSignature")], METER
        ),
        keys=_table([_key(k) for k in first.getElementsByClass("KeySignature")], KEY),
        tracks=tuple(tracks),
    )


def _rows(part: Any) -> list[list[int]]:
    """(onset, duration, pitch, velocity) of each note; what is tied is one note, in whatever voices its parts stand."""
    rows: list[list[int]] = []
    tied: dict[tuple[int, int], int] = {}  # (pitch, end) -> row of a note that is tied to a next one
    for element in part.flatten().notes:
        if element.duration.isGrace or not hasattr(element, "pitches"):
            continue
        onset = _ticks(element.offset)
        end = max(onset + 1, _ticks(element.offset + element.duration.quarterLength))
        velocity = int(element.volume.velocity or _VELOCITY)
        for note in getattr(element, "notes", (element,)):
            pitch = int(note.pitch.midi)
            tie = note.tie or element.tie
            kind = "" if tie is None else tie.type
            row = tied.pop((pitch, onset), None) if kind in ("stop", "continue") else None
            if row is None:
                row = len(rows)
                rows.append([onset, 0, pitch, velocity])
            rows[row][1] = end - rows[row][0]
            if kind in ("start", "continue"):
                tied[pitch, end] = row
    return rows


def _ticks(quarters: float | Fraction) -> int:
    return round(Fraction(quarters).limit_denominator(_TICKS_PER_QUARTER) * _TICKS_PER_QUARTER)


def _track(part: Any) -> Track:
    instrument = part.getInstrument(returnDefault=True)
    program = instrument.midiProgram
    is_drum = instrument.midiChannel == DRUM_CHANNEL or "Percussion" in type(instrument).__name__
    return Track(str(part.partName or ""), 0 if program is None or is_drum else int(program), bool(is_drum))


def _tempos(stream: Any) -> Array:
    rows = []
    for start, _, mark in stream.metronomeMarkBoundaries():
        quarters_per_minute = mark.getQuarterBPM()
        if quarters_per_minute:
            rows.append((_ticks(start), min(0xFFFFFF, round(60_000_000 / quarters_per_minute))))
    return _table(rows, TEMPO)


def _key(key: Any) -> tuple[int, int, int]:
    return _ticks(key.offset), int(key.sharps), int(getattr(key, "mode", "major") == "minor")


def _table(rows: Sequence[tuple[int, ...]], dtype: np.dtype[Any]) -> Array:
    return np.array(rows, dtype) if rows else np.zeros(0, dtype)
