"""A line of ABC music: notes, rests, chords, tuplets, grace notes, bar lines and signs, added to a voice."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING
from xml.etree.ElementTree import tostring

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.rhythm import NoteValue, note_value
from symbolic_music.io.notation.musicxml.chord_symbols import harmony_element
from symbolic_music.io.notation.text.abc_decorations import DECORATIONS, SHORT_DECORATIONS, direction_of
from symbolic_music.io.notation.text.abc_voice import Voice, check_length

if TYPE_CHECKING:
    from symbolic_music.io.notation.text.abc import _Tune

_LENGTH = r"(\d{0,5})(/*)(\d{0,5})"
_NOTE = re.compile(rf"(\^{{1,2}}|_{{1,2}}|=)?([A-Ga-g])([,']{{0,8}}){_LENGTH}")
_REST = re.compile(rf"([zx]){_LENGTH}")
_BAR = re.compile(r"\.?(:*\|*\[?\|[\|\]:]*|::+|\[\|\]?|:+\|[\|\]:]*)")
_ENDING = re.compile(r"\s*\[?(\d(?:[,-]\d|,\d)*)")
_TUPLET = re.compile(r"\((\d)(?::(\d?))?(?::(\d?))?")
# What is open is looked for so far ahead: each of many open brackets would else be compared with the rest of the line.
_MOST_AHEAD = 4_000
_INLINE = re.compile(r"\[([A-Za-z]):")
_MOST_IN_A_CHORD = 64


def read_music(line: str, voice: Voice, tune: _Tune) -> None:
    """Read a line of music, which may change voices by inline fields."""
    place = 0
    while place < len(line):
        sign = line[place]
        if sign == "%":
            return
        if sign == "[" and (inline := _INLINE.match(line, place)) and (end := _closed(line, "]", inline.end())) > 0:
            voice = tune.field(inline[1], line[inline.end() : end])
            if inline[1] == "V":
                voice.line_begin = len(voice.sung)
            place = end + 1
        elif sign in ".:|[" and (bar := _BAR.match(line, place)):
            place = bar.end()
            ending = _ENDING.match(line, place)
            if ending and (ending[0].lstrip().startswith("[") or not ending[0].startswith(" ")):
                place = ending.end()
            else:
                ending = None
            voice.bar_line(bar[1].replace("[", "") or "|", ending[1] if ending else "")
        elif sign == "[" and place + 1 < len(line) and line[place + 1].isdigit():
            ending = _ENDING.match(line, place)
            assert ending is not None
            voice.bar_line("|", ending[1])
            place = ending.end()
        elif sign == "[":
            place = _chord(line, place, voice)
        elif sign in "^_=ABCDEFGabcdefg" and (note := _NOTE.match(line, place)):
            _add_note(voice, note)
            place = note.end()
        elif sign in "zx" and (rest := _REST.match(line, place)):
            voice.tied = {}
            length = voice.unit * _multiple(*rest.groups()[1:])
            voice.add(sheet.Event(Fraction(0), length, invisible=sign == "x"))
            place = rest.end()
        elif sign in "ZX":
            count = re.compile(r"\d{0,5}").match(line, place + 1)
            assert count is not None
            voice.skip_bars(min(10_000, int(count[0] or 1)))
            place = count.end()
        elif line.startswith("(&", place):
            raise NotationError("an overlay of several bars, (& … &), is not read: put & into each of the bars")
        elif sign == "(":
            place = _parenthesis(line, place, voice)
        elif sign == ")":
            if voice.slurs and voice.last is not None:
                voice.last.marks.append(f'<slur type="stop" number="{voice.slurs.pop()}"/>')
            place += 1
        elif sign == "{":
            place = _graces(line, place, voice)
        elif sign in "<>":
            place = _broken(line, place, voice)
        else:
            place = _sign(line, place, voice, tune)


def _closed(line: str, sign: str, place: int) -> int:
    """Where what is open at a place is closed; -1 where it is not."""
    return line.find(sign, place, place + _MOST_AHEAD)


def _sign(line: str, place: int, voice: Voice, tune: _Tune) -> int:
    """Read a sign that is no note; returns the place after it."""
    sign = line[place]
    if sign == "-":
        voice.tie()
    elif sign == "&":
        voice.overlay()
    elif sign == '"':
        end = line.find('"', place + 1)
        _quoted(line[place + 1 : end if end > 0 else len(line)], voice)
        return end + 1 if end > 0 else len(line)
    elif sign in "!+":
        end = line.find(sign, place + 1)
        if end < 0:
            return place + 1
        _decoration(line[place + 1 : end], voice, tune)
        return end + 1
    elif sign in SHORT_DECORATIONS:
        _decoration(SHORT_DECORATIONS[sign], voice, tune)
    elif sign.isalnum() and sign not in "y":
        tune.left_out.add(f"the sign {sign!r}")
    return place + 1


def _add_note(voice: Voice, note: re.Match[str]) -> None:
    """Add one note."""
    head = voice.head(note[2], _octave(note[2], note[3]), note[1])
    voice.tied = {}
    voice.add(sheet.Event(Fraction(0), voice.unit * _multiple(*note.groups()[3:]), [head]))


def _octave(letter: str, marks: str) -> int:
    octave = (5 if letter.islower() else 4) + marks.count("'") - marks.count(",")
    return max(-1, min(9, octave))


def _multiple(numerator: str, slashes: str, denominator: str) -> Fraction:
    """The multiple of the unit length: 3, /2, 3/2, //."""
    top = int(numerator or 1)
    bottom = int(denominator) if denominator else 1 << min(10, len(slashes))
    if top == 0 or bottom == 0:
        raise NotationError("a note of no length")
    return Fraction(top, bottom)


def _chord(line: str, place: int, voice: Voice) -> int:
    end = _closed(line, "]", place)
    if end < 0:
        return place + 1
    heads: list[sheet.Head] = []
    lengths: list[Fraction] = []
    tied_on: list[sheet.Head] = []
    inside = line[place + 1 : end]
    for note in _NOTE.finditer(re.sub(r'"[^"]*"|![^!]*!', "", inside)):
        head = voice.head(note[2], _octave(note[2], note[3]), note[1])
        heads.append(head)
        lengths.append(_multiple(*note.groups()[3:]))
        if note.string[note.end() : note.end() + 1] == "-":
            tied_on.append(head)
    if len(heads) > _MOST_IN_A_CHORD:
        raise NotationError(f"a chord of {len(heads)} notes")
    after = re.compile(_LENGTH).match(line, end + 1)
    assert after is not None
    voice.tied = {}
    if heads:
        voice.add(sheet.Event(Fraction(0), voice.unit * lengths[0] * _multiple(*after.groups()), heads))
        for head in tied_on:
            head.tied_on = True
            voice.tied[head.step, head.octave - voice.octaves] = head.alter
    return after.end()


def _parenthesis(line: str, place: int, voice: Voice) -> int:
    found = _TUPLET.match(line, place)
    if found is None:
        voice.opening = min(6, voice.opening + 1)
        return place + 1
    actual = int(found[1])
    compound = voice.meter is not None and voice.meter[0] % 3 == 0 and voice.meter[0] > 3 and voice.meter[1] >= 8
    usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(actual, 3 if compound else 2)
    normal = int(found[2] or usual)
    count = int(found[3] or actual)
    if actual > 1 and normal and count:
        voice.tuplet = [actual, normal, count]
    return found.end()


def _graces(line: str, place: int, voice: Voice) -> int:
    end = _closed(line, "}", place)
    if end < 0:
        return place + 1
    inside = line[place + 1 : end]
    tied = voice.tied
    for note in islice(_NOTE.finditer(inside), 64):
        voice.count(1)
        voice.tied = {}
        head = voice.head(note[2], _octave(note[2], note[3]), note[1])
        length = min(Fraction(1), Fraction(1, 4) * _multiple(*note.groups()[3:]))
        value = note_value(length) or NoteValue("16th", 0)
        event = sheet.Event(Fraction(0), Fraction(0), [head], grace=True, slash=inside.startswith("/"), value=value)
        voice.graces.append(event)
    voice.tied = tied
    return end + 1


def _broken(line: str, place: int, voice: Voice) -> int:
    sign = line[place]
    end = place
    while end < len(line) and line[end] == sign and end - place < 3:
        end += 1
    short = Fraction(1, 1 << (end - place))
    event = voice.last
    if event is not None and voice.bars[-1].events and voice.bars[-1].events[-1] is event:
        factor = 2 - short if sign == ">" else short
        if event.value is not None:
            plain = note_value(event.length * event.value.actual / event.value.normal * factor)
            event.value = (
                None if plain is None else plain._replace(actual=event.value.actual, normal=event.value.normal)
            )
        moved = event.length * (factor - 1)
        event.length += moved
        check_length(event.length)  # which signs without end would halve again and again
        at_end = voice.time == voice.reached
        voice.time += moved
        voice.reached = voice.time if at_end else voice.reached
        voice.broken = short if sign == ">" else 2 - short
    return end


def _quoted(value: str, voice: Voice) -> None:
    """A chord symbol, or words where the first sign places them."""
    if not value.strip():
        return
    if value[0] in "^_<>@":
        said = re.sub(r"^@[-\d.,\s]*|^[\^_<>]", "", value).strip()
        if said:
            voice.direct(sheet.words(said))
        return
    symbol = value.split(";")[0].strip()
    voice.direct(tostring(harmony_element(symbol), encoding="unicode"))


def _decoration(name: str, voice: Voice, tune: _Tune) -> None:
    mark = DECORATIONS.get(name)
    if mark is not None:
        if mark not in voice.marks:
            voice.marks.append(mark)
        return
    direction = direction_of(name)
    if direction:
        voice.direct(direction)
    elif name not in ("", " ") and len(name) < 30:
        tune.left_out.add(f"the decoration !{name}!")
