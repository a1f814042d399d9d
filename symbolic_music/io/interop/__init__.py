"""Objects of other libraries, to and from Score. symusic's are in `io.midi`, music21's in `io.notation`."""

from symbolic_music.io.interop.mido import from_mido, to_mido
from symbolic_music.io.interop.piano_roll import from_piano_roll, to_piano_roll
from symbolic_music.io.interop.pretty_midi import from_pretty_midi, to_pretty_midi

__all__ = ["from_mido", "from_piano_roll", "from_pretty_midi", "to_mido", "to_piano_roll", "to_pretty_midi"]
