"""Words under ABC tunes: a w: line on the notes of the music line before it (standard 2.1, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbolic_music.io.notation.text.abc_voice import Voice


def align(value: str, voice: Voice, verse: int) -> None:
    """Give the syllables of a line to the notes that the voice's last music line has.

    Raises:
        NotationError: for more verses, or syllables of the tune, than are read.
    """
    notes, place = voice.sung, voice.line_begin
    first = place
    goes_on = False
    signs = _signs(value.split("%")[0])
    voice.count_verse(verse, len(signs))
    for kind, word in signs:
        if kind == "bar":
            while place < len(notes) and place > first and notes[place][0] == notes[place - 1][0]:
                place += 1
            continue
        if place >= len(notes):
            return
        if kind == "skip":
            place += 1
            continue
        event = notes[place][1]
        hyphen = kind == "hyphen"
        syllabic = ("middle" if hyphen else "end") if goes_on else ("begin" if hyphen else "single")
        event.lyrics.append((verse, syllabic, word.replace("~", " ").replace("\\-", "-")))
        goes_on = hyphen
        place += 1


def _signs(value: str) -> list[tuple[str, str]]:
    """(hyphen, word) and (end, word) of syllables, (skip, "") of * and _, (bar, "")."""
    out: list[tuple[str, str]] = []
    word = ""
    value = value.replace("\\-", "\0")
    for sign in value + " ":
        if sign not in " \t-_*|":
            word += "-" if sign == "\0" else sign
            continue
        if word:
            out.append(("hyphen" if sign == "-" else "end", word))
            word = ""
        elif sign == "-" and out and out[-1][0] in ("hyphen", "skip"):
            out.append(("skip", ""))  # a second hyphen holds the syllable
        elif sign == "-" and out and out[-1][0] == "end":
            out[-1] = ("hyphen", out[-1][1])
        if sign in "_*":
            out.append(("skip", ""))
        elif sign == "|":
            out.append(("bar", ""))
    return out
