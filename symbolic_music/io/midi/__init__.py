"""MIDI files and symusic's scores, to and from Score."""

from symbolic_music.io.midi.reader import parse_midi, read_midi, write_midi
from symbolic_music.io.midi.symusic_bridge import from_symusic, to_symusic
from symbolic_music.io.midi.writer import midi_bytes

__all__ = ["from_symusic", "midi_bytes", "parse_midi", "read_midi", "to_symusic", "write_midi"]
