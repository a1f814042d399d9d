"""The notes of MIDI files as columns, for statistics of many files."""

from symbolic_music.io.midi.sounding.columns import Sounding, sounding
from symbolic_music.io.midi.sounding.reader import parse_sounding, read_sounding

__all__ = ["Sounding", "parse_sounding", "read_sounding", "sounding"]
