"""Files and objects of other libraries, to and from Score."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbolic_music.io.differences import Differences, differences
from symbolic_music.io.files import read, write
from symbolic_music.io.midi.reader import parse_midi, read_midi, write_midi
from symbolic_music.io.midi.writer import midi_bytes

if TYPE_CHECKING:
    from symbolic_music.io.interop.mido import from_mido, to_mido
    from symbolic_music.io.interop.piano_roll import from_piano_roll, to_piano_roll
    from symbolic_music.io.interop.pretty_midi import from_pretty_midi, to_pretty_midi
    from symbolic_music.io.midi.symusic_bridge import from_symusic, to_symusic
    from symbolic_music.io.notation.music21.music21_bridge import from_music21, to_music21
    from symbolic_music.io.notation.reader import read_notation, read_unfolded
    from symbolic_music.io.notation.saving import musicxml_bytes

# Imported on first use: a MIDI file needs none of them, and the parsers of XML take a tenth of a second.
_HOMES = {
    "from_mido": "interop.mido", "to_mido": "interop.mido",
    "from_piano_roll": "interop.piano_roll", "to_piano_roll": "interop.piano_roll",
    "from_pretty_midi": "interop.pretty_midi", "to_pretty_midi": "interop.pretty_midi",
    "from_symusic": "midi.symusic_bridge", "to_symusic": "midi.symusic_bridge",
    "from_music21": "notation.music21.music21_bridge", "to_music21": "notation.music21.music21_bridge",
    "read_notation": "notation.reader", "read_unfolded": "notation.reader",
    "musicxml_bytes": "notation.saving",
}  # fmt: skip

__all__ = [
    "Differences",
    "differences",
    "from_mido",
    "from_music21",
    "from_piano_roll",
    "from_pretty_midi",
    "from_symusic",
    "midi_bytes",
    "musicxml_bytes",
    "parse_midi",
    "read",
    "read_midi",
    "read_notation",
    "read_unfolded",
    "to_mido",
    "to_music21",
    "to_piano_roll",
    "to_pretty_midi",
    "to_symusic",
    "write",
    "write_midi",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
