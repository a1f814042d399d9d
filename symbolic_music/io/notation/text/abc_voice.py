"""The music of one ABC voice: notes, rests, chords, tuplets, bar lines, as bars of a sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING
from xml.etree.ElementTree import tostring

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.rhythm import NoteValue, note_value
from symbolic_music.io.notation.musicxml.chord_symbols import harmony_element
from symbolic_music.io.notation.text.abc_fields import Key
from symbolic_music.io.notation.text.abc_signs import DECORATIONS, SHORT_DECORATIONS, direction_of

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
# What a tune of these bounds takes: 2 s at most, of any kind. The longest tunes that are published have some thousands.
_MOST_EVENTS = 40_000
_MOST_HEADS = 80_000
_MOST_SYLLABLES = 80_000
_MOST_VERSES = 100  # under one line of music
_MOST_BARS = 20_000
_MOST_BAR_LINES = 2 * _MOST_BARS  # also of bars without notes
_MOST_SIGNS = 1_000
_MOST_IN_A_CHORD = 64
_MOST_QUARTERS = 1 << 12
_ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}


@dataclass(slots=True)
class Size:
    """What the voices of a tune hold together, and which notes of a bar an accidental is for.

    `accidentals` is "pitch" (its letter in all octaves), "octave" or "not": section 11.3.
    """

    events: int = 0
    heads: int = 0
    syllables: int = 0
    bars: int = 0
    lines: int = 0
    accidentals: str = "pitch"


@dataclass(slots=True)
class Voice:
    """A voice while it is read. `time` is the quarters from the beginning of the bar."""

    name: str
    size: Size = field(default_factory=Size)
    title: str = ""
    clef: str = ""
    said_clef: bool = False
    octaves: int = 0
    transposition: int = 0
    program: int | None = None
    # Programs that it changes to behind notes, and the number of the one in force, 0 for `program`.
    further: list[int] = field(default_factory=list)
    instrument: int = 0
    channel: int | None = None
    key: Key = field(default_factory=Key)
    first_key: Key = field(default_factory=Key)
    meter: tuple[int, int] | None = None
    unit: Fraction = Fraction(1, 2)
    bars: list[sheet.Bar] = field(default_factory=lambda: [sheet.Bar()])
    time: Fraction = Fraction(0)
    layer: int = 1
    reached: Fraction = Fraction(0)
    altered: dict[tuple[str, int], int] = field(default_factory=dict)
    tied: dict[tuple[str, int], int] = field(default_factory=dict)  # (letter, octave) -> alter, from the last note
    slurs: list[int] = field(default_factory=list)
    opening: int = 0  # slurs that begin at the next note
    marks: list[str] = field(default_factory=list)
    graces: list[sheet.Event] = field(default_factory=list)
    tuplet: list[int] = field(default_factory=list)  # actual, normal, notes that are left
    broken: Fraction = Fraction(1)
    last: sheet.Event | None = None
    ending_open: bool = False
    sung: list[tuple[int, sheet.Event]] = field(default_factory=list)
    line_begin: int = 0
    lengths: list[Fraction] = field(default_factory=list)

    # -- what other fields change -------------------------------------------------------------------------

    def direct(self, element: str) -> None:
        """Add a direction where the voice is now."""
        directions = self.bars[-1].directions
        if len(directions) >= _MOST_SIGNS:
            raise NotationError(f"more than {_MOST_SIGNS:,} signs in a bar")
        directions.append((self.time, element))

    def change_key(self, key: Key) -> None:
        """The key from the next note on."""
        self.key = key
        self._attributes(f"<key><fifths>{key.sharps}</fifths><mode>{'minor' if key.minor else 'major'}</mode></key>")

    def change_meter(self, meter: tuple[int, int] | None) -> None:
        """The meter from the next bar on, or from this one where it has no notes yet."""
        self.meter = meter
        if meter is not None:
            self._attributes(f"<time><beats>{meter[0]}</beats><beat-type>{meter[1]}</beat-type></time>")

    def change_clef(self, clef: str, octaves: int) -> None:
        """The clef from the next note on, with the octaves that it moves notes by."""
        self.clef, self.octaves = clef, octaves
        self._attributes(clef)

    def change_transposition(self, semitones: int) -> None:
        """The semitones by which notes sound otherwise than written, from the next note on."""
        if len(self.bars) == 1 and not self.bars[0].events:
            self.transposition = semitones
        else:
            self._attributes(f"<transpose><chromatic>{semitones}</chromatic></transpose>")

    def change_program(self, program: int) -> None:
        """The program from the next note on."""
        if len(self.bars) == 1 and not self.bars[0].events:
            self.program = program
        elif program == self.program:
            self.instrument = 0
        else:
            if program not in self.further:
                self.further.append(program)
            self.instrument = self.further.index(program) + 1

    def _attributes(self, inner: str) -> None:
        bar = self.bars[-1]
        if self.time:
            self.direct(f"<attributes>{inner}</attributes>")
        elif len(bar.attributes) > 100 * _MOST_SIGNS:
            raise NotationError("too many changes of key, meter and clef at the beginning of a bar")
        else:
            bar.attributes += inner

    # -- notes --------------------------------------------------------------------------------------------

    def add(self, event: sheet.Event) -> None:
        """Add a note, chord or rest at the voice's time, and what was said before it."""
        event.voice, event.at = self.layer, self.time
        for one in (*self.graces, event):
            for head in one.heads if self.further else ():
                head.instrument = f"{{id}}-I{self.instrument + 1}"
        for grace in self.graces:
            grace.voice, grace.at = self.layer, self.time
            self.bars[-1].events.append(grace)
        self.graces = []
        if event.heads:
            event.marks += self.marks
            self.marks = []
            for _ in range(self.opening):
                number = next((n for n in range(1, 17) if n not in self.slurs), None)
                if number is not None:
                    self.slurs.append(number)
                    event.marks.append(f'<slur type="start" number="{number}"/>')
            self.opening = 0
            if self.layer == 1:
                self.sung.append((len(self.bars), event))
        event.length *= self.broken
        self.broken = Fraction(1)
        if self.tuplet:
            actual, normal, left = self.tuplet
            value = note_value(event.length)
            if value is not None:
                event.value = NoteValue(value.type, value.dots, value.actual * actual, value.normal * normal)
            event.length = event.length * normal / actual
            self.tuplet = [actual, normal, left - 1] if left > 1 else []
        if event.length > _MOST_QUARTERS or event.length.denominator > 1 << 20:
            raise NotationError(f"a note of {float(event.length):g} quarters")
        self.bars[-1].events.append(event)
        self.count(len(event.heads))
        self.time += event.length
        if self.time > _MOST_QUARTERS:
            raise NotationError(f"a bar of more than {_MOST_QUARTERS:,} quarters")
        self.reached = max(self.reached, self.time)
        self.last = event

    def count(self, heads: int) -> None:
        """Count a note, chord or rest of so many heads."""
        self.size.events += 1
        self.size.heads += heads
        if self.size.events > _MOST_EVENTS:
            raise NotationError(f"more than {_MOST_EVENTS:,} notes and rests")
        if self.size.heads > _MOST_HEADS:
            raise NotationError(f"more than {_MOST_HEADS:,} notes in chords")

    def count_verse(self, verse: int, syllables: int) -> None:
        """Count the words of a line under the music."""
        self.size.syllables += syllables
        if verse > _MOST_VERSES:
            raise NotationError(f"more than {_MOST_VERSES} verses under a line of music")
        if self.size.syllables > _MOST_SYLLABLES:
            raise NotationError(f"more than {_MOST_SYLLABLES:,} syllables")

    def head(self, letter: str, octave: int, sign: str | None) -> sheet.Head:
        """A head with the alteration that sign, bar and key say, joined to a tie that is open for it."""
        place = letter.upper(), octave
        from_tie = self.tied.get(place)
        if sign is not None:
            alter = self.altered[self._reach(place)] = _ACCIDENTALS[sign]
        elif from_tie is not None:
            alter = from_tie
        else:
            alter = self.altered.get(self._reach(place), self.key.alters.get(place[0], 0))
        tied = from_tie is not None and from_tie == alter
        return sheet.Head(place[0], alter, octave + self.octaves, tied_from=tied)

    def _reach(self, place: tuple[str, int]) -> tuple[str, int]:
        """What the accidental of a letter and octave holds for until the bar line: a place of its own for no other."""
        if self.size.accidentals == "not":
            return "", len(self.altered)
        return place if self.size.accidentals == "octave" else (place[0], 0)

    def tie(self) -> None:
        """The last note is tied to the next."""
        if self.last is not None:
            for head in self.last.heads:
                head.tied_on = True
                self.tied[head.step, head.octave - self.octaves] = head.alter

    def overlay(self) -> None:
        """Begin an overlay: the next notes sound together with the bar so far."""
        self.layer += 1
        self.time = Fraction(0)
        self.last = None
        self.tied, self.altered = {}, {}  # as in a voice of its own
        if self.layer > 16:
            raise NotationError("more than 16 overlays in a bar")

    def skip_bars(self, count: int) -> None:
        """Whole bars of rest."""
        length = Fraction(4 * self.meter[0], self.meter[1]) if self.meter is not None else Fraction(4)
        for left in range(count, 0, -1):
            self.add(sheet.Event(Fraction(0), length))
            if left > 1:
                self.bar_line("|", "")

    # -- bar lines ----------------------------------------------------------------------------------------

    def bar_line(self, sign: str, ending: str) -> None:
        """End the bar, unless it is empty; repeats and endings as the sign says."""
        self.size.lines += 1
        if self.size.lines > _MOST_BAR_LINES:
            raise NotationError(f"more than {_MOST_BAR_LINES:,} bar lines")
        begins, ends = sign.endswith(":"), sign.startswith(":")
        style = "light-heavy" if "|]" in sign or ends else "light-light" if "||" in sign else ""
        bar = self.bars[-1]
        full = bool(bar.events) and (self.reached > 0)
        # At the very beginning, or where a line ends and begins with a bar line, there is nothing to end.
        target = bar if full else self.bars[-2] if len(self.bars) > 1 else None
        if target is not None and (ends or style or (ending and self.ending_open)):
            closing = '<ending number="1" type="stop"/>' if self.ending_open and (ends or style or ending) else ""
            self.ending_open = self.ending_open and not closing
            if not target.right or ends:
                target.right = sheet.barline("right", style, closing, "backward" if ends else "")
        if full:
            self.bars.append(sheet.Bar())
            self.lengths.append(self.reached)
            self.size.bars += 1
            if self.size.bars > _MOST_BARS:
                raise NotationError(f"more than {_MOST_BARS:,} bars")
        self.time = self.reached = Fraction(0)
        self.layer = 1
        self.altered = {}
        if ending:
            self.begin_ending(ending)
        if begins:
            new = self.bars[-1]
            new.left = sheet.barline("left", "heavy-light", "", "forward")

    def begin_ending(self, numbers: str) -> None:
        """The bar that is begun belongs to these passes."""
        spans = [one.split("-") for one in numbers.split(",")]
        passes = [n for one in spans for n in range(int(one[0]), int(one[-1]) + 1)]
        listed = ", ".join(map(str, passes[:16]))
        element = f'<ending number="{listed}" type="start"/>'
        self.bars[-1].left = sheet.barline("left", "", element)
        self.ending_open = True

    def finish(self, meter: tuple[int, int] | None, said: bool) -> None:
        """Number the bars, and write what holds from the first."""
        if not self.bars[-1].events and len(self.bars) > 1:
            self.bars.pop()
        else:
            self.lengths.append(self.reached)
        if self.ending_open and not self.bars[-1].right:
            self.bars[-1].right = sheet.barline("right", "", '<ending number="1" type="discontinue"/>')
        full = Fraction(4 * meter[0], meter[1]) if meter is not None else None
        number = 1
        for index, bar in enumerate(self.bars):
            length = self.lengths[index] if index < len(self.lengths) else Fraction(0)
            upbeat = index == 0 and full is not None and 0 < length < full and len(self.bars) > 1
            rest = index > 0 and full is not None and length < full and self.lengths[index - 1] + length <= full
            bar.implicit = upbeat or (rest and index + 1 < len(self.bars))
            bar.number = "0" if upbeat else f"X{index}" if bar.implicit else str(number)
            number += not bar.implicit
        first = f"<key><fifths>{self.first_key.sharps}</fifths></key>" if "<key>" not in self.bars[0].attributes else ""
        if said and meter is not None and "<time>" not in self.bars[0].attributes:
            first += f"<time><beats>{meter[0]}</beats><beat-type>{meter[1]}</beat-type></time>"
        if self.clef and "<clef>" not in self.bars[0].attributes:
            first += self.clef
        if self.transposition:
            first += f"<transpose><chromatic>{self.transposition}</chromatic></transpose>"
        self.bars[0].attributes = first + self.bars[0].attributes
        for bar in self.bars:
            bar.attributes = f"<attributes>{bar.attributes}</attributes>" if bar.attributes else ""


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
            voice_add_note(voice, note)
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


def voice_add_note(voice: Voice, note: re.Match[str]) -> None:
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
        voice.marks.append(mark)
        return
    direction = direction_of(name)
    if direction:
        voice.direct(direction)
    elif name not in ("", " ") and len(name) < 30:
        tune.left_out.add(f"the decoration !{name}!")
