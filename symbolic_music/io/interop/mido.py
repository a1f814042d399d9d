"""Objects of mido, to and from Score."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from symbolic_music.errors import MidiError, MissingExtraError
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import Score


def from_mido(source: Any) -> Score:
    """A Score from a `mido.MidiFile`, as if it had been written and read. MidiError as in `parse_midi`.

    Examples:
        >>> import mido
        >>> len(sm.io.from_mido(mido.MidiFile("song.mid")).notes)
        546
    """
    mido = _mido()
    file = BytesIO()
    whole = {"type": source.type, "ticks_per_beat": source.ticks_per_beat, "tracks": source.tracks}
    try:
        mido.MidiFile(charset="utf-8", **whole).save(file=file)
    except (ValueError, TypeError) as error:
        raise MidiError(f"mido cannot write this file ({error})") from None
    return parse_midi(file.getvalue())


def to_mido(score: Score) -> Any:
    """A `mido.MidiFile`, as `midi_bytes` writes it. MissingExtraError without mido.

    Examples:
        >>> round(sm.io.to_mido(song).length, 1)
        32.0
    """
    return _mido().MidiFile(file=BytesIO(midi_bytes(score)), charset="utf-8")


def _mido() -> Any:
    try:
        import mido
    except ImportError:
        raise MissingExtraError("mido", "interchange") from None
    return mido
