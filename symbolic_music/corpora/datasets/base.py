"""The contents of a corpus before reading: an ordered list of sources with their splits and metadata."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbolic_music.errors import CorpusError
from symbolic_music.io.files import MIDI_SUFFIXES, NOTATION_SUFFIXES, read
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.score import Score

# The path of its first file, and the bytes of all its files, to a score and facts that only reading finds.
Reader = Callable[["Source", Path, Sequence[bytes]], tuple[Score, Mapping[str, Any]]]


def read_file(source: Source, path: Path, contents: Sequence[bytes]) -> tuple[Score, Mapping[str, Any]]:
    """A file that this library reads: notation by its suffix, anything else as MIDI."""
    return (read(path) if path.suffix.lower() in NOTATION_SUFFIXES else parse_midi(contents[0])), {}


@dataclass(frozen=True)
class Source:
    """A piece that is still to be read.

    Args:
        name: what the store calls it: a path relative to the corpus, of which it may be a part (`file#part`).
        files: the files that it is made from, relative to the corpus; the first is the one with the notes.
        split: its split, empty where it follows from the content of its first file.
        refused: why it must not be read, if so.

    Examples:
        >>> source = sm.corpora.Source("a", ("a.mid",), split="train", composer="Bach")
        >>> source.files
        ('a.mid',)
    """

    name: str
    files: tuple[str, ...]
    split: str = ""
    title: str = ""
    composer: str = ""
    license: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    read: Reader = read_file


@dataclass(frozen=True)
class Listing:
    """A corpus: the folder, its sources in order, what the manifest says of how they were chosen.

    `split_of` gives the split of a SHA-256 (64 hex digits), where it depends on content; `wanted` are the splits
    that are not to be empty then.

    Examples:
        >>> from pathlib import Path
        >>> sources = tuple(sm.corpora.Source(file.stem, (file.name,)) for file in sorted(Path("my-midi").iterdir()))
        >>> len(sm.corpora.Listing(Path("my-midi"), sources).sources)
        8
    """

    root: Path
    sources: tuple[Source, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    split_of: Callable[[str], str] | None = None
    wanted: tuple[str, ...] = ()


def music_files(root: Path) -> list[str]:
    """All MIDI and notation files below a folder, as sorted relative paths with slashes; hidden ones are left out."""
    suffixes = MIDI_SUFFIXES | NOTATION_SUFFIXES
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            (Path(folder) / name).relative_to(root).as_posix()
            for name in files
            if Path(name).suffix.lower() in suffixes and not name.startswith(".")
        ]
    return sorted(found)


def find_one(root: Path, names: Sequence[str], corpus: str) -> Path:
    """The first of these files that stands in a folder or in one of its folders.

    Raises:
        CorpusError: when there is none.
    """
    for name in names:
        found = sorted(p for p in (*root.glob(name), *root.glob(f"*/{name}")) if p.is_file())
        if found:
            return found[0]
    raise CorpusError(f"{root} is not {corpus}: it has no {' or '.join(names)}")


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file, by the names in its first line; a row that is too short has empty fields.

    Raises:
        CorpusError: when it cannot be read, or is no csv.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file, restval=""))
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise CorpusError(f"{path} is not a table: {error}") from None


def no_splits(corpus: str, splits: str) -> None:
    """Refuse a choice of splits where the corpus comes with its own; CorpusError says so."""
    if splits not in ("", "official"):
        raise CorpusError(f"{corpus} comes with its splits; leave --splits out")
