"""Humdrum's **kern as MusicXML: notes, ties, slurs, dynamics, lyrics, repeats.

Source: D. Huron, The Humdrum Toolkit: Reference Manual, and the Humdrum web site's description of **kern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.rhythm import note_value
from symbolic_music.io.notation.text.kern_lyrics_and_dynamics import dynamic_directions, syllable
from symbolic_music.io.notation.text.kern_notes import kern_event

# A file has at most this many spines at once and rows in all.
_MOST_SPINES = 256
_MOST_CELLS = 4_000_000
_MOST_EVENTS = 60_000
_MOST_HEADS = 100_000
_MOST_BARS = 25_000  # of all parts together
_MOST_SIGNS = 1_000  # in a bar
_MOST_LINES = 150_000
_LONGEST = 1 << 16
_BEGINNING = Fraction(0)
_KINDS = {"**kern": "kern", "**text": "text", "**silbe": "text", "**dynam": "dynam", "**dyn": "dynam"}
_TONICS = {"c": 0, "g": 1, "d": 2, "a": 3, "e": 4, "b": 5, "f": -1}


@dataclass(slots=True)
class Spine:
    """A column: its kind, the part to which it belongs, and when its last note ends."""

    kind: str
    part: int  # of the columns of one kind, as they begin
    end: Fraction = Fraction(0)
    voice: int = 1


@dataclass(slots=True)
class KernPart:
    """The contents of one **kern column and its companion columns."""

    name: str = ""
    instrument: str = ""
    bars: list[sheet.Bar] = field(default_factory=lambda: [sheet.Bar()])
    starts: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    slurs: list[int] = field(default_factory=list)
    clef: str = ""
    key: tuple[int, int] | None = None
    attributes: dict[int, dict[str, str]] = field(default_factory=dict)
    hairpin: bool = False
    latest: sheet.Event | None = None
    tempos: set[tuple[Fraction, str]] = field(default_factory=set)  # of the bar: columns of one part repeat them


def kern_to_musicxml(content: str) -> tuple[bytes, tuple[str, ...]]:
    """A MusicXML document, and what is left out.

    Raises:
        NotationError: when it has no **kern column, or columns that do not fit their rows.
    """
    reader = _Reader()
    for number, line in enumerate(content.splitlines(), 1):
        if number > _MOST_LINES:
            raise NotationError(f"more than {_MOST_LINES:,} lines")
        try:
            reader.line(line.rstrip("\r\n"))
        except NotationError as error:
            raise NotationError(f"line {number}: {error}") from None
        if reader.done:
            break
    return reader.result()


class _Reader:
    def __init__(self) -> None:
        self.spines: list[Spine] = []
        self.parts: list[KernPart] = []
        self.left_out: dict[str, int] = {}
        self.time = Fraction(-1)
        self.cells = 0
        self.done = False
        self.title = ""
        self.events = self.heads = self.bars = 0

    def line(self, line: str) -> None:
        if line.startswith("!!"):
            found = re.match(r"!!!OTL[^:]*:\s*(.*)", line)
            if found and not self.title:
                self.title = found[1]
            return
        if not line.strip():
            return
        tokens = line.split("\t")
        self.cells += len(tokens)
        if self.cells > _MOST_CELLS:
            raise NotationError(f"more than {_MOST_CELLS:,} tokens")
        if tokens[0].startswith("**") and not self.spines:
            self._begin(tokens)
            return
        if not self.spines:
            raise NotationError("no **kern line at the beginning")
        if len(tokens) != len(self.spines):
            raise NotationError(f"{len(tokens)} columns where there are {len(self.spines)}")
        if tokens[0].startswith("!"):
            return
        if tokens[0].startswith("="):
            self._barline(tokens)
        elif tokens[0].startswith("*"):
            self._interpretations(tokens)
        else:
            self._data(tokens)

    def _begin(self, tokens: list[str]) -> None:
        for token in tokens:
            if token == "**kern":
                self.parts.append(KernPart())
            self.spines.append(Spine(self._kind(token), max(0, len(self.parts) - 1)))
        if not self.parts:
            raise NotationError("it has no **kern column")
        if len(self.spines) > _MOST_SPINES:
            raise NotationError(f"more than {_MOST_SPINES} columns")

    def _kind(self, token: str) -> str:
        kind = _KINDS.get(token, "")
        if not kind and token.strip():
            self.left_out[token] = 1
        return kind

    def _enter(self, spine: Spine, token: str) -> None:
        """A column that was added says what it is."""
        if token == "**kern":
            bars, starts = ([*of] for of in (self.parts[0].bars, self.parts[0].starts))
            self.bars += len(bars)
            self._check_bars()
            self.parts.append(KernPart(bars=[sheet.Bar(bar.number) for bar in bars], starts=starts))
            spine.part, spine.voice = len(self.parts) - 1, 1
        spine.kind = self._kind(token)

    def _check_bars(self) -> None:
        if self.bars > _MOST_BARS:
            raise NotationError(f"more than {_MOST_BARS:,} bars of all columns together")

    # -- interpretations ----------------------------------------------------------------------------------

    def _interpretations(self, tokens: list[str]) -> None:
        if any(token in ("*^", "*v", "*-", "*x", "*+") for token in tokens):
            self._paths(tokens)
            return
        for spine, token in zip(self.spines, tokens, strict=True):
            if not spine.kind and token.startswith("**"):
                self._enter(spine, token)
            elif spine.kind == "kern":
                self._interpretation(self.parts[spine.part], token)

    def _paths(self, tokens: list[str]) -> None:
        out: list[Spine] = []
        index = 0
        while index < len(tokens):
            spine, token = self.spines[index], tokens[index]
            if token == "*^":
                out += [spine, Spine(spine.kind, spine.part, spine.end)]
            elif token == "*v":
                last = index
                while last + 1 < len(tokens) and tokens[last + 1] == "*v" and self._same(index, last + 1):
                    last += 1
                spine.end = max(one.end for one in self.spines[index : last + 1])
                out.append(spine)
                index = last
            elif token == "*x" and index + 1 < len(tokens) and tokens[index + 1] == "*x":
                out += [self.spines[index + 1], spine]
                index += 1
            elif token == "*+":
                coming = [one.end for one in self.spines if one.kind == "kern" and one.end > self.time]
                out += [spine, Spine("", spine.part, min(coming, default=self.time))]
            elif token != "*-":
                out.append(spine)
            index += 1
        if len(out) > _MOST_SPINES:
            raise NotationError(f"more than {_MOST_SPINES} columns")
        self.spines = out
        self.done = not out
        count: dict[int, int] = {}
        for spine in out:
            if spine.kind == "kern":
                spine.voice = count[spine.part] = count.get(spine.part, 0) + 1

    def _same(self, one: int, other: int) -> bool:
        first, second = self.spines[one], self.spines[other]
        return (first.kind, first.part) == (second.kind, second.part)

    def _interpretation(self, part: KernPart, token: str) -> None:
        bar = part.bars[-1]
        at = max(Fraction(0), self._now(part) - part.starts[-1])
        said = part.attributes.setdefault(len(part.bars) - 1, {}) if at == 0 else {}
        if meter := re.fullmatch(r"\*M(\d{1,3})/(\d{1,3})(%\d+)?", token):
            if 0 < int(meter[1]) < 256 and int(meter[2]) in (1, 2, 4, 8, 16, 32, 64, 128):
                said["time"] = f"<time><beats>{meter[1]}</beats><beat-type>{int(meter[2])}</beat-type></time>"
        elif speed := re.fullmatch(r"\*MM(\d{1,4}(?:\.\d{1,6})?)", token):
            element = sheet.tempo(float(speed[1])) if float(speed[1]) > 0 else ""
            if element and (at, element) not in part.tempos:
                part.tempos.add((at, element))
                self._direct(bar, at, element)
        elif signature := re.fullmatch(r"\*k\[((?:[a-g][#n-]+)*)\]", token):
            sharps = signature[1].count("#") - signature[1].count("-")
            if -7 <= sharps <= 7:
                minor = part.key[1] if part.key is not None and part.key[0] == sharps else 0
                part.key = sharps, minor
                said["key"] = _key(sharps, minor)
        elif key := re.fullmatch(r"\*([A-Ga-g])([#-]?):(\w*)", token):
            minor = int(key[1].islower())
            tonic = _TONICS[key[1].lower()] + 7 * ((key[2] == "#") - (key[2] == "-")) - 3 * minor
            if part.key is not None and part.key[0] == tonic and "key" in said:
                part.key = tonic, minor
                said["key"] = _key(tonic, minor)
        elif clef := re.fullmatch(r"\*clef([GFC])([v^]*)([1-5])", token):
            octave = clef[2].count("^") - clef[2].count("v")
            element = sheet.clef(clef[1], int(clef[3]), octave)
            if element != part.clef:
                part.clef = element
                said["clef"] = element
        elif name := re.match(r'\*I"(.+)', token):
            part.name = part.name or name[1]
        elif code := re.fullmatch(r"\*I([a-z][A-Za-z]*)\d*", token):
            part.instrument = part.instrument or code[1]

    def _direct(self, bar: sheet.Bar, at: Fraction, element: str) -> None:
        if len(bar.directions) >= _MOST_SIGNS:
            raise NotationError(f"more than {_MOST_SIGNS:,} signs in a bar")
        bar.directions.append((at, element))

    def _now(self, part: KernPart) -> Fraction:
        own = self.parts.index(part)
        return max((s.end for s in self.spines if s.kind == "kern" and s.part == own), default=Fraction(0))

    # -- bar lines ----------------------------------------------------------------------------------------

    def _barline(self, tokens: list[str]) -> None:
        at = max((spine.end for spine in self.spines if spine.kind == "kern"), default=Fraction(0))
        for spine in self.spines:
            spine.end = max(spine.end, at)
        self.time = at - 1 if self.time < at else self.time
        token = next(t for s, t in zip(self.spines, tokens, strict=True) if s.kind == "kern" or s is self.spines[0])
        number = re.match(r"=+(\d+[a-z]?)?", token)
        ends, begins = ":|" in token or ":!" in token, "|:" in token or "!:" in token
        if token.startswith("==") and not begins and not ends:
            style = "light-heavy"
        else:
            style = "light-light" if "||" in token else "none" if token.endswith("-") else ""
        for part in self.parts:
            bar = part.bars[-1]
            if at > part.starts[-1]:
                if ends or (style and style != "none"):
                    bar.right = sheet.barline("right", "light-heavy" if ends else style, "", "backward" if ends else "")
                self.bars += 1
                self._check_bars()
                part.bars.append(sheet.Bar())
                part.starts.append(at)
                part.tempos.clear()
            elif ends and len(part.bars) > 1 and not part.bars[-2].right:
                part.bars[-2].right = sheet.barline("right", "light-heavy", "", "backward")
            new = part.bars[-1]
            if number and number[1]:
                new.number = number[1]
            if begins:
                new.left = sheet.barline("left", "heavy-light", "", "forward")

    # -- data ---------------------------------------------------------------------------------------------

    def _data(self, tokens: list[str]) -> None:
        kern = [(spine, token) for spine, token in zip(self.spines, tokens, strict=True) if spine.kind == "kern"]
        sounding = [spine.end for spine, token in kern if token != "." and "q" not in token and "Q" not in token]
        if sounding:
            at = max(*sounding, self.time)
        else:
            later = [spine.end for spine, _ in kern if spine.end > self.time]
            at = min(later, default=self.time)
        if at < 0:
            at = _BEGINNING
        if at.numerator > _LONGEST * at.denominator:
            raise NotationError("it is longer than 65,536 quarters")
        for part in self.parts:
            part.latest = None
        start, since = _BEGINNING, at  # parts mostly have one bar line
        for spine, token in kern:
            if token == ".":
                continue
            part = self.parts[spine.part]
            if part.starts[-1] is not start:
                start = part.starts[-1]
                since = at - start
            event = kern_event(token, since, spine.voice, part.slurs, self.left_out)
            if event is None:
                continue
            self.events += 1
            self.heads += len(event.heads)
            if self.events > _MOST_EVENTS:
                raise NotationError(f"more than {_MOST_EVENTS:,} notes and rests")
            if self.heads > _MOST_HEADS:
                raise NotationError(f"more than {_MOST_HEADS:,} notes in chords")
            part.bars[-1].events.append(event)
            if part.latest is None or (not part.latest.heads and event.heads):
                part.latest = event
            if not event.grace:
                spine.end = at + event.length
        if sounding:
            self.time = at
        for spine, token in zip(self.spines, tokens, strict=True):
            if token == "." or not spine.kind or spine.kind == "kern":
                continue
            part = self.parts[spine.part]
            if spine.kind == "text" and part.latest is not None and part.latest.heads:
                verse = len(part.latest.lyrics) + 1
                part.latest.lyrics += [(verse, *one) for one in syllable(token)]
            elif spine.kind == "dynam":
                elements, part.hairpin = dynamic_directions(token, part.hairpin)
                for element in elements:
                    self._direct(part.bars[-1], at - part.starts[-1], element)

    # -- the whole ----------------------------------------------------------------------------------------

    def result(self) -> tuple[bytes, tuple[str, ...]]:
        if not self.parts:
            raise NotationError("it has no **kern column")
        end = max((spine.end for spine in self.spines), default=self.time)
        parts = []
        for part in reversed(self.parts):  # columns go from the lowest part to the highest
            if not part.bars[-1].events and len(part.bars) > 1:
                directions = part.bars.pop().directions
                part.bars[-1].directions += [(end - part.starts[-2], e) for _, e in directions if "stop" in e]
            upbeat = len(part.bars) > 1 and not part.bars[0].number
            for index, bar in enumerate(part.bars):
                if not bar.number:
                    bar.number = "0" if index == 0 and upbeat and part.bars[1].number == "1" else str(index + 1)
                    bar.implicit = bar.number == "0"
                said = part.attributes.get(index, {})
                inner = "".join(said.get(tag, "") for tag in ("key", "time", "clef"))
                bar.attributes = f"<attributes>{inner}</attributes>" if inner else ""
                for event in bar.events:
                    event.value = event.value or note_value(event.length)
            name = part.name or part.instrument
            instruments = f'<score-instrument id="{{id}}-I1"><instrument-name>{sheet.text(part.instrument or name)}' \
                          "</instrument-name></score-instrument>" if name else ""  # fmt: skip
            parts.append(sheet.SheetPart(name, instruments, part.bars))
        notices = tuple(f"not read: {name}" for name in sorted(self.left_out))
        return sheet.document(parts, self.title), notices


def _key(sharps: int, minor: int) -> str:
    return f"<key><fifths>{sharps}</fifths><mode>{'minor' if minor else 'major'}</mode></key>"
