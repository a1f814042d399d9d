"""Scores as music21 streams and as MusicXML."""

from __future__ import annotations

import warnings
from fractions import Fraction
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import MissingExtraError, NotationError
from symbolic_music.score import DRUM_CHANNEL, Array, Score, Track

# Steps of a quarter that notation can write: 128ths, 16th triplets, quintuplets and septuplets.
_WRITABLE = (1, 2, 4, 8, 16, 32, 3, 6, 12, 5, 7)
# What everything else is rounded to: 16ths and eighth triplets, as in music21's own quantisation.
_ROUNDED = (4, 3)


def to_music21(score: Score) -> Any:
    """A `music21.stream.Score`: a part a track, with its instrument, tempos, meters and keys.

    Times that notation can write (down to 128ths, triplets, quintuplets, septuplets) stay as they are; others
    are rounded to the nearer of 16ths and eighth triplets. Notes of a part that begin and end together are a chord.
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
        part.partName = track.name
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
    from music21 import chord, note
    from music21.common import opFrac

    onset = notes["onset"].astype(np.int64)
    start, stop = (_written(ticks, score.ticks_per_quarter) for ticks in (onset, onset + notes["duration"]))
    rows = []
    for (top, bottom), (end, under), one in zip(start, stop, notes, strict=True):
        begin = Fraction(int(top), int(bottom))
        length = Fraction(int(end), int(under)) - begin
        if length <= 0:
            length = Fraction(1, max(4, int(bottom)))
        rows.append((begin, length, int(one["pitch"]), int(one["velocity"])))
    out = []
    for (begin, length), together in groupby(sorted(rows), key=lambda row: row[:2]):
        members = list(together)
        pitches = {row[2]: row[3] for row in members}
        element: Any = note.Note(members[0][2]) if len(pitches) == 1 else chord.Chord(sorted(pitches))
        element.duration.quarterLength = opFrac(length)
        element.volume.velocity = max(pitches.values())
        out.append((opFrac(begin), element))
    return out


def _written(ticks: NDArray[np.int64], ticks_per_quarter: int) -> NDArray[np.int64]:
    """Each time as a fraction of quarters that can be written, shape (notes, 2): numerator, denominator."""
    out = np.zeros((len(ticks), 2), np.int64)
    open_ = np.ones(len(ticks), bool)
    for steps in _WRITABLE:
        exact = open_ & (ticks * steps % ticks_per_quarter == 0)
        out[exact] = np.stack([ticks[exact] * steps // ticks_per_quarter, np.full(exact.sum(), steps)], axis=1)
        open_ &= ~exact
    best = np.full(len(ticks), np.inf)
    for steps in _ROUNDED:
        place = np.rint(ticks * (steps / ticks_per_quarter)).astype(np.int64)
        error = np.abs(place / steps - ticks / ticks_per_quarter)
        nearer = open_ & (error < best - 1e-9)
        out[nearer] = np.stack([place[nearer], np.full(nearer.sum(), steps)], axis=1)
        best = np.where(nearer, error, best)
    return out
