"""Notation files (MusicXML, MXL, ABC, kern, ...) and music21 objects, through music21."""

from __future__ import annotations

import warnings
from pathlib import Path

from symbolic_music.errors import MissingExtraError, NotationError
from symbolic_music.io.notation.abc import abc_to_musicxml
from symbolic_music.io.notation.archives import unpacked
from symbolic_music.io.notation.kern import kern_to_musicxml
from symbolic_music.io.notation.music21_bridge import from_music21
from symbolic_music.io.notation.source import parse_musicxml, written_music
from symbolic_music.io.notation.to_score import as_played
from symbolic_music.score import Score

# Divisible by 32nds, triplets, quintuplets and septuplets of a quarter.
_TICKS_PER_QUARTER = 10_080
_VELOCITY = 80


# Texts are dense: a MiB of **kern holds a hundred thousand notes.
_MOST_TEXT = 4 << 20
_TRANSLATORS = {".abc": abc_to_musicxml, ".krn": kern_to_musicxml}


def read_notation(path: str | Path) -> Score:
    """Read a notation file as it is written; of several pieces in one file the first, which `Score.problems` then says.

    Raises:
        MissingExtraError: when the format needs music21 and it is not installed.
        NotationError: when it cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".musicxml", ".xml", ".mxl", *_TRANSLATORS):
        return _read_by_music21(path)
    try:
        document, told = _document(path)
        score = parse_musicxml(document)
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None
    return score.replace(problems=(*score.problems, *told)) if told else score


def read_unfolded(path: str | Path) -> Score:
    """Read a MusicXML file as it is played: with its repeats, endings, da capo and dal segno, and a verse a pass.

    Raises:
        NotationError: when it cannot be read.
    """
    path = Path(path)
    try:
        return as_played(written_music(_document(path)[0]))
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None


def _document(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The MusicXML document of a file, translated where it is written otherwise, and what that leaves out."""
    data = path.read_bytes()
    suffix = path.suffix.lower()
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


def _read_by_music21(path: Path) -> Score:
    try:
        from music21 import converter
    except ImportError:
        raise MissingExtraError("music21", "notation") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = converter.parse(str(path), forceSource=True)
            pieces = list(getattr(stream, "scores", [])) if "Opus" in stream.classes else [stream]
            score = from_music21(pieces[0])
    except Exception as error:  # music21's parsers raise whatever their input makes them stumble on
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise NotationError(f"{path}: music21 cannot read it ({reason})") from None
    if len(pieces) > 1:
        return score.replace(problems=(f"{len(pieces)} pieces in one file: only the first is read",))
    return score
