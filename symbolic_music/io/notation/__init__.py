"""Notation files and music21's objects, to and from Score."""

from symbolic_music.io.notation.reader import from_music21, read_notation
from symbolic_music.io.notation.writer import musicxml_bytes, to_music21

__all__ = ["from_music21", "musicxml_bytes", "read_notation", "to_music21"]
