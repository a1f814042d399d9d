"""Notation files and music21's objects, to and from Score."""

from symbolic_music.io.notation.music21.music21_bridge import from_music21, to_music21
from symbolic_music.io.notation.reader import read_notation, read_unfolded
from symbolic_music.io.notation.saving import musicxml_bytes

__all__ = ["from_music21", "musicxml_bytes", "read_notation", "read_unfolded", "to_music21"]
