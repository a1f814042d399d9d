"""Files and objects of other libraries, to and from Score."""

from symbolic_music.io.files import read, write
from symbolic_music.io.midi import parse_midi, read_midi, write_midi
from symbolic_music.io.notation import from_music21, read_notation
from symbolic_music.io.smf_writer import midi_bytes

__all__ = ["from_music21", "midi_bytes", "parse_midi", "read", "read_midi", "read_notation", "write", "write_midi"]
