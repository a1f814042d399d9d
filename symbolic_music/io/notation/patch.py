"""Patch a MusicXML document: replace changed measures, keep every other byte."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

import numpy as np

from symbolic_music.general_midi import DRUM_CHANNEL
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.bar_voices import Segment
from symbolic_music.io.notation.engraving.note_heads import MeasureState, PartHeads
from symbolic_music.io.notation.engraving.note_value_grid import simplest_of
from symbolic_music.io.notation.engraving.slurs import reattached
from symbolic_music.io.notation.measure_patch import patched_measure
from symbolic_music.io.notation.musicxml.bounded_xml import ByteSpan
from symbolic_music.io.notation.musicxml.musicxml_reader import read_document
from symbolic_music.io.notation.source_document import NotationSource, parsed
from symbolic_music.io.notation.to_score import Reading, as_written
from symbolic_music.io.notation.written_music import TICKS, Measure
from symbolic_music.score import Array, Score


@dataclass(frozen=True)
class _Piece:
    """A note's part in one bar, in ticks from the bar's beginning."""

    start: int
    end: int
    pitch: int
    velocity: int
    drum: bool
    program: int
    tied_from: bool
    tied_on: bool


@dataclass(frozen=True)
class _Patch:
    """A document, what is read of it, and the bars that the edited score has."""

    document: bytes
    parts: list[Element]
    spans: dict[Element, ByteSpan]
    reading: Reading
    bounds: list[int]


def patched(score: Score, source: NotationSource) -> bytes | None:
    """The document of a score after an edit of its notes.

    Only measures of parts whose notes changed are written again; in these, voices whose notes did not change stay.
    New tracks are parts after the others, and bars after the end are added to every part.

    Returns None where more than notes changed, so that the document has to be written anew: other ticks, tempos,
    meters, keys, texts, or tracks that were there before.
    """
    root, spans, document = parsed(source.document)
    reading = as_written(read_document(root))
    if not _patchable(score, reading.score):
        return None
    patch = _Patch(document, root.findall("part"), spans, reading, _bounds(score, reading))
    edits: list[tuple[int, int, bytes]] = []
    for index in range(len(patch.parts)):
        edits += _part_edits(patch, index, score.notes[score.notes["track"] == index])
    out = _spliced(document, edits)
    count = len(patch.parts)
    return _with_new_parts(out, score, count) if len(score.tracks) > count else out


def _patchable(score: Score, before: Score) -> bool:
    count = len(before.tracks)
    return (
        score.ticks_per_quarter == TICKS
        and score.tracks[:count] == before.tracks
        and score.texts == before.texts
        and all(
            np.array_equal(getattr(score, name), getattr(before, name))
            for name in ("tempos", "meters", "keys", "bar_numbers")
        )
    )


def _bounds(score: Score, reading: Reading) -> list[int]:
    """First ticks of the bars and the end of the last one; bars that an edit adds are behind those of the page."""
    bounds = list(reading.layout.bounds)
    if score.end <= bounds[-1]:
        return bounds
    lines = score.bars().tolist()
    bounds = [*bounds[:-1], *lines[len(bounds) - 1 :]]
    longer = score.bars(bounds[-1] + 4 * 255 * TICKS + 1).tolist()
    return [*bounds, longer[len(bounds)]]


def _plain_rows(reading: Reading, track: int) -> Array:
    keep = (reading.score.notes["track"] == track) & ~np.array(reading.is_grace, bool)
    return np.asarray(reading.score.notes[keep])


_Row = tuple[int, ...]
_Graces = Counter[tuple[int, int]]  # (pitch, onset)


def _row(note: Array) -> _Row:
    return tuple(int(note[name]) for name in ("onset", "duration", "pitch", "velocity", "channel"))


def _without_graces(
    notes: Array, reading: Reading, track: int
) -> tuple[Array, dict[int, Counter[tuple[int, int]]], set[int]]:
    """Notes that are no grace notes of the page; (pitch, onset) of the graces that are still there, by measure; the
    measures that lost one.
    """
    left: dict[_Row, list[int]] = defaultdict(list)
    ours = np.flatnonzero(np.array(reading.is_grace, bool) & (reading.score.notes["track"] == track))
    for i in ours.tolist():
        left[_row(reading.score.notes[i])].append(reading.measure[i])
    if not left:
        return notes, {}, set()
    plain = Counter(_row(note) for note in _plain_rows(reading, track))
    keep = np.ones(len(notes), bool)
    there: dict[int, _Graces] = defaultdict(Counter)
    for i, note in enumerate(notes):
        row = _row(note)
        if not left.get(row):
            continue
        if plain[row] > 0:  # a plain note just alike: it comes first
            plain[row] -= 1
            continue
        there[left[row].pop()][row[2], row[0]] += 1
        keep[i] = False
    return notes[keep], dict(there), {measure for measures in left.values() for measure in measures}


def _pieces(notes: Array, bounds: Sequence[int]) -> dict[int, list[_Piece]]:
    """Notes cut at bar lines, by bar."""
    out: dict[int, list[_Piece]] = defaultdict(list)
    onsets = notes["onset"].astype(np.int64)
    ends = (onsets + notes["duration"]).tolist()
    first = (np.searchsorted(bounds, onsets, side="right") - 1).tolist()
    for note, onset, end, bar in zip(notes, onsets.tolist(), ends, first, strict=True):
        start = onset
        while start < end and bar + 1 < len(bounds):
            stop = min(end, bounds[bar + 1])
            out[bar].append(
                _Piece(
                    start - bounds[bar],
                    stop - bounds[bar],
                    int(note["pitch"]),
                    int(note["velocity"]),
                    bool(note["channel"] == DRUM_CHANNEL),
                    int(note["program"]),
                    start > onset,
                    stop < end,
                )
            )
            start = stop
            bar += 1
    return out


def _known(piece: _Piece) -> tuple[int, int, int, bool]:
    return piece.start, piece.end, piece.pitch, piece.drum


def _segments(pieces: Sequence[_Piece]) -> list[Segment]:
    return [
        Segment(
            simplest_of(p.start, TICKS),
            simplest_of(p.end, TICKS),
            p.pitch,
            p.velocity,
            p.drum,
            p.program,
            p.tied_from,
            p.tied_on,
        )
        for p in sorted(pieces, key=lambda p: (p.start, p.pitch, p.end))
    ]


def _part_edits(patch: _Patch, index: int, own: Array) -> list[tuple[int, int, bytes]]:
    """(first byte, byte after, new bytes) of what changes for a part: measures, and instruments of new drums."""
    reading, bounds = patch.reading, patch.bounds
    part, written = patch.parts[index], reading.written.parts[index]
    measures = part.findall("measure")
    own, graces, lost = _without_graces(own, reading, index)
    new, old = _pieces(own, bounds), _pieces(_plain_rows(reading, index), bounds)
    changed = {bar for bar in {*new, *old} if Counter(new[bar]) != Counter(old[bar])} | lost
    added = len(bounds) - 1 - len(reading.layout.numbers)
    if not changed and added <= 0:
        return []
    states = [MeasureState()]
    for measure in measures:
        states.append(states[-1].at_end(measure))
    heads = PartHeads(written, reading.layout.starts, reading.score.tracks[index].program)
    texts: dict[int, str] = {}
    kept: set[Element] = set()

    def patched_bar(element: Element, music: Measure, state: MeasureState, bar: int) -> str:
        same = Counter(_known(piece) for piece in (Counter(new[bar]) & Counter(old[bar])).elements())
        length = Fraction(bounds[bar + 1] - bounds[bar], TICKS)
        text, stay = patched_measure(
            element, music, state, _segments(new[bar]), same, graces.get(bar, Counter()), bounds[bar], length, heads
        )
        kept.update(stay)
        return text

    for bar in sorted(changed):
        if bar < len(measures):
            texts[bar] = patched_bar(measures[bar], written.measures[bar], states[bar], bar)
    texts = reattached(measures, texts, kept)
    out: list[tuple[int, int, bytes]] = []
    behind = [
        patched_bar(Element("measure", {"number": str(_number(reading, bar))}), Measure(), states[-1], bar)
        for bar in range(len(measures), len(bounds) - 1)
    ]
    if behind and measures:
        last = len(measures) - 1
        first, after = patch.spans[measures[last]]
        text, final = _final_barline(texts.get(last, patch.document[first:after].decode()))
        behind[-1] = behind[-1].replace("</measure>", final + "</measure>")
        texts[last] = "\n".join([text, *behind])
    out += [(*patch.spans[measures[bar]], text.encode()) for bar, text in texts.items()]
    return out + _instrument_edits(patch.document, part.get("id", ""), *heads.instruments())


def _number(reading: Reading, bar: int) -> int:
    count = len(reading.layout.numbers)
    return (reading.layout.numbers[-1] if count else 0) + bar - count + 1


def _final_barline(measure: str) -> tuple[str, str]:
    """A measure without its final bar line, which stands at the new end, unless a repeat goes back from it."""
    for found in re.finditer(r"<barline[^>]*>(?:(?!</barline>).)*</barline>", measure, re.DOTALL):
        if "light-heavy" in found[0] and "<repeat" not in found[0]:
            return measure[: found.start()] + measure[found.end() :], found[0]
    return measure, ""


def _instrument_edits(document: bytes, name: str, instruments: str, sounds: str) -> list[tuple[int, int, bytes]]:
    """Instruments added to the `score-part` of a part."""
    if not instruments:
        return []
    head = re.search(rb"<score-part\s[^>]*id\s*=\s*[\"']" + re.escape(name.encode()) + rb"[\"']", document)
    if head is None:
        return []
    end = document.index(b"</score-part>", head.end())
    place = document.find(b"<midi-", head.end(), end)
    place = end if place < 0 else place
    if place == end:
        return [(end, end, (instruments + sounds).encode())]
    return [(place, place, instruments.encode()), (end, end, sounds.encode())]


def _spliced(document: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    out, at = [], 0
    for first, after, text in sorted(edits):
        out += [document[at:first], text]
        at = after
    return b"".join([*out, document[at:]])


def _with_new_parts(document: bytes, score: Score, count: int) -> bytes:
    """The document with the tracks from `count` on as parts behind the others."""
    from symbolic_music.io.notation.writer import sheet_part

    taken = set(re.findall(rb'<score-part\s[^>]*id\s*=\s*["\']([^"\']+)', document))
    parts, heads, number = [], [], count
    for track in range(count, len(score.tracks)):
        number += 1
        while f"P{number}".encode() in taken:
            number += 1
        part = sheet_part(score, track)
        heads.append(sheet.part_head(part, f"P{number}"))
        parts.append(sheet.part_body(part, f"P{number}"))
    listed, end = document.rindex(b"</part-list>"), document.rindex(b"</score-partwise>")
    return b"".join(
        [document[:listed], "".join(heads).encode(), document[listed:end], "".join(parts).encode(), document[end:]]
    )
