"""Files and objects of other libraries, to and from Score."""

from symbolic_music.io.files import read, write
from symbolic_music.io.midi import midi_bytes, read_midi, write_midi
from symbolic_music.io.notation import from_music21, read_notation

__all__ = ["from_music21", "midi_bytes", "read", "read_midi", "read_notation", "write", "write_midi"]
