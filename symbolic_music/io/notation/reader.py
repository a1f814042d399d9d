"""Read notation files: MusicXML, MXL, ABC and kern by readers of our own, MEI by music21."""

from __future__ import annotations

from pathlib import Path

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.archives import unpacked
from symbolic_music.io.notation.garbage_collection import no_collection
from symbolic_music.io.notation.music21.music21_process import translated_by_music21
from symbolic_music.io.notation.source_document import parse_musicxml, written_music
from symbolic_music.io.notation.text.abc import abc_to_musicxml
from symbolic_music.io.notation.text.kern import kern_to_musicxml
from symbolic_music.io.notation.to_score import as_played
from symbolic_music.score import Score

# Texts are dense: a MiB of **kern holds a hundred thousand notes.
_MOST_TEXT = 2 << 20
_TRANSLATORS = {".abc": abc_to_musicxml, ".krn": kern_to_musicxml}


def read_notation(path: str | Path) -> Score:
    """Read a notation file as it is written; of several pieces in one file the first, which `Score.problems` then says.

    Raises:
        MissingExtraError: when the format needs music21 and it is not installed.
        NotationError: when it cannot be read.

    Examples:
        >>> path = melody.write("melody.musicxml")
        >>> len(sm.io.read_notation(path).notes) == len(melody.notes)
        True
    """
    path = Path(path)
    try:
        with no_collection():
            document, notices = _document(path)
            score = parse_musicxml(document)
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None
    return _with_notices(score, notices)


def read_unfolded(path: str | Path) -> Score:
    """Read a MusicXML file as it is played: with its repeats, endings, da capo and dal segno, and a verse a pass.

    Raises:
        NotationError: when it cannot be read.

    Examples:
        >>> path = melody.write("melody.musicxml")
        >>> sm.io.read_unfolded(path).duration == melody.duration  # it has no repeats
        True
    """
    path = Path(path)
    try:
        with no_collection():
            document, notices = _document(path)
            score = as_played(written_music(document))
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None
    return _with_notices(score, notices)


def _with_notices(score: Score, notices: tuple[str, ...]) -> Score:
    return score.replace(problems=(*score.problems, *notices)) if notices else score


def _document(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The MusicXML document of a file, translated where it is written otherwise, and what that leaves out."""
    suffix = path.suffix.lower()
    if suffix == ".mei":
        return translated_by_music21(path), ()
    data = path.read_bytes()
    if suffix in _TRANSLATORS:
        if len(data) > _MOST_TEXT:
            raise NotationError(f"it has {len(data) >> 20} MiB; at most {_MOST_TEXT >> 20} MiB of {suffix} are read")
        return _TRANSLATORS[suffix](_text(data))
    return (unpacked(data) if suffix == ".mxl" or data.startswith(b"PK\x03\x04") else data), ()


def _text(data: bytes) -> str:
    """Text in UTF-8, or as older files are in Latin-1; line ends of any system."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
