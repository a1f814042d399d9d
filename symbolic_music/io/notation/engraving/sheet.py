"""Sheets: the output of translators and writers, and its MusicXML.

Times are quarters, as fractions; within a bar they count from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from symbolic_music.io.notation.engraving.rhythm import NoteValue, note_value

_FINEST_DIVISIONS = 1 << 20
HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


@dataclass(slots=True)
class Head:
    """A note head: a written pitch, or the place of a drum and the instrument that it is."""

    step: str = "C"
    alter: int = 0
    octave: int = 4
    tied_on: bool = False
    tied_from: bool = False
    instrument: str = ""
    unpitched: bool = False
    shape: str = "normal"
    velocity: int | None = None


@dataclass(slots=True)
class Event:
    """A note, chord or rest (no heads). `grace` takes no time; `marks` are elements of `notations`."""

    at: Fraction
    length: Fraction
    heads: list[Head] = field(default_factory=list)
    voice: int = 1
    staff: int = 0
    grace: bool = False
    slash: bool = False
    marks: list[str] = field(default_factory=list)
    lyrics: list[tuple[int, str, str]] = field(default_factory=list)  # (verse, syllabic, text)
    value: NoteValue | None = None  # where it is not what the length says
    invisible: bool = False
    extra: str = ""  # elements behind the notations: words with all that they say
    raw: str = ""  # elements that stand in the place of all that


@dataclass(slots=True)
class Bar:
    """A bar of a part. `directions` are (at, element) of directions, harmonies and sounds."""

    number: str = ""
    implicit: bool = False
    attributes: str = ""
    events: list[Event] = field(default_factory=list)
    directions: list[tuple[Fraction, str]] = field(default_factory=list)
    left: str = ""
    right: str = ""


@dataclass(slots=True)
class SheetPart:
    """A part: its name, the elements of its instruments, its bars."""

    name: str = ""
    instruments: str = ""
    bars: list[Bar] = field(default_factory=list)


def document(parts: Sequence[SheetPart], title: str = "", first_id: int = 1) -> bytes:
    """A part-wise MusicXML document."""
    heads = [part_head(part, f"P{i}") for i, part in enumerate(parts, first_id)]
    bodies = [part_body(part, f"P{i}") for i, part in enumerate(parts, first_id)]
    work = f"<work><work-title>{text(title)}</work-title></work>" if title else ""
    coded = "<identification><encoding><software>symbolic_music</software></encoding></identification>"
    return (
        f'{HEADER}<score-partwise version="4.0">\n{work}{coded}<part-list>\n{"".join(heads)}</part-list>\n'
        f"{''.join(bodies)}</score-partwise>\n"
    ).encode()


def part_head(part: SheetPart, name: str) -> str:
    """The `score-part` element; instruments name their part as {id}."""
    instruments = part.instruments.replace("{id}", name)
    return f'<score-part id="{name}"><part-name>{text(part.name)}</part-name>{instruments}</score-part>\n'


def part_body(part: SheetPart, name: str) -> str:
    """The `part` element."""
    divisions = divisions_of(part.bars)
    said = f"<attributes><divisions>{divisions}</divisions></attributes>"
    bars = [measure(bar, divisions, said if i == 0 else "").replace("{id}", name) for i, bar in enumerate(part.bars)]
    return f'<part id="{name}">\n{"".join(bars)}</part>\n'


def divisions_of(bars: Iterable[Bar]) -> int:
    """Divisions of a quarter in which all times of these bars are whole."""
    found = 1
    for bar in bars:
        for event in bar.events:
            found = lcm(found, event.at.denominator, event.length.denominator)
            if found > _FINEST_DIVISIONS:
                return 10_080
    return found


def measure(bar: Bar, divisions: int, before: str = "") -> str:
    """A `measure` element."""
    implicit = ' implicit="yes"' if bar.implicit else ""
    inner = before + bar.left + bar.attributes + music(bar, divisions) + bar.right
    return f"<measure number={quoteattr(bar.number)}{implicit}>{inner}</measure>\n"


def music(bar: Bar, divisions: int) -> str:
    """The notes and directions of a bar, a voice after the other."""

    def units(quarters: Fraction) -> int:
        times, rest = divmod(divisions, quarters.denominator)
        return round(quarters * divisions) if rest else quarters.numerator * times

    voices: dict[int, list[Event]] = {}
    for event in bar.events:
        voices.setdefault(event.voice, []).append(event)
    pending = sorted(bar.directions, key=lambda one: one[0])
    out: list[str] = []
    cursor = 0

    def move(to: int) -> None:
        nonlocal cursor
        if to != cursor:
            way = "forward" if to > cursor else "backup"
            out.append(f"<{way}><duration>{abs(to - cursor)}</duration></{way}>")
            cursor = to

    def direct(until: Fraction | None) -> None:
        while pending and (until is None or pending[0][0] <= until):
            at, element = pending.pop(0)
            gap = units(at) - cursor
            if gap and "<offset" not in element:
                offset = f"<offset>{gap}</offset>"
                end = element.rindex("<sound") if "<sound" in element[10:] else element.rindex("</")
                element = element[:end] + offset + element[end:]
            out.append(element)

    for number in sorted(voices):
        # Grace notes stand before the note at their place.
        placed = [(units(event.at), not event.grace, event) for event in voices[number]]
        for at, _, event in sorted(placed, key=lambda one: one[:2]):
            if pending and pending[0][0] <= event.at:
                move(max(0, at))
                direct(event.at)
            move(at)
            length = 0 if event.grace else max(1, units(event.at + event.length) - at)
            out.append(notes(event, length))
            cursor += length
        direct(None)
    direct(None)
    return "".join(out)


def notes(event: Event, duration: int) -> str:
    """The `note` elements of an event; `duration` in divisions."""
    if event.raw:
        return event.raw
    words = "".join(
        f'<lyric number="{verse}"><syllabic>{syllabic}</syllabic><text>{text(sung)}</text></lyric>'
        for verse, syllabic, sung in event.lyrics
    )
    heads = tuple(
        (h.step, h.alter, h.octave, h.tied_on, h.tied_from, h.instrument, h.unpitched, h.shape, h.velocity)
        for h in event.heads
    )
    value = event.value or note_value(event.length)
    # Without words most notes of a piece are like another one.
    made = _notes.__wrapped__ if words or event.extra else _notes
    return made(
        heads, duration, value, event.voice, event.staff, event.grace, event.slash, event.invisible,
        tuple(event.marks), words + event.extra,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _notes(
    heads: tuple[tuple[Any, ...], ...], duration: int, value: NoteValue | None, voice: int, staff: int, grace: bool,
    slash: bool, invisible: bool, marks: tuple[str, ...], words: str,
) -> str:  # fmt: skip
    """`notes` with hashable arguments: `heads` has the fields of each head."""
    out = []
    for place, fields in enumerate(heads or [None]):
        head = None if fields is None else Head(*fields)
        parts = []
        if grace:
            parts.append('<grace slash="yes"/>' if slash else "<grace/>")
        if place:
            parts.append("<chord/>")
        if head is None:
            parts.append("<rest/>")
        elif head.unpitched:
            parts.append(
                f"<unpitched><display-step>{head.step}</display-step>"
                f"<display-octave>{head.octave}</display-octave></unpitched>"
            )
        else:
            alter = f"<alter>{head.alter}</alter>" if head.alter else ""
            parts.append(f"<pitch><step>{head.step}</step>{alter}<octave>{head.octave}</octave></pitch>")
        if not grace:
            parts.append(f"<duration>{duration}</duration>")
        tied = ""
        if head is not None:
            parts.append('<tie type="stop"/>' * head.tied_from + '<tie type="start"/>' * head.tied_on)
            tied = '<tied type="stop"/>' * head.tied_from + '<tied type="start"/>' * head.tied_on
            parts.append(f"<instrument id={quoteattr(head.instrument)}/>" if head.instrument else "")
        parts.append(f"<voice>{voice}</voice>")
        if value is not None:
            parts.append(f"<type>{value.type}</type>" + "<dot/>" * value.dots)
        if value is not None and value.actual > 1:
            parts.append(
                f"<time-modification><actual-notes>{value.actual}</actual-notes>"
                f"<normal-notes>{value.normal}</normal-notes></time-modification>"
            )
        if head is not None and head.shape != "normal":
            parts.append(f"<notehead>{head.shape}</notehead>")
        if staff:
            parts.append(f"<staff>{staff}</staff>")
        notations = tied + ("" if place else "".join(marks))
        if notations:
            parts.append(f"<notations>{notations}</notations>")
        if not place:
            parts.append(words)
        loud = "" if head is None or head.velocity is None else f' dynamics="{_percent(head.velocity)}"'
        hidden = ' print-object="no"' if invisible and head is None else ""
        out.append(f"<note{loud}{hidden}>{''.join(parts)}</note>")
    return "".join(out)


def _percent(velocity: int) -> str:
    """MusicXML's dynamics: per cent of velocity 90, exactly enough to come back."""
    return f"{velocity / 0.9:.2f}".rstrip("0").rstrip(".")


def text(value: str) -> str:
    """Text of an element: escaped, without the characters that XML has not."""
    return escape("".join(c for c in value if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff"
                                                             and c not in "\ufffe\uffff\x7f")))  # fmt: skip


def clef(sign: str, line: int, octave: int = 0) -> str:
    """A `clef` element."""
    change = f"<clef-octave-change>{octave}</clef-octave-change>" if octave else ""
    return f"<clef><sign>{sign}</sign><line>{line}</line>{change}</clef>"


def attributes(
    key: tuple[int, int] | None = None, meter: tuple[int, int] | None = None, clef_xml: str = "", divisions: int = 0
) -> str:
    """An `attributes` element, or "" where nothing changes. `key` is (sharps, minor)."""
    inner = f"<divisions>{divisions}</divisions>" if divisions else ""
    if key is not None:
        mode = "minor" if key[1] else "major"
        inner += f"<key><fifths>{key[0]}</fifths><mode>{mode}</mode></key>"
    if meter is not None:
        inner += f"<time><beats>{meter[0]}</beats><beat-type>{meter[1]}</beat-type></time>"
    inner += clef_xml
    return f"<attributes>{inner}</attributes>" if inner else ""


def dynamics(mark: str) -> str:
    """A `direction` with a dynamic mark of MusicXML."""
    return f'<direction placement="below"><direction-type><dynamics><{mark}/></dynamics></direction-type></direction>'


def wedge(kind: str) -> str:
    """A `direction` with one end of a hairpin: crescendo, diminuendo or stop."""
    return f'<direction><direction-type><wedge type="{kind}"/></direction-type></direction>'


def words(value: str) -> str:
    """A `direction` of plain words."""
    return f"<direction><direction-type><words>{text(value)}</words></direction-type></direction>"


def tempo(quarters_a_minute: float, shown: str = "") -> str:
    """A `direction` with a metronome mark; `shown` is its number where it is not the tempo's."""
    exact = f"{quarters_a_minute:.6f}".rstrip("0").rstrip(".")
    return (
        '<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
        f"<per-minute>{shown or f'{quarters_a_minute:.2f}'.rstrip('0').rstrip('.')}</per-minute></metronome>"
        f'</direction-type><sound tempo="{exact}"/></direction>'
    )


def barline(location: str, style: str = "", ending: str = "", repeat: str = "", times: int = 0) -> str:
    """A `barline` element; `ending` is an element, `repeat` a direction."""
    inner = f"<bar-style>{style}</bar-style>" if style else ""
    inner += ending
    if repeat:
        more = f' times="{times}"' if times > 2 else ""
        inner += f'<repeat direction="{repeat}"{more}/>'
    return f'<barline location="{location}">{inner}</barline>'
