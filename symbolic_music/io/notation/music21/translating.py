"""What the process of `music21_process` runs: a file of MEI as MusicXML on standard output, within limits.

It is run as a file, so that it imports nothing of this library.
"""

from __future__ import annotations

import re
import sys
import warnings
from copy import deepcopy
from fractions import Fraction
from xml.etree import ElementTree

_NAMESPACE = "{http://www.music-encoding.org/ns/mei}"
_RESTING: tuple[list[str], ...] = ([], [f"{_NAMESPACE}mRest"], [f"{_NAMESPACE}mSpace"])
_DISSOLVED = {f"{_NAMESPACE}{name}" for name in ("ending", "bTrem", "fTrem")}
_REPEATING = {f"{_NAMESPACE}{name}" for name in ("halfmRpt", "mRpt2", "multiRpt")}
_UNITS = (1, 2, 4, 8, 16, 32, 64, 128)
_ID = "{http://www.w3.org/XML/1998/namespace}id"


def limit(seconds: int, memory: int, addresses: int) -> None:
    """Limit this process, where the system can: processor time in s, data and addresses in bytes."""
    try:
        import resource
    except ImportError:
        return
    kinds = (resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_AS)
    for kind, most in zip(kinds, (seconds, memory, addresses), strict=True):
        resource.setrlimit(kind, (most, most))


def readable(path: str) -> bytes:
    """The document, less what MEI allows and music21 fails on: syllables that are words, measures that are "4a", clefs
    in beams.

    Ties become attributes of their notes, since of a note that ends one tie and begins the next music21 keeps one.
    Rests of measures that are silent in all staves get a length, since music21 knows no meter that a staff alone says.
    What endings and tremolos hold stands in their place, since music21 leaves these out, and so do copies of beats and
    measures in that of signs that repeat them.
    """
    root = ElementTree.parse(path).getroot()
    _refuse_unpitched(root)
    dissolve(root)
    write_out_repeated(root)
    tie_by_attributes(root)
    fill_silent_measures(root)
    for element in root.iter():
        if element.tag == f"{_NAMESPACE}beam":
            for clef in element.findall(f"{_NAMESPACE}clef"):
                element.remove(clef)
        if element.get("wordpos") == "s":
            del element.attrib["wordpos"]
        if element.tag == f"{_NAMESPACE}measure" and "n" in element.attrib:
            number = re.match(r"\d{1,9}", element.attrib.pop("n"), re.ASCII)
            if number is not None:
                element.set("n", number[0])
    document: bytes = ElementTree.tostring(root, "utf-8")
    return document


def _refuse_unpitched(root: ElementTree.Element) -> None:
    """ValueError where notes have no pitch: music21 would play all of them as middle C."""
    for note in root.iter(f"{_NAMESPACE}note"):
        if "pname" not in note.attrib and "pname.ges" not in note.attrib:
            raise ValueError("notes without a pitch, such as drums, are not read from MEI")


def dissolve(root: ElementTree.Element) -> None:
    """Put what endings and tremolos hold in their place."""
    for parent in list(root.iter()):
        children: list[ElementTree.Element] = []
        for child in parent:
            children += child if child.tag in _DISSOLVED else [child]
            if child.tag == f"{_NAMESPACE}fTrem":  # each of two notes lasts half of what is written
                for note in child.iter():
                    if note.get("dur", "").isdecimal():
                        note.set("dur", str(2 * int(note.attrib["dur"])))
        if any(child.tag in _DISSOLVED for child in parent):
            parent[:] = children


def write_out_repeated(root: ElementTree.Element) -> None:
    """Put copies in the place of signs that repeat a beat or a measure.

    Raises:
        ValueError: where there is none to be repeated, or for other signs of repetition.
    """
    beat = Fraction(1)
    before: dict[tuple[str | None, str | None], list[ElementTree.Element]] = {}
    for element in root.iter():
        meter = _meter(element)
        beat = beat if meter is None else Fraction(4, meter[1])
        if element.tag != f"{_NAMESPACE}staff":
            continue
        for layer in element.findall(f"{_NAMESPACE}layer"):
            place = element.get("n"), layer.get("n")
            written: list[ElementTree.Element] = []
            for sign in layer:
                if sign.tag in _REPEATING:
                    raise ValueError(f"{sign.tag.removeprefix(_NAMESPACE)}, a sign of repetition, is not read from MEI")
                if sign.tag == f"{_NAMESPACE}mRpt":
                    written += map(_copy, before.get(place, []))
                elif sign.tag == f"{_NAMESPACE}beatRpt":
                    written += map(_copy, _last_beat(written, beat))
                else:
                    written.append(sign)
            layer[:] = before[place] = written


def _last_beat(events: list[ElementTree.Element], beat: Fraction) -> list[ElementTree.Element]:
    """The last of these events that last a beat, in quarters, together."""
    length, first = Fraction(0), len(events)
    while length < beat and first:
        first -= 1
        length += _length(events[first])
    if length != beat:
        raise ValueError("a sign that repeats a beat stands behind something else than a beat")
    return events[first:]


def _length(event: ElementTree.Element) -> Fraction:
    """Quarters that an event lasts; 0 of what takes no time, such as grace notes and clefs."""
    name = event.tag.removeprefix(_NAMESPACE)
    if "grace" in event.attrib or name == "graceGrp":
        return Fraction(0)
    if name in ("beam", "tuplet"):
        within = sum(map(_length, event), Fraction(0))
        base, number = (event.get(share, "1") if name == "tuplet" else "1" for share in ("numbase", "num"))
        is_said = base.isdecimal() and number.isdecimal() and int(number) > 0
        return within * Fraction(int(base), int(number)) if is_said else within
    said = [event, *event] if name == "chord" else [event]
    dur = next((one.attrib["dur"] for one in said if "dur" in one.attrib), "")
    if name not in ("note", "chord", "rest", "space") or not dur.isdecimal() or not int(dur):
        return Fraction(0)
    dots = next((one.attrib["dots"] for one in said if "dots" in one.attrib), "0")
    return Fraction(4, int(dur)) * (2 - Fraction(1, 1 << min(int(dots), 4) if dots.isdecimal() else 1))


def _copy(event: ElementTree.Element) -> ElementTree.Element:
    """An event once more: nothing is tied to it or refers to it."""
    found = deepcopy(event)
    for element in found.iter():
        for name in (_ID, "tie"):
            element.attrib.pop(name, None)
    return found


def tie_by_attributes(root: ElementTree.Element) -> None:
    """Replace `tie` elements that name both their notes by the attribute `tie` of these: i, m or t."""
    begin, end = set[str](), set[str]()
    for element in root.iter():
        for tie in element.findall(f"{_NAMESPACE}tie"):
            first, last = tie.get("startid"), tie.get("endid")
            if first is not None and last is not None:
                begin.add(first.removeprefix("#"))
                end.add(last.removeprefix("#"))
                element.remove(tie)
    for element in root.iter():
        name = element.get(_ID)
        if name in begin or name in end:
            said = element.get("tie", "")
            on, off = name in begin or said in ("i", "m"), name in end or said in ("m", "t")
            element.set("tie", "m" if on and off else "i" if on else "t")


def fill_silent_measures(root: ElementTree.Element) -> None:
    """Replace the rests of measures in which all staves rest by rests as long as the meter in force."""
    meter = 4, 4
    for element in list(root.iter()):
        meter = _meter(element) or meter
        if element.tag != f"{_NAMESPACE}measure":
            continue
        layers = list(element.iter(f"{_NAMESPACE}layer"))
        if layers and all([rest.tag for rest in layer] in _RESTING for layer in layers):
            for layer in layers:
                layer[:] = _rests(*meter)


def _meter(element: ElementTree.Element) -> tuple[int, int] | None:
    names = ("count", "unit") if element.tag == f"{_NAMESPACE}meterSig" else ("meter.count", "meter.unit")
    count, unit = (re.fullmatch(r"\d{1,3}", element.get(name, ""), re.ASCII) for name in names)
    if count is None or unit is None or int(unit[0]) not in _UNITS or int(count[0]) == 0:
        return None
    return int(count[0]), int(unit[0])


def _rests(count: int, unit: int) -> list[ElementTree.Element]:
    """Rests that fill a measure, the longest first."""
    found = []
    left = count * (_UNITS[-1] // unit)
    for value in _UNITS:
        while left >= _UNITS[-1] // value:
            found.append(ElementTree.Element(f"{_NAMESPACE}rest", {"dur": str(value)}))
            left -= _UNITS[-1] // value
    return found


def translated(path: str) -> bytes:
    """The MusicXML of a file."""
    from music21.mei import MeiToM21Converter
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    stream = MeiToM21Converter(readable(path)).run()  # type: ignore[no-untyped-call]
    # MEI has measures, rests and beams. To make them anew takes ten times as long, and breaks bars of 9/8 as 4/4.
    exporter = GeneralObjectExporter(stream)
    exporter.makeNotation = False
    return exporter.parse()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    limit(*map(int, sys.argv[2:]))
    sys.stdout.buffer.write(translated(sys.argv[1]))
