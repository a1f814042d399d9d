"""Read a MusicXML document as written music.

Source: MusicXML 4.0, W3C Music Notation Community Group; elements are named as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from xml.etree.ElementTree import Element

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.checked_numbers import number, whole
from symbolic_music.io.notation.musicxml.chord_symbols import chord_text
from symbolic_music.io.notation.musicxml.directions import read_direction, read_sound
from symbolic_music.io.notation.musicxml.durations import Cursor, Units, meant
from symbolic_music.io.notation.percussion import drum_of_name, drum_of_place
from symbolic_music.io.notation.written_music import MAX_MEASURE, TICKS, Instrument, Measure, Part, Written, WrittenNote

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# What is written and does not sound here, by the element's name.
_UNPLAYED = {
    "trill-mark": "trill", "turn": "turn", "delayed-turn": "turn", "inverted-turn": "turn", "mordent": "mordent",
    "inverted-mordent": "mordent", "shake": "trill", "tremolo": "tremolo", "arpeggiate": "arpeggio",
    "glissando": "glissando", "slide": "glissando", "fermata": "fermata", "staccato": "staccato mark",
    "staccatissimo": "staccato mark", "spiccato": "staccato mark", "tenuto": "tenuto mark", "slur": "slur",
    "bend": "bend", "schleifer": "ornament", "vertical-turn": "turn", "wavy-line": "trill",
}  # fmt: skip
_ACCENTS = {"accent": 12, "strong-accent": 24}


def read_document(root: Element) -> Written:
    """The written music of a `score-partwise` element.

    Raises:
        NotationError: when it is another element, has no parts, or holds what no score can.
    """
    if root.tag != "score-partwise":
        raise NotationError(f"its outermost element is <{root.tag}>, not <score-partwise>")
    out = Written()
    heads = {one.get("id", ""): one for one in root.iterfind("part-list/score-part")}
    for element in root.iterfind("part"):
        name = element.get("id", "")
        head = heads.get(name)
        part = Part(name) if head is None else _part(head, name)
        out.parts.append(part)
        _PartReader(out, part).read(element)
    if not out.parts:
        raise NotationError("it has no parts")
    longest = max(len(part.measures) for part in out.parts)
    for part in out.parts:
        part.measures += [Measure() for _ in range(longest - len(part.measures))]
    return out


def _part(head: Element, name: str) -> Part:
    part = Part(name, " ".join((head.findtext("part-name") or "").split()))
    for one in head.iterfind("score-instrument"):
        part.instruments[one.get("id", "")] = Instrument((one.findtext("instrument-name") or "").strip())
    for one in head.iterfind("midi-instrument"):
        midi_instrument(part.instruments.setdefault(one.get("id", ""), Instrument()), one)
    return part


def midi_instrument(instrument: Instrument, element: Element) -> None:
    """Take over what a `midi-instrument` element says; values out of range are as if they were not there."""
    for field, tag, first, last in (
        ("program", "midi-program", 1, 128),
        ("channel", "midi-channel", 1, 16),
        ("key", "midi-unpitched", 1, 128),
    ):
        value = whole(element.findtext(tag))
        if value is not None and first <= value <= last:
            setattr(instrument, field, value - 1)
    volume, pan = number(element.findtext("volume")), number(element.findtext("pan"))
    if volume is not None and 0 <= volume <= 100:
        instrument.volume = round(volume * 1.27)
    if pan is not None and -90 <= pan <= 90:
        instrument.pan = round(63.5 + pan * 63.5 / 90 + 0.01)


class _PartReader:
    """Walks the measures of a part: `cursor` within the measure, in the divisions in force."""

    def __init__(self, out: Written, part: Part) -> None:
        self.out, self.part = out, part
        self.divisions: Units = 1
        self.transposition: dict[str, int] = {}
        self.measure = Measure()
        self.cursor = Cursor()
        self.onset: Units = 0
        self.graces: dict[tuple[int, str], int] = {}
        self.ending: tuple[int, ...] = ()

    def read(self, element: Element) -> None:
        for source in element.iterfind("measure"):
            self.measure = Measure(source.get("number", ""), source.get("implicit") == "yes")
            self.part.measures.append(self.measure)
            self.cursor, self.onset = Cursor(), 0
            self.graces = {}
            if self.ending:
                self.measure.ending = self.ending
            for child in source:
                self._child(child)

    def _child(self, child: Element) -> None:
        tag = child.tag
        if tag == "note":
            self._note(child)
        elif tag == "backup":
            self.cursor.back(self._duration(child.find("duration")))
        elif tag == "forward":
            self.cursor.skip(self._duration(child.find("duration")))
            self._reach()
        elif tag == "attributes":
            self._attributes(child)
        elif tag == "direction":
            at = max(0, self._tick(self.cursor.at) + self._offset(child))
            read_direction(child, at, self.measure, self.part, self.out)
        elif tag == "sound":
            read_sound(child, max(0, self._tick(self.cursor.at) + self._offset(child)), self.measure, self.part)
        elif tag == "harmony":
            text = chord_text(child)
            if text:
                self.measure.texts.append((max(0, self._tick(self.cursor.at) + self._offset(child)), text, "chord", 1))
        elif tag == "barline":
            self._barline(child)
        elif tag == "figured-bass":
            self.out.miss("figured bass")

    # -- time ---------------------------------------------------------------------------------------------

    def _tick(self, units: Units) -> int:
        return int((2 * units * TICKS + self.divisions) // (2 * self.divisions))

    def _duration(self, element: Element | None) -> Units:
        text = None if element is None else element.text or ""
        value = number(text)
        if value is None or value < 0:
            raise NotationError(f"measure {self.measure.number}: a duration of {text!r}")
        if value * TICKS > MAX_MEASURE * self.divisions:
            raise NotationError(f"measure {self.measure.number}: a duration of {text} is longer than any note")
        return value

    def _offset(self, element: Element) -> int:
        value = number(element.findtext("offset"))
        return 0 if value is None else self._tick(max(-self.cursor.at, min(value, 1024 * self.divisions)))

    def _reach(self) -> None:
        reached = self._tick(self.cursor.at)
        if reached > MAX_MEASURE:
            raise NotationError(f"measure {self.measure.number} is longer than any measure")
        self.measure.content = max(self.measure.content, reached)

    # -- attributes and bar lines -------------------------------------------------------------------------

    def _attributes(self, element: Element) -> None:
        at = self._tick(self.cursor.at)
        divisions = number(element.findtext("divisions"))
        if divisions is not None:
            if not 0 < divisions <= 1 << 24:
                raise NotationError(f"measure {self.measure.number}: {divisions} divisions of a quarter")
            if self.divisions != divisions:
                self.cursor.rescale(self.divisions, divisions)
                self.divisions = divisions
        for time in element.iterfind("time"):
            meter = _meter(time)
            if meter is not None and at == 0:
                self.measure.meters.append((at, *meter))
            elif meter is not None:
                self.out.miss("meter change inside a bar")
            elif time.find("senza-misura") is None:
                self.out.problems.append(f"measure {self.measure.number}: an invalid meter is left out")
        for transpose in element.iterfind("transpose"):
            chromatic = number(transpose.findtext("chromatic")) or 0
            octaves = whole(transpose.findtext("octave-change")) or 0
            self.transposition[transpose.get("number", "")] = int(chromatic) + 12 * octaves
            self.part.transposes |= bool(chromatic) or bool(octaves)
            if transpose.find("double") is not None:
                self.out.miss("doubling in octaves")
        for key in element.iterfind("key"):
            sharps = whole(key.findtext("fifths"))
            if sharps is not None and -7 <= sharps <= 7:
                by = self.transposition.get(key.get("number", "1"), self.transposition.get("", 0))
                # A semitone is seven fifths; of enharmonic keys the one with at most six accidentals sounds.
                sounding = sharps if by % 12 == 0 else (sharps + 7 * by + 5) % 12 - 5
                minor = (key.findtext("mode") or "").strip() == "minor"
                self.measure.keys.append((at, sounding, int(minor)))

    def _barline(self, element: Element) -> None:
        measure = self.measure
        repeat = element.find("repeat")
        if repeat is not None:
            if repeat.get("direction") == "forward":
                measure.repeat_start = True
            else:
                measure.repeat_times = max(2, min(16, whole(repeat.get("times")) or 2))
        ending = element.find("ending")
        if ending is not None:
            numbers = tuple(int(n) for n in ending.get("number", "").replace(",", " ").split() if n.isdecimal())[:16]
            if ending.get("type") == "start":
                self.ending = measure.ending = tuple(n for n in numbers if 0 < n <= 16)
            else:
                self.ending = ()
        for name in ("segno", "coda"):
            if element.find(name) is not None:
                measure.jumps.add(name)
        if element.find("fermata") is not None:
            self.out.miss("fermata")

    # -- notes --------------------------------------------------------------------------------------------

    def _note(self, element: Element) -> None:
        tags = {child.tag: child for child in reversed(element)}  # of several the first
        grace = tags.get("grace")
        if "cue" in tags:
            self.out.miss("cue note")
        said = 0 if grace is not None else self._duration(tags.get("duration"))
        length = meant(said, tags, element, self.divisions) if said else said
        if "chord" not in tags:
            self.onset = self.cursor.at
            self.cursor.forward(said, length)
            self._reach()
        at = self._tick(self.onset)
        if "lyric" in tags:
            self._lyrics(element.iterfind("lyric"), at)
        if "rest" in tags or "cue" in tags:
            if "notations" in tags:
                self._notations(element)
            return
        staff = _text(tags, "staff") or "1"
        voice = (_text(tags, "voice") or "1") + "/" + staff
        used = tags["instrument"].get("id", "") if "instrument" in tags else ""
        found = self._pitch(tags, staff, used)
        if found is None:
            self.out.miss("note without a pitch, or outside of MIDI's")
            return
        drum, pitch = found
        velocity = number(element.get("dynamics"))
        # The length of what ends where the next one begins: from rounded ends, so that no gap opens.
        written = WrittenNote(
            at, self._tick(self.onset + length) - at, pitch, voice, drum, used,
            None if velocity is None else max(1, min(127, round(velocity * Fraction(9, 10)))),
        )  # fmt: skip
        ties = {tie.get("type") for tie in element.iterfind("tie")} if "tie" in tags else set()
        if "notations" in tags:
            ties = ties or {tie.get("type") for tie in element.iterfind("notations/tied")}
            written.accent = self._notations(element)
        written.tied_on, written.tied_from = "start" in ties, "stop" in ties
        if grace is not None:
            if "chord" not in tags:
                self.graces[at, voice] = self.graces.get((at, voice), 0) + 1
            written.grace = max(1, self.graces.get((at, voice), 1))
            steal = number(grace.get("steal-time-following"))
            written.steal = 0.0 if steal is None else min(100.0, max(0.0, float(steal)))
        written.element = element
        self.measure.notes.append(written)

    def _pitch(self, tags: dict[str, Element], staff: str, used: str) -> tuple[bool, int] | None:
        """(whether it is a drum, key or sounding pitch)."""
        instrument = self.part.instruments.get(used)
        if instrument is None:
            instrument = next(iter(self.part.instruments.values()), None) if not used else None
        if "pitch" in tags:
            pitch = {child.tag: child for child in reversed(tags["pitch"])}
            step, octave = _text(pitch, "step").strip(), whole(_text(pitch, "octave"))
            alter = number(_text(pitch, "alter")) or 0
            if step not in _STEPS or octave is None or not -3 <= alter <= 3:
                return None
            if not isinstance(alter, int):
                self.out.miss("microtone")
            by = self.transposition.get(staff, self.transposition.get("", 0))
            sounding = _STEPS[step] + int(alter // 1) + 12 * (octave + 1) + by
            drum = instrument is not None and instrument.channel == 9
            return (drum, sounding) if 0 <= sounding <= 127 else None
        if "unpitched" not in tags:
            return None
        if instrument is not None and instrument.key is not None:
            return True, instrument.key
        place = tags["unpitched"]
        step, octave = (place.findtext("display-step") or "").strip(), whole(place.findtext("display-octave"))
        head = (tags["notehead"].text or "").strip() if "notehead" in tags else "normal"
        name = instrument.name if instrument is not None else ""
        if drum_of_name(name) is None:
            self.out.miss("drum guessed from its place on the staff")
        return True, drum_of_place(step, octave, head, name)

    def _notations(self, element: Element) -> int:
        """How much louder a note is by its accents; what does not sound is counted."""
        accent = 0
        for notations in element.iterfind("notations"):
            for group in notations:
                for mark in (group, *group):
                    accent = max(accent, _ACCENTS.get(mark.tag, 0))
                    if mark.tag in _UNPLAYED and mark.get("type") not in ("stop", "continue"):
                        self.out.miss(_UNPLAYED[mark.tag])
        return accent

    def _lyrics(self, lyrics: Iterable[Element], at: int) -> None:
        for place, lyric in enumerate(lyrics, 1):
            words = [one.text or "" if one.tag == "text" else " " for one in lyric if one.tag in ("text", "elision")]
            text = "".join(words).strip()
            if not text:
                continue
            syllabic = [one.text for one in lyric.iterfind("syllabic")][-1:]
            verse = whole(lyric.get("number")) or place
            self.measure.texts.append((at, text + "-" * (syllabic in (["begin"], ["middle"])), "lyric", verse))


def _text(tags: dict[str, Element], tag: str) -> str:
    return tags[tag].text or "" if tag in tags else ""


def _meter(time: Element) -> tuple[int, int] | None:
    """Beats and beat type; composite ones as one, such as 2/4 + 3/8 as 7/8."""
    total, finest = Fraction(0), 1
    for beats, kind in zip(time.iterfind("beats"), time.iterfind("beat-type"), strict=False):
        parts = [whole(one) for one in (beats.text or "").split("+")]
        unit = whole(kind.text)
        if None in parts or unit is None or not 0 < unit <= 128 or unit & (unit - 1):
            return None
        total += Fraction(sum(one for one in parts if one is not None), unit)
        finest = max(finest, unit)
    beats_of_finest = int(total * finest)
    return (beats_of_finest, finest) if 0 < beats_of_finest <= 255 else None
