"""music21's streams, to and from Score."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import KEY, METER, TEMPO, Array, Score, Track, note_table

_TICKS_PER_QUARTER = 10_080
_VELOCITY = 80
# Grids of a quarter that notation can write: 128ths; 32nds and triplets of them.
_WRITABLE = (32, 24)
# What a part that is on neither is rounded to: 16ths and eighth triplets, as in music21's own quantisation.
_ROUNDED = (4, 3)


def to_music21(score: Score) -> Any:
    """A `music21.stream.Score`: a part a track, with its instrument, tempos, meters and keys.

    A part whose times are 128ths, or 32nds and triplets, stays as it is; the times of any other are rounded to the
    nearer of 16ths and eighth triplets. Notes of a part that begin and end together are a chord.
    Controllers, bends and texts are left out.

    Raises:
        MissingExtraError: without music21.

    Examples:
        >>> len(sm.io.to_music21(song).parts)
        4
    """
    try:
        from music21 import instrument, key, meter, stream, tempo
    except ImportError:
        raise MissingExtraError("music21", "notation") from None
    out: Any = stream.Score()
    for index, track in enumerate(score.tracks or (Track(),)):
        part: Any = stream.Part()  # type: ignore[no-untyped-call]
        part.partName = "".join(c for c in track.name if c.isprintable())  # XML has no control characters
        part.insert(0, _instrument(instrument, track, index))
        for time, numerator, denominator in score.meters.tolist():
            part.insert(_quarters(score, time), meter.TimeSignature(f"{numerator}/{denominator}"))
        for time, sharps, minor in score.keys.tolist():
            part.insert(_quarters(score, time), key.KeySignature(sharps).asKey("minor" if minor else "major"))
        if index == 0:
            for time, microseconds in score.tempos.tolist():
                mark = tempo.MetronomeMark(number=round(60e6 / max(1, microseconds), 3))
                part.insert(_quarters(score, time), mark)
        for offset, element in _elements(score, score.notes[score.notes["track"] == index]):
            part.insert(offset, element)
        out.insert(0, part)
    return out


def from_music21(stream: Any) -> Score:
    """A Score from a music21 stream: a track a part, ties joined, grace notes left out, repeats not unfolded.

    Velocity is that of each note if music21 has one, else 80.

    Examples:
        >>> from music21 import corpus
        >>> len(sm.io.from_music21(corpus.parse("bach/bwv66.6")).tracks)
        4
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


def _instrument(instruments: Any, track: Track, index: int) -> Any:
    if track.is_drum:
        kit = instruments.UnpitchedPercussion()
        kit.midiChannel = DRUM_CHANNEL
        return kit
    found = instruments.instrumentFromMidiProgram(track.program)
    found.midiProgram = track.program
    found.midiChannel = [c for c in range(16) if c != DRUM_CHANNEL][index % 15]
    return found


def _quarters(score: Score, time: int) -> Any:
    from music21.common import opFrac

    return opFrac(Fraction(int(time), score.ticks_per_quarter))


def _elements(score: Score, notes: Array) -> list[tuple[Any, Any]]:
    """(offset, note or chord) in quarters."""
    from music21 import chord, note, pitch
    from music21.common import opFrac

    onset = notes["onset"].astype(np.int64)
    start, stop = _written(np.stack([onset, onset + notes["duration"]]), score.ticks_per_quarter)
    rows = []
    for (top, bottom), (end, under), one in zip(start.tolist(), stop.tolist(), notes, strict=True):
        begin = Fraction(top, bottom)
        length = Fraction(end, under) - begin
        if length <= 0:
            length = Fraction(1, max(4, bottom))
        rows.append((begin, length, int(one["pitch"]), int(one["velocity"])))
    out = []
    for (begin, length), together in groupby(sorted(rows), key=lambda row: row[:2]):
        members = list(together)
        pitches = {row[2]: row[3] for row in members}
        element: Any = (
            note.Note(pitch.Pitch(midi=members[0][2]))
            if len(pitches) == 1
            else chord.Chord([pitch.Pitch(midi=p) for p in sorted(pitches)])
        )
        element.duration.quarterLength = opFrac(length)
        element.volume.velocity = max(pitches.values())
        out.append((opFrac(begin), element))
    return out


def _written(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.int64]:
    """Times as fractions of quarters that can be written, shape (..., 2): numerator, denominator."""
    for steps in _WRITABLE:
        if (ticks * steps % ticks_per_quarter == 0).all():
            return np.stack([ticks * steps // ticks_per_quarter, np.full_like(ticks, steps)], axis=-1)
    places = [np.rint(ticks * (steps / ticks_per_quarter)).astype(np.int64) for steps in _ROUNDED]
    errors = [np.abs(p / steps - ticks / ticks_per_quarter) for p, steps in zip(places, _ROUNDED, strict=True)]
    first = errors[0] <= errors[1] + 1e-9
    return np.stack([np.where(first, *places), np.where(first, *_ROUNDED)], axis=-1)
