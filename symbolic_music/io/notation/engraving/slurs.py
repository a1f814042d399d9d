"""Slurs that lost one end in an edit: they are attached to the nearest note."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring


def reattached(measures: Sequence[Element], written: dict[int, str], kept: set[Element]) -> dict[int, str]:
    """The written measures with an end for each slur whose other end is in a note that is still there.

    A slur into a written measure ends at its first note, one out of it begins at its last; where it has no notes the
    slur stays open, which notation programs leave out.

    Args:
        measures: those of the part, as they were.
        written: the new text of some, by place; `kept` are the notes of these that are still in it.
    """
    if not written:
        return written
    lost_stops, lost_starts = _lost(measures, written, kept)
    out = dict(written)
    for bar in {*lost_stops, *lost_starts}:
        measure = fromstring(written[bar])
        notes = [n for n in measure.iterfind("note") if n.find("rest") is None and n.find("chord") is None]
        if not notes:
            continue
        for number in lost_stops.get(bar, ()):
            _mark(notes[0], "stop", number)
        for number in lost_starts.get(bar, ()):
            _mark(notes[-1], "start", number)
        out[bar] = tostring(measure, encoding="unicode")
    return out


def _lost(
    measures: Sequence[Element], written: dict[int, str], kept: set[Element]
) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Numbers of slurs that lost their stop, and of those that lost their start, by measure."""
    stops: dict[int, list[str]] = {}
    starts: dict[int, list[str]] = {}
    open_slurs: dict[str, tuple[int, bool]] = {}  # number -> (measure, whether its first note is still there)
    for bar, measure in enumerate(measures):
        for note in measure.iterfind("note"):
            there = bar not in written or note in kept
            for slur in note.iterfind("notations/slur"):
                number = slur.get("number", "1")
                if slur.get("type") == "start":
                    open_slurs[number] = bar, there
                elif slur.get("type") == "stop" and number in open_slurs:
                    begin, first_there = open_slurs.pop(number)
                    if first_there and not there:
                        stops.setdefault(bar, []).append(number)
                    elif there and not first_there:
                        starts.setdefault(begin, []).append(number)
    return stops, starts


def _mark(note: Element, kind: str, number: str) -> None:
    notations = note.find("notations")
    if notations is None:
        notations = Element("notations")
        lyric = next((i for i, child in enumerate(note) if child.tag in ("lyric", "play", "listen")), len(note))
        note.insert(lyric, notations)
    SubElement(notations, "slur", {"type": kind, "number": number})
