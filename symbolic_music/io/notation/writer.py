"""Scores as music21 streams and as MusicXML."""

from __future__ import annotations

import warnings
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError, NotationError
from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.score import Array, Score, Track

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


def musicxml_bytes(score: Score) -> bytes:
    """The score as MusicXML, as `to_music21` makes it, cut into bars and voices by music21.

    Raises:
        MissingExtraError: without music21.
        NotationError: when music21 cannot write it.
    """
    stream = to_music21(score)
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bytes(GeneralObjectExporter(stream).parse())
    except Exception as error:  # music21 raises whatever its own checks stumble on
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise NotationError(f"music21 cannot write this score as MusicXML ({reason})") from None


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
