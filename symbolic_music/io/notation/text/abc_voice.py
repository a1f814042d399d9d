"""An ABC voice while it is read: its place, key, ties and slurs, and its music as bars of a sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.rhythm import NoteValue, note_value
from symbolic_music.io.notation.text.abc_fields import Key

# What a tune of these bounds takes: 2 s at most, of any kind. The longest tunes that are published have some thousands.
_MOST_EVENTS = 40_000
_MOST_HEADS = 80_000
_MOST_SYLLABLES = 80_000
_MOST_VERSES = 100  # under one line of music
_MOST_BARS = 20_000
_MOST_BAR_LINES = 2 * _MOST_BARS  # also of bars without notes
_MOST_SIGNS = 1_000
_MOST_QUARTERS = 1 << 12
_ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}


def check_length(quarters: Fraction) -> None:
    """NotationError for a length that no note has."""
    if quarters > _MOST_QUARTERS or quarters.denominator > 1 << 20:
        raise NotationError(f"a note of {float(quarters):g} quarters")


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
        check_length(event.length)
        self.bars[-1].events.append(event)
        self.count(len(event.heads))
        self.time += event.length
        if self.time > _MOST_QUARTERS:
            raise NotationError(f"a bar of more than {_MOST_QUARTERS:,} quarters")
        self.reached = max(self.reached, self.time)
        self.last = event

    def count(self, heads: int) -> None:
        """Count a note, chord or rest by its heads."""
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
