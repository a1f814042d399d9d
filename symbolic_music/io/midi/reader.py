"""Read MIDI files: valid and simple ones by symusic, others by `tolerant_reader`; write them by `writer`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from symbolic_music.errors import FileError, MidiError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.midi.limits import check_memory
from symbolic_music.io.midi.source_file import remember
from symbolic_music.io.midi.strict_reader import parse_strict
from symbolic_music.io.midi.tolerant_reader import parse_tolerant, placed
from symbolic_music.io.midi.writer import midi_bytes
from symbolic_music.score import Score

Parsed = TypeVar("Parsed")
# Of the last few files of at most this many bytes the places of the events are kept, for an edit of their scores.
_KEPT = 1 << 18


def read_midi(path: str | Path) -> Score:
    """Read a MIDI file, also a damaged one: `Score.problems` says what was repaired or left out.

    Raises:
        FileError: when the file cannot be opened.
        MidiError: when it is not MIDI.

    Examples:
        >>> sm.io.read_midi("song.mid").problems
        ()
    """
    return parsed_file(path, parse_midi)


def parsed_file(path: str | Path, parse: Callable[[bytes], Parsed]) -> Parsed:
    """What a parser makes of the bytes of a MIDI file; its errors name the file. Raises as `read_midi`."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return parse(data)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None


def parse_midi(data: bytes) -> Score:
    """A score from the bytes of a MIDI file, with playback semantics; see `tolerant_reader.parse_tolerant`.

    Raises:
        MidiError: when they are not MIDI, or could take more memory than `limits.MAX_MEMORY`.

    Examples:
        >>> from pathlib import Path
        >>> len(sm.io.parse_midi(Path("song.mid").read_bytes()).notes)
        546
    """
    check_memory(data)
    strict = parse_strict(data)
    if strict is None or not strict.is_heard:
        return remember(placed(data).score if len(data) <= _KEPT else parse_tolerant(data), data)
    return remember(strict.score, data, alone=True, plain=strict.is_plain, files=strict.files)


def write_midi(score: Score, path: str | Path) -> Path:
    """Write a MIDI file, whole or not at all. FileError when the folder is missing or not writable.

    Examples:
        >>> sm.io.write_midi(song, "copy.mid").name
        'copy.mid'
    """
    path = Path(path)
    write_bytes(path, midi_bytes(score))
    return path
