"""Fields of ABC: meter, unit length, tempo, key, voice, and instructions of %%MIDI.

Source: The abc music standard 2.1 (2011), sections 3 and 4.6; abc2midi's guide for %%MIDI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from symbolic_music.io.notation.engraving import sheet

_TONICS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "mix": -1,
    "dor": -2,
    "phr": -4,
    "lyd": 1,
    "loc": -5,
}
_SHARP_ORDER = "FCGDAEB"
_CLEFS = {"treble": ("G", 2), "bass": ("F", 4), "alto": ("C", 3), "tenor": ("C", 4), "soprano": ("C", 1),
          "mezzo": ("C", 2), "baritone": ("F", 3), "perc": ("percussion", 2), "G": ("G", 2), "F": ("F", 4),
          "C": ("C", 3)}  # fmt: skip
_CLEF = re.compile(
    r"(?:^|\s)(?:clef\s*=\s*)?\"?(treble|bass|alto|tenor|soprano|mezzo|baritone|perc|none)(?:soprano)?[1-5]?"
    r"([+-_^]8|[+-]15)?\"?(?=\s|$)"
)


@dataclass(slots=True)
class Key:
    """A key: what it writes at the clef, and what each letter is altered by."""

    sharps: int = 0
    minor: int = 0
    alters: dict[str, int] = field(default_factory=dict)


def parse_key(value: str) -> Key | None:
    """The key of a K: field; None where it says none (a clef only)."""
    value = value.split("%")[0].strip()
    if value.startswith(("HP", "Hp")):
        return Key(2, 0, {"F": 1, "C": 1})
    if not value or value.split()[0].lower() == "none":
        return Key()
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", value)
    if found is None:
        return None
    word = found[3].lower()
    mode = word[:3] if word != "m" else "m"
    if mode not in _MODES:
        mode = "exp" if mode == "exp" else ""
    sharps = 0
    if mode != "exp":
        sharps = _TONICS[found[1]] + 7 * ((found[2] == "#") - (found[2] == "b")) + _MODES[mode]
    sharps = max(-7, min(7, sharps))
    letters = _SHARP_ORDER[:sharps] if sharps > 0 else _SHARP_ORDER[::-1][:-sharps] if sharps else ""
    alters = dict.fromkeys(letters, 1 if sharps > 0 else -1)
    rest = value[found.end() :]
    for signs, letter in re.findall(r"(?<!\S)(\^{1,2}|_{1,2}|=)([a-gA-G])(?!\S)", rest):
        alters[letter.upper()] = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}[signs]
    return Key(sharps, int(_MODES.get(mode, 0) in (-3, -2, -4, -5)), alters)


def parse_clef(value: str) -> tuple[str, int]:
    """(the clef's element or "", octaves that the notes are moved by)."""
    found = _CLEF.search(value)
    octaves = sum(int(n) for n in re.findall(r"octave\s*=\s*(-?\d)", value)[:1])
    if found is None or found[1] == "none":
        return "", octaves
    change = {"+8": 1, "-8": -1, "^8": 1, "_8": -1, "+15": 2, "-15": -2}.get(found[2] or "", 0)
    sign, line = _CLEFS[found[1]]
    return sheet.clef(sign, line, change), octaves + change


def parse_transposition(value: str) -> int:
    """Semitones of `transpose=` by which it sounds otherwise than written."""
    found = re.search(r"(?<![\w])(?:transpose|t)\s*=\s*([+-]?\d{1,2})", value)
    return int(found[1]) if found else 0


def parse_meter(value: str) -> tuple[int, int] | None:
    """The meter of an M: field; None for free or for one that is no meter."""
    value = value.split("%")[0].strip()
    if value in ("C", "c"):
        return 4, 4
    if value in ("C|", "c|"):
        return 2, 2
    found = re.match(r"\(?\s*(\d{1,3}(?:\s*\+\s*\d{1,3})*)\s*\)?\s*/\s*(\d{1,3})", value)
    if found is None:
        return None
    beats, unit = sum(int(n) for n in found[1].split("+")), int(found[2])
    return (beats, unit) if 0 < beats <= 255 and unit in (1, 2, 4, 8, 16, 32, 64, 128) else None


def parse_length(value: str) -> Fraction | None:
    """Quarters of an L: field."""
    found = re.match(r"\s*(\d{1,4})(?:\s*/\s*(\d{1,4}))?", value)
    if found is None or int(found[1]) == 0 or int(found[2] or 1) == 0:
        return None
    length = Fraction(4 * int(found[1]), int(found[2] or 1))
    return length if Fraction(1, 64) <= length <= 32 else None


def parse_tempo(value: str, unit: Fraction) -> float | None:
    """Quarters a minute of a Q: field; a bare number counts unit lengths."""
    value = re.sub(r'"[^"]*"', " ", value).strip()
    found = re.match(r"((?:\d{1,3}/\d{1,3}\s*)+)=\s*(\d{1,4}(?:\.\d{1,4})?)", value)
    if found:
        lengths = [one.split("/") for one in found[1].split()]
        beat = sum((Fraction(4 * int(n), int(d)) for n, d in lengths if int(d)), Fraction(0))
        speed = float(beat) * float(found[2])
        return speed if 0 < speed < 60_000 else None
    found = re.match(r"(?:C\d*\s*=\s*)?(\d{1,4})\s*$", value)
    speed = float(unit) * float(found[1]) if found else 0.0
    return speed if 0 < speed < 60_000 else None


def midi_program(words: list[str]) -> int | None:
    """The program of `program [channel] number`, counted from 0."""
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 4]
    return numbers[-1] if numbers and 0 <= numbers[-1] <= 127 else None


def parse_voice(value: str) -> tuple[str, str, str]:
    """(id, its name, the whole) of a V: field."""
    value = value.split("%")[0].strip()
    name = re.search(r'(?<!\w)(?:name|nm|subname|snm)\s*=\s*(?:"([^"]*)"|(\S+))', value)
    voice = value.split()[0] if value.split() else "1"
    return voice[:40], (name[1] or name[2] or "") if name else "", value
