"""A token of a **kern column as a note, chord or rest."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

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
    found = _without_slurs(token)
    if found is None:
        return None
    # Heads are shared by all events of a token: nothing changes them here.
    event = Event(
        at, found.length, list(found.heads), voice, grace=found.grace, slash=found.slash, value=found.value,
        invisible=found.invisible,
    )  # fmt: skip
    if "(" in token or ")" in token:
        _slurs(token, event, slurs)
    event.marks += found.marks
    if "{" in token or "}" in token:
        left_out["phrase marks"] = left_out.get("phrase marks", 0) + 1
    return None if found.grace and not found.heads else event


class _Token(NamedTuple):
    """What a token says by itself."""

    length: Fraction
    heads: tuple[Head, ...]
    grace: bool
    slash: bool
    value: NoteValue | None
    invisible: bool
    marks: tuple[str, ...]


@lru_cache(maxsize=4096)
def _without_slurs(token: str) -> _Token | None:
    """All but slurs; None for marks only."""
    notes = token.split(" ")
    if len(notes) > _MOST_NOTES:
        raise NotationError(f"a chord of {len(notes)} notes")
    grace = "q" in token or "Q" in token
    length, value = _length(token)
    if length is None and not grace:
        if _PITCH.search(token) is None and "r" not in token:
            return None
        raise NotationError(f"a note without a length: {token[:40]}")
    rest = "r" in token
    heads = () if rest else tuple(head for head in map(_head, notes) if head is not None)
    return _Token(
        Fraction(0) if grace else length or Fraction(0),
        heads,
        grace,
        grace and "qq" not in token,
        (value or NoteValue("eighth", 0)) if grace else value,
        rest and "yy" in token,
        tuple(_marks(token)),
    )


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


def _slurs(token: str, event: Event, slurs: list[int]) -> None:
    for _ in range(min(6, token.count(")"))):
        if slurs:
            event.marks.append(f'<slur type="stop" number="{slurs.pop()}"/>')
    for _ in range(min(6, token.count("("))):
        number = next((n for n in range(1, 17) if n not in slurs), None)
        if number is not None and event.heads:
            slurs.append(number)
            event.marks.append(f'<slur type="start" number="{number}"/>')


def _marks(token: str) -> list[str]:
    """Articulations and ornaments."""
    marks: list[str] = []
    first = token.split(" ")[0]
    if "^^" in first:
        marks.append("<articulations><strong-accent/></articulations>")
        first = first.replace("^", "")
    for sign, mark in _MARKS:
        if sign in first and mark not in marks:
            marks.append(mark)
    return marks
