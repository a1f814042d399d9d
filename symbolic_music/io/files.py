"""Read and write by file name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from symbolic_music.errors import FileError, OptionError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.midi.reader import read_midi, write_midi
from symbolic_music.score import Score

MIDI_SUFFIXES = {".mid", ".midi", ".kar", ".smf", ".rmi"}
NOTATION_SUFFIXES = {".musicxml", ".xml", ".mxl", ".abc", ".krn", ".mei"}
WRITABLE_NOTATION = {".musicxml", ".xml", ".mxl"}
# Larger files than this are refused unread; the longest MAESTRO file has 0.4 MB.
MAX_BYTES = 64 << 20


def read(path: str | Path) -> Score:
    """Read a score from a file: notation by its suffix, anything else as MIDI.

        song = sm.read("song.mid")

    Raises:
        FileError: when the file is missing, is a folder, cannot be read, or is larger than 64 MiB.
        MidiError, NotationError: when its content is not what it should be.
    """
    path = Path(path)
    check_readable(path)
    if path.suffix.lower() in NOTATION_SUFFIXES:
        from symbolic_music.io.notation.reader import read_notation

        return read_notation(path)
    return read_midi(path)


def check_readable(path: Path) -> None:
    """Raise FileError unless this is a file that can be opened and is not huge."""
    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder; name a file")
        if not path.is_file():
            raise FileError(f"no such file: {path}")
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise FileError(f"cannot read {path!s:.80}: {error}") from None
    if not os.access(path, os.R_OK):
        raise FileError(f"no permission to read {path}")
    if path.stat().st_size > MAX_BYTES:
        raise FileError(f"{path} has {path.stat().st_size >> 20} MiB; at most {MAX_BYTES >> 20} MiB are read")


def check_targets(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Raise OptionError when one of the files to write would be written twice, or over a source."""
    known, seen = {source.resolve() for source in sources}, set[Path]()
    for target in targets:
        if (resolved := target.resolve()) in seen:
            raise OptionError(f"several of these files would be written to {target.name}: write them apart")
        if resolved in known:
            raise OptionError(f"{target} is one of the files; name another folder to write to")
        seen.add(resolved)


def write(score: Score, path: str | Path) -> Path:
    """Write a score by the suffix of its file: MIDI, or MusicXML (.musicxml, .xml, .mxl). Returns the path.

        sm.write(song, "copy.mid")

    Raises:
        FileError: when the folder is missing, the suffix is none of these, or writing fails.
        NotationError: when notation cannot hold the score.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in MIDI_SUFFIXES:
        return write_midi(score, path)
    if suffix in WRITABLE_NOTATION:
        from symbolic_music.io.notation.archives import packed
        from symbolic_music.io.notation.saving import musicxml_bytes

        document = musicxml_bytes(score)
        write_bytes(path, packed(document) if suffix == ".mxl" else document)
        return path
    raise FileError(f"cannot write {path.suffix or 'a file without suffix'}: name it .mid or .musicxml")
