"""Engrave the notes of one bar as voices of notes, chords and rests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbolic_music.io.notation.engraving.rhythm import tied_values
from symbolic_music.io.notation.engraving.sheet import Event, Head


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of a note within one bar: from `start` to `end`, in quarters from the beginning of the bar.

    `tied_from` and `tied_on` say whether the note began before the bar and goes on after it.
    """

    start: Fraction
    end: Fraction
    pitch: int
    velocity: int = 80
    drum: bool = False
    program: int = 0
    tied_from: bool = False
    tied_on: bool = False


HeadOf = Callable[[Segment], Head]


def engraved(
    segments: Sequence[Segment], length: Fraction, head_of: HeadOf, voice: int = 1, staff: int = 0, fill: bool = True
) -> list[Event]:
    """The events of a bar, in voices from `voice` on, high notes first; rests fill the first voice.

    Notes that begin and end together are a chord; a note that overlaps it otherwise takes another voice.

    Args:
        length: of the bar in quarters.
        fill: whether the first voice gets rests from the bar's beginning to its end.
    """
    ends: list[Fraction] = []
    voices: list[list[tuple[Fraction, Fraction, list[Segment]]]] = []
    for chord in _chords(segments):
        start, end = chord[0].start, chord[0].end
        free = next((i for i, reached in enumerate(ends) if reached <= start), None)
        if free is None:
            free = len(ends)
            ends.append(Fraction(0))
            voices.append([])
        ends[free] = end
        voices[free].append((start, end, chord))
    if fill and not voices:
        voices.append([])
    events: list[Event] = []
    for number, content in enumerate(voices):
        cursor = Fraction(0)
        for start, end, chord in content:
            if number == 0 and fill and start > cursor:
                events += _rests(cursor, start, voice, staff)
            events += _tied_chord(chord, start, end, head_of, voice + number, staff)
            cursor = end
        if number == 0 and fill and cursor < length:
            events += _rests(cursor, length, voice, staff)
    return events


def _chords(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments that begin and end together, once each pitch; high chords first of those that begin together."""
    together: dict[tuple[Fraction, Fraction, int], list[Segment]] = {}
    for segment in segments:
        copy = 0
        while any(s.pitch == segment.pitch for s in together.get((segment.start, segment.end, copy), ())):
            copy += 1
        together.setdefault((segment.start, segment.end, copy), []).append(segment)
    chords = list(together.values())
    return sorted(chords, key=lambda c: (c[0].start, -max(s.pitch for s in c), c[0].end))


def _rests(start: Fraction, end: Fraction, voice: int, staff: int) -> list[Event]:
    out = []
    for length in tied_values(start, end - start):
        out.append(Event(start, length, voice=voice, staff=staff))
        start += length
    return out


def _tied_chord(
    chord: Sequence[Segment], start: Fraction, end: Fraction, head_of: HeadOf, voice: int, staff: int
) -> list[Event]:
    values = tied_values(start, end - start)
    out = []
    for place, length in enumerate(values):
        heads = []
        for segment in sorted(chord, key=lambda s: s.pitch):
            head = head_of(segment)
            heads.append(
                replace(
                    head, tied_from=segment.tied_from or place > 0, tied_on=segment.tied_on or place + 1 < len(values)
                )
            )
        out.append(Event(start, length, heads, voice, staff))
        start += length
    return out
