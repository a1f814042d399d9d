"""Checks of the paths that a verb will write to, before any work is done."""

from __future__ import annotations

from pathlib import Path

from symbolic_music.errors import FileError, OptionError


def check_output(path: Path, *inputs: Path | None) -> Path:
    """The path to write to, before any work is done.

    Raises:
        FileError: when it is one of the inputs, a folder, or in a folder that is not there.
    """
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file")
    if not path.parent.is_dir():
        raise FileError(f"no such folder: {path.parent}")
    for source in inputs:
        if source is not None and source.exists() and path.exists() and path.samefile(source):
            raise FileError(f"{path} is the input; name another file to write to")
    return path


def check_score_output(path: Path, *inputs: Path | None) -> Path:
    """Like `check_output` for a score; also FileError when the suffix is not writable."""
    from symbolic_music.io.files import MIDI_SUFFIXES, WRITABLE_NOTATION

    if path.suffix.lower() not in MIDI_SUFFIXES | WRITABLE_NOTATION:
        raise FileError(f"cannot write {path.suffix or 'a file without suffix'}: name it .mid or .musicxml")
    return check_output(path, *inputs)


def check_page(page: Path | None, *inputs: Path) -> None:
    """Before any work is done: OptionError or FileError unless a report can be written there."""
    if page is None:
        return
    if page.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"cannot write {page.suffix or 'a file without suffix'}: name the report .html")
    check_output(page, *inputs)
    check_output(page.with_suffix(".json"), *inputs)
