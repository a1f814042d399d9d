"""Patch a measure of a MusicXML part: unchanged voices and other elements stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import quoteattr

from symbolic_music.io.notation.checked_numbers import number
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.bar_voices import Segment, engraved
from symbolic_music.io.notation.engraving.note_heads import MeasureState, PartHeads
from symbolic_music.io.notation.musicxml.durations import Cursor, meant
from symbolic_music.io.notation.to_score import grace_onsets
from symbolic_music.io.notation.written_music import TICKS, Measure, WrittenNote

_FINEST = 1 << 20
_MIDDLE = 60
# What a segment is known by: ticks from the bar's beginning, pitch, whether it is a drum.
Place = tuple[int, int, int, bool]


@dataclass(slots=True)
class _Item:
    """An element of a measure, its place and length in quarters, and the divisions in force there."""

    element: Element
    at: Fraction
    divisions: Fraction
    length: Fraction = Fraction(0)


@dataclass(slots=True)
class _Chain:
    """Note heads of one voice that are tied within the bar."""

    start: int
    end: int
    pitch: int
    drum: bool
    notes: list[WrittenNote] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.start, self.end, self.pitch, self.drum


def patched_measure(
    element: Element,
    written: Measure,
    state: MeasureState,
    segments: Sequence[Segment],
    unchanged: Counter[Place],
    graces: Counter[tuple[int, int]],
    start: int,
    length: Fraction,
    heads: PartHeads,
) -> tuple[str, set[Element]]:
    """The measure with these notes, and which of its `note` elements are still there.

    Args:
        element, written, state: the measure as it was, and what holds at its beginning.
        segments: all that sounds in it now; `unchanged` are the places of those that were there before.
        graces: (pitch, onset) of its grace notes that are still there.
        start: its first tick; `length` in quarters.
    """
    chains = _chains(written)
    there = _still_there(written, graces, start)
    items = _items(element, state)
    # Its attributes come before its new notes, so all of these are in the state after them.
    begun = state.at_end(element)
    turns = any(item.at > 0 and item.element.find("transpose") is not None for item in items)
    kept_voices = set() if turns else _kept_voices(chains, written, Counter(unchanged), there)
    left = list(segments)
    for chain in chains:
        if _voice(chain.notes[0]) in kept_voices:
            left.remove(next(s for s in left if _place(s) == chain.place))
    resting = {_voice_of(i.element) for i in items if i.element.tag == "note"} - {_voice(n) for n in written.notes}
    staves_of_left = {_staff(s, chains, begun) for s in left}
    # A voice of rests only makes room for notes on its staff.
    kept_voices |= {voice for voice in resting if _staff_of_voice(items, voice) not in staves_of_left}
    kept = [i for i in items if i.element.tag == "note" and _voice_of(i.element) in kept_voices]
    events = _events(left, chains, there, kept, items, begun, start, length, heads)
    return _assembled(element, items, kept, events, state, length), {item.element for item in kept}


# -- what stays ---------------------------------------------------------------------------------------------


def _voice(note: WrittenNote) -> str:
    return note.voice.partition("/")[0]


def _voice_of(element: Element) -> str:
    return element.findtext("voice") or "1"


def _place(segment: Segment) -> Place:
    return round(segment.start * TICKS), round(segment.end * TICKS), segment.pitch, segment.drum


def _chains(written: Measure) -> list[_Chain]:
    chains: list[_Chain] = []
    tied: dict[tuple[int, int, bool], _Chain] = {}
    for note in written.notes:
        if note.grace:
            continue
        chain = tied.pop((note.at, note.pitch, note.drum), None) if note.tied_from else None
        if chain is None or _voice(chain.notes[0]) != _voice(note):
            chain = _Chain(note.at, note.at, note.pitch, note.drum)
            chains.append(chain)
        chain.end = max(note.at + note.length, chain.start + 1)
        chain.notes.append(note)
        if note.tied_on:
            tied[chain.end, note.pitch, note.drum] = chain
    return chains


def _still_there(written: Measure, graces: Counter[tuple[int, int]], start: int) -> list[WrittenNote]:
    """The grace notes of a measure that have one of these pitches and onsets."""
    left = Counter(graces)
    out = []
    for note, onset in grace_onsets(written.notes, start):
        if left[note.pitch, onset] > 0:
            left[note.pitch, onset] -= 1
            out.append(note)
    return out


def _kept_voices(
    chains: Sequence[_Chain], written: Measure, unchanged: Counter[Place], there: Sequence[WrittenNote]
) -> set[str]:
    """Voices with notes, all of which are still there."""
    voices = {_voice(note) for note in written.notes}
    broken = {_voice(note) for note in written.notes if note.grace and all(note is not one for one in there)}
    for chain in chains:
        if unchanged[chain.place] > 0:
            unchanged[chain.place] -= 1
        else:
            broken.add(_voice(chain.notes[0]))
    return voices - broken


def _items(measure: Element, state: MeasureState) -> list[_Item]:
    """The elements of a measure with their places; backup and forward are in these."""
    out = []
    divisions, cursor, onset = state.divisions, Cursor(), Fraction(0)
    for child in measure:
        said = number(child.findtext("duration")) or 0
        if child.tag == "backup":
            cursor.back(said)
        elif child.tag == "forward":
            cursor.skip(said)
        elif child.tag == "note":
            is_grace = child.find("grace") is not None
            length = said if is_grace else meant(said, {one.tag: one for one in reversed(child)}, child, divisions)
            if child.find("chord") is None:
                onset = cursor.at / divisions
                if not is_grace:
                    cursor.forward(said, length)
            out.append(_Item(child, onset, divisions, length / divisions))
        else:
            out.append(_Item(child, cursor.at / divisions, divisions))
            new = number(child.findtext("divisions")) if child.tag == "attributes" else None
            if new and new != divisions:
                cursor.rescale(divisions, new)
                divisions = Fraction(new)
    return out


# -- what is new --------------------------------------------------------------------------------------------


def _staff(segment: Segment, chains: Sequence[_Chain], state: MeasureState) -> int:
    """The staff of a note: where it stood before, else by its pitch."""
    if state.staves < 2:
        return 0
    for chain in chains:
        if chain.pitch == segment.pitch and chain.start == _place(segment)[0]:
            return int(chain.notes[0].voice.partition("/")[2] or 1)
    return 1 if segment.pitch >= _MIDDLE else 2


def _staff_of_voice(items: Sequence[_Item], voice: str) -> int:
    for item in items:
        if item.element.tag == "note" and _voice_of(item.element) == voice:
            return int(number(item.element.findtext("staff")) or 0)
    return 0


def _events(
    left: Sequence[Segment],
    chains: Sequence[_Chain],
    graces: Sequence[WrittenNote],
    kept: Sequence[_Item],
    items: Sequence[_Item],
    state: MeasureState,
    start: int,
    length: Fraction,
    heads: PartHeads,
) -> list[sheet.Event]:
    """Events of the notes that are not in kept voices, staff by staff, with the marks of those that were there."""
    kept_voices = {_voice_of(item.element) for item in kept}
    taken = set(kept_voices)
    free = [v for v in dict.fromkeys(_voice_of(i.element) for i in items if i.element.tag == "note") if v not in taken]
    kept_staves = {int(number(item.element.findtext("staff")) or 0) for item in kept}
    out: list[sheet.Event] = []
    known = {chain.place: chain for chain in chains}
    orphans = _orphans(left, chains, kept_voices)
    for staff in range(1, state.staves + 1) if state.staves > 1 else (0,):
        own = [s for s in left if _staff(s, chains, state) == staff]
        if not own and (staff in kept_staves or (kept and state.staves < 2)):
            continue
        head_of = heads.at(state, staff, start)
        events = engraved(own, length, head_of, 1, staff, fill=staff not in kept_staves)
        names: dict[int, int] = {}
        mine = [v for v in free if _staff_of_voice(items, v) == staff]
        for event in events:
            if event.voice not in names:
                names[event.voice] = _name(mine, taken, 4 * (staff - 1) if staff else 0)
            event.voice = names[event.voice]
            if event.heads:
                _carry(event, own, known, orphans)
        out += events
    for grace in graces:
        if grace.element is not None and _voice(grace) not in kept_voices:
            out.append(_raw_grace(grace, out))
    return out


def _name(mine: list[str], taken: set[str], least: int) -> int:
    """The number of a voice: one that its staff had, else a new one."""
    while mine:
        name = mine.pop(0)
        if name.isdecimal() and len(name) < 4 and name not in taken:
            taken.add(name)
            return int(name)
    new = next(n for n in range(least + 1, 1 << 20) if str(n) not in taken)
    taken.add(str(new))
    return new


def _orphans(left: Sequence[Segment], chains: Sequence[_Chain], kept_voices: set[str]) -> dict[int, str]:
    """The words of notes that are gone, by their tick."""
    there = {_place(segment) for segment in left}
    gone = (chain for chain in chains if chain.place not in there and _voice(chain.notes[0]) not in kept_voices)
    words = ((chain.start, _words(chain.notes[0].element)) for chain in gone)
    return {at: text for at, text in words if text}


def _words(element: Element | None) -> str:
    return "" if element is None else "".join(_xml(lyric) for lyric in element.iterfind("lyric"))


def _carry(
    event: sheet.Event, own: Sequence[Segment], known: dict[Place, _Chain], orphans: dict[int, str]
) -> None:  # fmt: skip
    """Give an event the articulations and words of the note that stood in its place.

    One that begins where a note is gone takes its words.
    """
    for segment in own:
        if segment.start != event.at:
            continue
        chain = known.get(_place(segment))
        element = chain.notes[0].element if chain is not None else None
        if element is None or element.find("chord") is not None:
            continue
        for notations in element.iterfind("notations"):
            event.marks += [_xml(m) for m in notations if m.tag not in ("tied", "slur", "tuplet", "glissando", "slide")]
        event.extra = _words(element)
        return
    if any(segment.start == event.at and not segment.tied_from for segment in own):
        event.extra = orphans.pop(round(event.at * TICKS), "")


def _raw_grace(grace: WrittenNote, events: Sequence[sheet.Event]) -> sheet.Event:
    at = Fraction(grace.at, TICKS)
    after = next((e for e in events if e.heads and e.at == at), None)
    element = deepcopy(grace.element)
    assert element is not None
    for notations in element.findall("notations"):
        for slur in notations.findall("slur"):
            notations.remove(slur)
    voice = element.find("voice")
    number_of = after.voice if after is not None else 1
    if voice is not None:
        voice.text = str(number_of)
    return sheet.Event(at, Fraction(0), voice=number_of, grace=True, raw=_xml(element))


# -- the measure --------------------------------------------------------------------------------------------


def _xml(element: Element) -> str:
    tail, element.tail = element.tail, None
    text: str = tostring(element, encoding="unicode")
    element.tail = tail
    return text


def _assembled(
    element: Element,
    items: Sequence[_Item],
    kept: Sequence[_Item],
    events: list[sheet.Event],
    state: MeasureState,
    length: Fraction,
) -> str:
    divisions = _divisions(items, events, state, length)
    last = state.at_end(element).divisions
    out: list[str] = []
    cursor = reached = 0

    def move(to: int) -> None:
        nonlocal cursor
        if to != cursor:
            way = "forward" if to > cursor else "backup"
            out.append(f"<{way}><duration>{abs(to - cursor)}</duration></{way}>")
            cursor = to

    if divisions != state.divisions:
        out.append(f"<attributes><divisions>{divisions}</divisions></attributes>")
    ending = []
    for item in items:
        if item.element.tag == "note":
            continue
        if item.element.tag == "barline" and item.element.get("location") != "left":
            ending.append(_xml(item.element))
            continue
        text = _rescaled(item, divisions)
        if text:
            move(round(item.at * divisions))
            out.append(text)
    for item in kept:
        if item.element.find("chord") is None:
            move(round(item.at * divisions))
        out.append(_rescaled(item, divisions))
        if item.element.find("chord") is None and item.element.find("grace") is None:
            cursor = round((item.at + item.length) * divisions)
            reached = max(reached, cursor)
    if events:
        move(0)
        out.append(sheet.music(sheet.Bar(events=events), int(divisions)))
        voice = max(event.voice for event in events)
        cursor = max(
            (round((e.at + (0 if e.grace else e.length)) * divisions) for e in events if e.voice == voice), default=0
        )
        reached = max([reached, *(round((e.at + e.length) * divisions) for e in events)])
    if reached < round(length * divisions):
        move(round(length * divisions))
    if divisions != last:
        out.append(f"<attributes><divisions>{last}</divisions></attributes>")
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attrib.items())
    return f"<measure{attributes}>{''.join([*out, *ending])}</measure>"


def _divisions(
    items: Sequence[_Item], events: Sequence[sheet.Event], state: MeasureState, length: Fraction
) -> Fraction:
    """Divisions in which everything of the measure is whole."""
    found = lcm(length.denominator, state.divisions.numerator)
    for item in items:
        found = lcm(found, item.divisions.numerator, item.at.denominator, item.length.denominator)
    for event in events:
        found = lcm(found, event.at.denominator, event.length.denominator)
    return Fraction(found if found <= _FINEST else TICKS)


def _rescaled(item: _Item, divisions: Fraction) -> str:
    """The element with its durations in other divisions; "" where nothing is left of it."""
    element = item.element
    if element.tag == "attributes" and element.find("divisions") is not None:
        element = deepcopy(element)
        for child in element.findall("divisions"):
            element.remove(child)
        if not len(element):
            return ""
    if item.divisions != divisions:
        element = deepcopy(element)
        for tag in ("duration", "offset"):
            for child in element.findall(tag):
                value = number(child.text)
                if value is not None:
                    quarters = item.length if tag == "duration" and element.tag == "note" else value / item.divisions
                    child.text = str(round(quarters * divisions))
    return _xml(element)
