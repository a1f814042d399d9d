"""Columns next to **kern: syllables of **text and **silbe, marks of **dynam."""

from __future__ import annotations

import re

from symbolic_music.io.notation.engraving.sheet import dynamics, wedge, words

_MARK = re.compile(r"(?<![a-z])(p{1,6}|f{1,6}|m[pf]|fp|sfp{1,2}|sf{1,2}z?|s?f?z|rfz?|rf|sfz)(?![a-z])")
_MUSICXML = {"z": "sfz", "sz": "sfz", "fz": "fz", "sffz": "sffz", "sff": "sffz", "sfpp": "sfpp", "rf": "rf"}


def syllable(token: str) -> list[tuple[str, str]]:
    """(syllabic, text) of a token such as "-ri-"; none for a sign that the last syllable goes on."""
    value = token.strip().replace("~", " ")
    begins, goes_on = not value.startswith("-"), value.endswith("-")
    value = value.strip("-")
    if not value or value in ("|", "_", "%", "\\"):
        return []
    syllabic = ("begin" if goes_on else "single") if begins else ("middle" if goes_on else "end")
    return [(syllabic, value)]


def dynamic_directions(token: str, open_hairpin: bool) -> tuple[list[str], bool]:
    """Directions of a token, and whether a hairpin is open after it."""
    out: list[str] = []
    for sign in token:
        if sign in "<>":
            out += [wedge("stop")] * open_hairpin
            out.append(wedge("crescendo" if sign == "<" else "diminuendo"))
            open_hairpin = True
        elif sign in "[]" and open_hairpin:
            out.append(wedge("stop"))
            open_hairpin = False
    for mark in _MARK.findall(token):
        out += [wedge("stop")] * open_hairpin
        open_hairpin = False
        out.append(dynamics(_MUSICXML.get(mark, mark)))
    said = token.strip("<>[]() XxYy.")
    if len(said) > 3 and not _MARK.search(said):
        out.append(words(said))
    return out, open_hairpin
