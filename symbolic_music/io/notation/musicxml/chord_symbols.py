"""Chord symbols: MusicXML's harmony elements as texts such as Am7/G, and back."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement

from symbolic_music.io.notation.checked_numbers import number, whole

# The suffix of each kind of MusicXML; of suffixes that are written alike the first kind is taken back.
KINDS = {
    "major": "", "minor": "m", "dominant": "7", "major-seventh": "maj7", "minor-seventh": "m7", "diminished": "dim",
    "augmented": "aug", "half-diminished": "m7b5", "diminished-seventh": "dim7", "augmented-seventh": "aug7",
    "major-minor": "m(maj7)", "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9",
    "minor-ninth": "m9", "dominant-11th": "11", "major-11th": "maj11", "minor-11th": "m11", "dominant-13th": "13",
    "major-13th": "maj13", "minor-13th": "m13", "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "5",
    "Neapolitan": "N6", "Italian": "It+6", "French": "Fr+6", "German": "Ger+6", "pedal": "ped", "Tristan": "tristan",
}  # fmt: skip
_SUFFIXES = {suffix: kind for kind, suffix in reversed(KINDS.items())} | {
    "M": "major", "maj": "major", "min": "minor", "mi": "minor", "-": "minor", "min7": "minor-seventh",
    "mi7": "minor-seventh", "-7": "minor-seventh", "M7": "major-seventh", "Maj7": "major-seventh",
    "ma7": "major-seventh", "+": "augmented", "o": "diminished", "°": "diminished", "o7": "diminished-seventh",
    "°7": "diminished-seventh", "ø": "half-diminished", "ø7": "half-diminished", "sus": "suspended-fourth",
    "+7": "augmented-seventh", "mmaj7": "major-minor", "mM7": "major-minor", "min6": "minor-sixth",
    "min9": "minor-ninth", "M9": "major-ninth",
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G])([#b♯♭]{0,2})(.*?)(?:/([A-G])([#b♯♭]{0,2}))?\Z", re.DOTALL)
_DEGREE = re.compile(r"\(?(add|no|[#b])?([#b]?)(\d{1,2})\)?")


def chord_text(harmony: Element) -> str:
    """The symbol of a `harmony` element; "N.C." where it says that there is none, "" where it cannot be read."""
    root = harmony.find("root")
    kind = (harmony.findtext("kind") or "").strip()
    if kind == "none":
        return "N.C."
    if root is None:
        said = harmony.find("function") if harmony.find("function") is not None else harmony.find("kind")
        return (said.text or said.get("text") or "").strip() if said is not None and said.tag == "function" else ""
    suffix = KINDS.get(kind)
    if suffix is None:
        element = harmony.find("kind")
        suffix = (element.get("text") or "") if element is not None else ""
    for degree in harmony.iterfind("degree"):
        value, alter = whole(degree.findtext("degree-value")), number(degree.findtext("degree-alter")) or 0
        what = (degree.findtext("degree-type") or "").strip()
        if value is not None:
            sign = "" if not -2 <= alter <= 2 else "#" * int(alter) + "b" * int(-alter)
            word = {"subtract": "no", "add": "" if sign else "add"}.get(what, "")
            suffix += f"({word}{sign}{value})"
    bass = harmony.find("bass")
    return _name(root, "root") + suffix + ("/" + _name(bass, "bass") if bass is not None else "")


def _name(element: Element, what: str) -> str:
    alter = int(number(element.findtext(f"{what}-alter")) or 0)
    found = element.find(f"{what}-step")
    if found is None or found.get("text") == "":  # a symbol that is text only
        return ""
    step = (found.text or "").strip()
    return step + "#" * min(2, max(0, alter)) + "b" * min(2, max(0, -alter))


def harmony_element(text: str) -> Element:
    """A `harmony` element for a symbol; one that is not understood stands as text over no chord."""
    harmony = Element("harmony")
    found = _SYMBOL.match(text)
    degrees: list[tuple[str, str, str]] = []
    suffix = ""
    if found:
        suffix = found[3]
        if suffix not in _SUFFIXES:
            suffix, degrees = _degrees(suffix)
    if found is None or suffix not in _SUFFIXES:
        SubElement(SubElement(harmony, "root"), "root-step", {"text": ""}).text = "C"
        SubElement(harmony, "kind", {"text": text}).text = "none" if text.upper() in ("N.C.", "NC") else "other"
        return harmony
    _named(SubElement(harmony, "root"), "root", found[1], found[2])
    SubElement(harmony, "kind", {"text": found[3]} if found[3] else {}).text = _SUFFIXES[suffix]
    if found[4]:
        _named(SubElement(harmony, "bass"), "bass", found[4], found[5])
    for what, sign, value in degrees:
        degree = SubElement(harmony, "degree")
        SubElement(degree, "degree-value").text = value
        SubElement(degree, "degree-alter").text = str(sign.count("#") - sign.count("b"))
        SubElement(degree, "degree-type").text = what
    return harmony


def _degrees(suffix: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The kind's suffix, and (type, signs, degree) of what follows it, as (add9), (b5) or (no3)."""
    head = min((i for i, c in enumerate(suffix) if c == "("), default=len(suffix))
    found = []
    rest = suffix[head:]
    for word, sign, value in _DEGREE.findall(rest):
        signs = (word if word in ("#", "b") else "") + sign
        what = "subtract" if word == "no" else "alter" if value in ("5",) else "add"
        found.append((what, signs, value))
    return suffix[:head], found


def _named(element: Element, what: str, step: str, signs: str) -> None:
    SubElement(element, f"{what}-step").text = step
    alter = sum({"#": 1, "♯": 1, "b": -1, "♭": -1}[sign] for sign in signs)
    if alter:
        SubElement(element, f"{what}-alter").text = str(alter)
