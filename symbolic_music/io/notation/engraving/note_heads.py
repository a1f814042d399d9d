"""Note heads by the conventions of a part in a document: key, transposition, drums, loudness."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

import numpy as np

from symbolic_music.general_midi import drum_name
from symbolic_music.io.notation.checked_numbers import number, whole
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.engraving.bar_voices import HeadOf, Segment
from symbolic_music.io.notation.engraving.spelling import spelled
from symbolic_music.io.notation.loudness import loudness
from symbolic_music.io.notation.percussion import place_of_drum
from symbolic_music.io.notation.to_score import part_loudness
from symbolic_music.io.notation.written_music import TICKS, Part


@dataclass(slots=True)
class MeasureState:
    """The state at the beginning of a measure."""

    divisions: Fraction = Fraction(1)
    sharps: int = 0
    transposition: dict[str, int] = field(default_factory=dict)
    staves: int = 1

    def at_end(self, measure: Element) -> MeasureState:
        """The state after a measure."""
        state = replace(self)
        for attributes in measure.iterfind("attributes"):
            state._take(attributes)
        return state

    def _take(self, attributes: Element) -> None:
        divisions = number(attributes.findtext("divisions"))
        if divisions:
            self.divisions = Fraction(divisions)
        sharps = whole(attributes.findtext("key/fifths"))
        if sharps is not None and -7 <= sharps <= 7:
            self.sharps = sharps
        self.staves = min(16, max(1, whole(attributes.findtext("staves")) or self.staves))
        for transpose in attributes.iterfind("transpose"):
            chromatic = int(number(transpose.findtext("chromatic")) or 0)
            octaves = whole(transpose.findtext("octave-change")) or 0
            self.transposition = {**self.transposition, transpose.get("number", ""): chromatic + 12 * octaves}


class PartHeads:
    """Heads of the notes of a part as its document writes them. `new_drums` are drums without an instrument there."""

    def __init__(self, part: Part, starts: tuple[int, ...], main_program: int) -> None:
        self.part = part
        self.marks, self.hairpins = part_loudness(part, starts)
        self.new_drums: dict[int, str] = {}
        self.drums: dict[int, sheet.Head] = {}
        self.programs: dict[int, str] = {}
        for measure in part.measures:
            for note in measure.notes:
                if note.element is None:
                    continue
                if note.drum and note.pitch not in self.drums:
                    self.drums[note.pitch] = _drum_head(note.element)
                elif not note.drum and note.instrument:
                    instrument = part.instruments.get(note.instrument)
                    program = main_program if instrument is None or instrument.program is None else instrument.program
                    self.programs.setdefault(program, note.instrument)

    def at(self, state: MeasureState, staff: int, start: int) -> HeadOf:
        """Heads of the segments of a bar that begins at this tick, on a staff."""
        by = state.transposition.get(str(staff or 1), state.transposition.get("", 0))

        def head_of(segment: Segment) -> sheet.Head:
            at = np.array([start + round(segment.start * TICKS)])
            expected = max(1, min(127, round(float(loudness(self.marks, self.hairpins, at, TICKS)[0]))))
            loud = None if segment.tied_from or segment.velocity == expected else segment.velocity
            if segment.drum:
                return replace(self._drum(segment.pitch), velocity=loud)
            step, alter, octave = spelled(segment.pitch - by, state.sharps)
            return sheet.Head(step, alter, octave, instrument=self.programs.get(segment.program, ""), velocity=loud)

        return head_of

    def _drum(self, key: int) -> sheet.Head:
        if key not in self.drums:
            step, octave, shape = place_of_drum(key)
            name = f"{self.part.id}-K{key + 1}"
            while name in self.part.instruments:
                name += "x"
            self.new_drums[key] = name
            self.drums[key] = sheet.Head(step, 0, octave, instrument=name, unpitched=True, shape=shape)
        return self.drums[key]

    def instruments(self) -> tuple[str, str]:
        """`score-instrument` and `midi-instrument` elements of the new drums."""
        names = "".join(
            f"<score-instrument id={quoteattr(name)}><instrument-name>{sheet.text(drum_name(key))}"
            "</instrument-name></score-instrument>"
            for key, name in self.new_drums.items()
        )
        sounds = "".join(
            f"<midi-instrument id={quoteattr(name)}><midi-channel>10</midi-channel>"
            f"<midi-unpitched>{key + 1}</midi-unpitched></midi-instrument>"
            for key, name in self.new_drums.items()
        )
        return names, sounds


def _drum_head(element: Element) -> sheet.Head:
    """The head of a drum as an element writes it: on its place, or as the pitch that stands for it."""
    used = element.find("instrument")
    name = used.get("id", "") if used is not None else ""
    pitch = element.find("pitch")
    if pitch is not None:
        alter = int(number(pitch.findtext("alter")) or 0)
        return sheet.Head(pitch.findtext("step") or "C", alter, whole(pitch.findtext("octave")) or 0, instrument=name)
    step = element.findtext("unpitched/display-step") or "B"
    octave = whole(element.findtext("unpitched/display-octave"))
    shape = (element.findtext("notehead") or "normal").strip()
    return sheet.Head(step, 0, 4 if octave is None else octave, instrument=name, unpitched=True, shape=shape)
