"""A token of a **kern column as a note, chord or rest."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.engraving.rhythm import NoteValue, note_value
from symbolic_music.io.notation.engraving.sheet import Event, Head

_RECIPROCAL = re.compile(r"(\d{1,6})(?:%(\d{1,6}))?(\.{0,4})")
_PITCH = re.compile(r"([a-g]+|[A-G]+)([#n-]{0,3})")
_MARKS = (
    ("'", "<articulations><staccato/></articulations>"),
    ("~", "<articulations><tenuto/></articulations>"),
    ("`", "<articulations><staccatissimo/></articulations>"),
    ("^", "<articulations><accent/></articulations>"),
    (";", "<fermata/>"),
    ("T", "<ornaments><trill-mark/></ornaments>"),
    ("t", "<ornaments><trill-mark/></ornaments>"),
    ("S", "<ornaments><turn/></ornaments>"),
    ("$", "<ornaments><inverted-turn/></ornaments>"),
    ("M", "<ornaments><inverted-mordent/></ornaments>"),
    ("m", "<ornaments><inverted-mordent/></ornaments>"),
    ("W", "<ornaments><mordent/></ornaments>"),
    ("w", "<ornaments><mordent/></ornaments>"),
    (":", "<arpeggiate/>"),
)
_MOST_NOTES = 64


def kern_event(token: str, at: Fraction, voice: int, slurs: list[int], left_out: dict[str, int]) -> Event | None:
    """The event of a token; `slurs` holds the numbers of those that are open, and is changed.

    Raises:
        NotationError: for a note without a length.
    """
    notes = token.split(" ")
    if len(notes) > _MOST_NOTES:
        raise NotationError(f"a chord of {len(notes)} notes")
    grace = "q" in token or "Q" in token
    length, value = _length(token)
    if length is None and not grace:
        if _PITCH.search(token) is None and "r" not in token:
            return None  # marks only
        raise NotationError(f"a note without a length: {token[:40]}")
    event = Event(at, Fraction(0) if grace else length or Fraction(0), voice=voice, grace=grace, value=value)
    if grace:
        event.value = value or NoteValue("eighth", 0)
        event.slash = "qq" not in token
    if "r" not in token:
        for note in notes:
            head = _head(note)
            if head is not None:
                event.heads.append(head)
    elif "yy" in token:
        event.invisible = True
    _marks(token, event, slurs)
    if "{" in token or "}" in token:
        left_out["phrase marks"] = left_out.get("phrase marks", 0) + 1
    if grace and not event.heads:
        return None
    return event


def _length(token: str) -> tuple[Fraction | None, NoteValue | None]:
    found = _RECIPROCAL.search(token)
    return (None, None) if found is None else _length_of(found[0])


@lru_cache(maxsize=1024)
def _length_of(token: str) -> tuple[Fraction, NoteValue | None]:
    found = _RECIPROCAL.fullmatch(token)
    assert found is not None
    digits = found[1]
    if digits.strip("0") == "":
        plain = Fraction(4) * 2 ** len(digits) if len(digits) < 4 else Fraction(32)
    else:
        plain = Fraction(4 * int(found[2] or 1), int(digits))
    if found[2] == "0" * len(found[2] or "x") or plain <= 0:
        raise NotationError(f"a note of no length: {token[:40]}")
    length = plain
    for dot in range(len(found[3])):
        length += plain / 2 ** (dot + 1)
    if length > 1 << 12 or length.denominator > 1 << 14:
        raise NotationError(f"a note value that no note has: {token[:40]}")
    base = note_value(plain)
    return length, None if base is None else base._replace(dots=base.dots + len(found[3]))


def _head(note: str) -> Head | None:
    found = _PITCH.search(note)
    if found is None:
        return None
    letters, signs = found[1], found[2]
    count = len(letters)
    octave = 3 + count if letters[0].islower() else 4 - count
    if not -1 <= octave <= 10 or len(set(letters)) > 1:
        return None
    alter = signs.count("#") - signs.count("-")
    continued = "_" in note
    return Head(letters[0].upper(), alter, octave, "[" in note or continued, "]" in note or continued)


def _marks(token: str, event: Event, slurs: list[int]) -> None:
    for _ in range(min(6, token.count(")"))):
        if slurs:
            event.marks.append(f'<slur type="stop" number="{slurs.pop()}"/>')
    for _ in range(min(6, token.count("("))):
        number = next((n for n in range(1, 17) if n not in slurs), None)
        if number is not None and event.heads:
            slurs.append(number)
            event.marks.append(f'<slur type="start" number="{number}"/>')
    first = token.split(" ")[0]
    if "^^" in first:
        event.marks.append("<articulations><strong-accent/></articulations>")
        first = first.replace("^", "")
    for sign, mark in _MARKS:
        if sign in first and mark not in event.marks:
            event.marks.append(mark)
