"""ABC tunes as MusicXML: voices in all forms, overlays, inline fields, lyrics, repeats, chord symbols.

Source: The abc music standard 2.1 (2011).
"""

from __future__ import annotations

import re
from fractions import Fraction

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.instruments import program_of_name
from symbolic_music.io.notation.percussion import drum_of_place
from symbolic_music.io.notation.text.abc_fields import (
    Key,
    midi_program,
    parse_clef,
    parse_key,
    parse_length,
    parse_meter,
    parse_tempo,
    parse_transposition,
    parse_voice,
)
from symbolic_music.io.notation.text.abc_line import read_music
from symbolic_music.io.notation.text.abc_lyrics import align
from symbolic_music.io.notation.text.abc_voice import Size, Voice

_FIELD = re.compile(r"([A-Za-z+]):\s?(.*)\Z", re.DOTALL)
_MOST_VOICES = 256
_QUIET = set("ABCDFGHNORSTXZWrm")  # fields without notes; macros are listed as problems


def abc_to_musicxml(content: str) -> tuple[bytes, tuple[str, ...]]:
    """A MusicXML document of the first tune, and what is left out.

    Raises:
        NotationError: when it holds no tune, or what no tune can.
    """
    tunes = [one.start() for one in re.finditer(r"^X:", content, re.MULTILINE)]
    problems = [f"{len(tunes)} pieces in one file: only the first is read"] if len(tunes) > 1 else []
    preamble = content[: tunes[0]] if tunes else ""
    tune = content[tunes[0] : tunes[1] if len(tunes) > 1 else None] if tunes else content
    reader = _Tune()
    for line in preamble.splitlines():
        if line.startswith(("%%MIDI", "%%propagate-accidentals", "L:", "M:", "I:")):
            reader.line(line)
    # A line that ends in a backslash goes on in the next.
    for line in re.sub(r"\\[ \t]*(?:%[^\n]*)?\r?\n", " ", tune).splitlines():
        reader.line(line)
    document = reader.result()
    notices = [f"not read: {name}" for name in sorted(reader.left_out)]
    return document, (*problems, *notices)


class _Tune:
    def __init__(self) -> None:
        self.title = self.composer = ""
        self.meter: tuple[int, int] | None = (4, 4)
        self.meter_said = False
        self.unit: Fraction | None = None
        self.key = Key()
        self.clef, self.octaves, self.transposition = "", 0, 0
        self.tempo: float | None = None
        self.program: int | None = None
        self.channel: int | None = None
        self.voices: dict[str, Voice] = {}
        self.size = Size()
        self.current: Voice | None = None
        self.in_body = False
        self.left_out: set[str] = set()
        self.verse = 0

    def line(self, line: str) -> None:
        if line.startswith("%%"):
            self._instruction(line[2:])
            return
        found = _FIELD.match(line)
        if found and (found[1] in "+wVKMLQPsUIm" or not self.in_body or found[1] in _QUIET):
            self._field(found[1], found[2])
            return
        if not self.in_body or not line.strip() or line.startswith("%"):
            return
        voice = self._voice()
        self.verse = 0
        for one in self.voices.values():
            one.line_begin = len(one.sung) if one is voice else one.line_begin
        read_music(line, voice, self)

    # -- fields -------------------------------------------------------------------------------------------

    def field(self, letter: str, value: str) -> Voice:
        """An inline field in the music; returns the voice in which the music goes on."""
        self._field(letter, value)
        return self._voice()

    def _field(self, letter: str, value: str) -> None:
        if letter == "w":
            if self.current is not None:
                self.verse += 1
                align(value, self.current, self.verse)
            return
        if letter == "T" and not self.title:
            self.title = value.split("%")[0].strip()
        elif letter == "M":
            self._meter(value)
        elif letter == "L":
            unit = parse_length(value)
            if unit is not None and self.in_body:
                self._voice().unit = unit
            elif unit is not None:
                self.unit = unit
        elif letter == "Q":
            unit = self._voice().unit if self.in_body else self.unit or Fraction(1, 2)
            speed = parse_tempo(value, unit)
            if self.in_body and speed is not None:
                self._voice().direct(sheet.tempo(speed))
            elif speed is not None:
                self.tempo = speed
        elif letter == "K":
            self._key(value)
        elif letter == "V":
            self._voice_field(value)
        elif letter == "I" and value.startswith(("MIDI", "propagate-accidentals")):
            self._instruction(value)
        elif letter in "Pm" and (letter == "m" or not self.in_body) and value.strip():
            self.left_out.add("macros" if letter == "m" else "the order of parts (P:)")
        elif letter == "P" and self.in_body and value.strip():
            mark = f"<rehearsal>{sheet.text(value.split('%')[0].strip())}</rehearsal>"
            self._voice().direct(f"<direction><direction-type>{mark}</direction-type></direction>")
        elif letter in "sU":
            self.left_out.add("symbol lines" if letter == "s" else "user-defined symbols")

    def _meter(self, value: str) -> None:
        meter = parse_meter(value)
        if self.in_body:
            self._voice().change_meter(meter)
        else:
            self.meter, self.meter_said = meter, True

    def _key(self, value: str) -> None:
        key, (clef, octaves) = parse_key(value), parse_clef(value)
        transposition = parse_transposition(value)
        if self.in_body:
            voice = self._voice()
            if key is not None:
                voice.change_key(key)
            if clef:
                voice.change_clef(clef, octaves)
            return
        self.key = key or self.key
        self.clef, self.octaves, self.transposition = clef, octaves, transposition
        self.in_body = True
        # Voices of the header are made now, with what the whole tune says.
        for voice in self.voices.values():
            self._fill(voice)

    def _fill(self, voice: Voice) -> None:
        voice.key, voice.first_key, voice.meter = self.key, self.key, self.meter
        shortest = self.meter is not None and Fraction(*self.meter) < Fraction(3, 4)
        voice.unit = self.unit or Fraction(1, 4 if shortest else 2)
        voice.clef = voice.clef or self.clef
        voice.octaves = voice.octaves if voice.said_clef else self.octaves
        voice.transposition = voice.transposition or self.transposition
        voice.program = self.program if voice.program is None else voice.program
        voice.channel = self.channel if voice.channel is None else voice.channel

    def _voice_field(self, value: str) -> None:
        name, title, whole = parse_voice(value)
        if name not in self.voices:
            if len(self.voices) >= _MOST_VOICES:
                raise NotationError(f"more than {_MOST_VOICES} voices")
            self.voices[name] = Voice(name, self.size)
            if self.in_body:
                self._fill(self.voices[name])
        voice = self.voices[name]
        voice.title = title or voice.title
        clef, octaves = parse_clef(" " + " ".join(whole.split()[1:]))
        if clef or octaves:
            voice.said_clef, voice.octaves = True, octaves
            voice.clef = clef or voice.clef
        voice.transposition = parse_transposition(whole) or voice.transposition
        self.current = voice

    def _voice(self) -> Voice:
        if self.current is None:
            if not self.voices:
                self.voices["1"] = Voice("1", self.size)
                self._fill(self.voices["1"])
            self.current = next(iter(self.voices.values()))
        return self.current

    def _instruction(self, value: str) -> None:
        words = value.split("%")[0].split()
        if words[:1] == ["propagate-accidentals"] and words[1:2] in (["not"], ["octave"], ["pitch"]):
            self.size.accidentals = words[1]
        if len(words) < 2 or words[0] != "MIDI":
            return
        what, rest = words[1], words[2:]
        if what == "program":
            program = midi_program(rest)
            if program is not None and (self.in_body or self.current is not None):
                self._voice().change_program(program)
            elif program is not None:
                self.program = program
        elif what == "channel" and rest and rest[0].isdecimal() and 1 <= int(rest[0][:3]) <= 16:
            self._voice_or_tune().channel = int(rest[0]) - 1
        elif what == "transpose" and rest and re.fullmatch(r"[+-]?\d{1,2}", rest[0]):
            if self.in_body or self.current is not None:
                self._voice().change_transposition(int(rest[0]))
            else:
                self.transposition = int(rest[0])
        elif what not in ("nobarlines", "fermatafixed", "ratio", "gracedivider", "deltaloudness", "barlines"):
            self.left_out.add(f"%%MIDI {what[:20]}")

    def _voice_or_tune(self) -> Voice | _Tune:
        return self._voice() if self.in_body else self.current or self

    # -- the whole ----------------------------------------------------------------------------------------

    def result(self) -> bytes:
        voices = [voice for voice in self.voices.values() if voice.bars[0].events or len(voice.bars) > 1]
        if not self.in_body or not voices:
            raise NotationError("it holds no tune with a K: field and notes")
        parts = []
        for index, voice in enumerate(voices):
            voice.finish(self.meter, self.meter_said)
            if index == 0 and self.tempo is not None:
                voice.bars[0].directions.insert(0, (Fraction(0), sheet.tempo(self.tempo)))
            title = voice.title or (self.title if len(voices) == 1 else f"Part {voice.name}")
            parts.append(sheet.SheetPart(title, _instrument(voice), voice.bars))
        return sheet.document(parts, self.title)


def _instrument(voice: Voice) -> str:
    """The elements of the voice's instrument; drums of a percussion clef stand where drum sets are written."""
    drums = "percussion" in voice.clef
    if drums:
        for bar in voice.bars:
            for event in bar.events:
                for head in event.heads:
                    head.unpitched = True
    used = sorted({(h.step, h.octave) for b in voice.bars for e in b.events for h in e.heads}) if drums else []
    if drums:
        for bar in voice.bars:
            for event in bar.events:
                for head in event.heads:
                    head.instrument = f"{{id}}-I{used.index((head.step, head.octave)) + 1}"
        keys = [drum_of_place(step, octave, "normal", "") for step, octave in used]
        names = "".join(
            f'<score-instrument id="{{id}}-I{i}"><instrument-name>Drum {key}</instrument-name></score-instrument>'
            for i, key in enumerate(keys, 1)
        )
        return names + "".join(
            f'<midi-instrument id="{{id}}-I{i}"><midi-channel>10</midi-channel>'
            f"<midi-unpitched>{key + 1}</midi-unpitched></midi-instrument>"
            for i, key in enumerate(keys, 1)
        )
    if voice.program is None and voice.channel is None and not voice.further:
        return ""
    channel = "" if voice.channel is None else f"<midi-channel>{voice.channel + 1}</midi-channel>"
    programs = [voice.program, *voice.further]
    if voice.further and voice.program is None:
        programs[0] = program_of_name(voice.title) or 0
    said = ["" if program is None else f"<midi-program>{program + 1}</midi-program>" for program in programs]
    names = "".join(
        f'<score-instrument id="{{id}}-I{i}"><instrument-name>{sheet.text(voice.title)}</instrument-name>'
        "</score-instrument>"
        for i in range(1, len(said) + 1)
    )
    return names + "".join(
        f'<midi-instrument id="{{id}}-I{i}">{channel}{program}</midi-instrument>' for i, program in enumerate(said, 1)
    )
