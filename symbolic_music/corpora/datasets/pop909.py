"""POP909 (Wang et al. 2020): arrangements of pop songs with annotated beats, chords and keys.

There is no published split; ours is by song number, 8:1:1 (727 / 91 / 91).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from symbolic_music.corpora.datasets.base import Listing, Source
from symbolic_music.corpora.datasets.splits import TEST, TRAIN, VALIDATION, parse_shares
from symbolic_music.errors import CorpusError
from symbolic_music.io.midi.reader import parse_midi
from symbolic_music.score import Score

# Of the arrangements and annotations; the rights in the songs are not cleared.
LICENCE = "MIT"
SHARES = "80/10/10"
_ANNOTATIONS = ("beat_midi.txt", "chord_midi.txt", "key_audio.txt")
# Folders of a song's MIDI file and annotations: as published, below a folder of that name, and sorted by kind.
_LAYOUTS = (("{0}/{0}.mid", "{0}"), ("POP909/{0}/{0}.mid", "POP909/{0}"), ("midi/{0}.mid", "annotations/{0}"))
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LARGEST_SHEET = 16 << 20


def listing(root: Path, splits: str) -> Listing:
    """The songs by their number, with shares of them for the splits, in that order.

    Raises:
        CorpusError: when there are none.
        OptionError: if `splits` is not three percentages; see `splits.parse_shares`.
    """
    shares = parse_shares(splits or SHARES)
    midi, notes, numbers = next(
        ((midi, notes, numbers) for midi, notes in _LAYOUTS if (numbers := _numbers(root, midi))), ("", "", [])
    )
    if not numbers:
        raise CorpusError(f"{root} is not POP909: it has no 001/001.mid, POP909/001/001.mid or midi/001.mid")
    songs = _songs(root)
    ends = [round(len(numbers) * sum(shares[: i + 1]) / 100) for i in range(3)]
    sources = []
    for place, number in enumerate(numbers):
        title, artist = songs.get(number, ("", ""))
        files = [f"{notes.format(number)}/{name}" for name in _ANNOTATIONS]
        facts = {"song": int(number)} | ({"artist": artist} if artist else {})
        sources.append(
            Source(
                midi.format(number),
                (midi.format(number), *(name for name in files if (root / name).is_file())),
                TRAIN if place < ends[0] else VALIDATION if place < ends[1] else TEST,
                title,
                license=LICENCE,
                facts=facts,
                read=read_song,
            )
        )
    return Listing(root, tuple(sources), {"splits": "/".join(map(str, shares))})


def _numbers(root: Path, midi: str) -> list[str]:
    found = (path.stem for path in root.glob(midi.format("*")))
    return sorted(number for number in found if number.isdecimal() and (root / midi.format(number)).is_file())


def read_song(source: Source, path: Path, contents: Sequence[bytes]) -> tuple[Score, Mapping[str, Any]]:
    """A song, and as facts its annotations, times in seconds of the MIDI file.

    `beats`: the time of each beat; `strong_beats` and `bars`: indices of those that begin a half bar (in duple metre)
    and a bar; `chords` and `keys`: [start, end, name], names as in Harte et al. 2005, N where there is none. Beats and
    chords are those found from the MIDI file, the key is from the audio.
    """
    facts: dict[str, Any] = {}
    for name, content in zip(source.files[1:], contents[1:], strict=True):
        rows = [line.split() for line in content.decode("utf-8").splitlines() if line.strip()]
        if name.endswith("beat_midi.txt"):
            facts["beats"] = [_seconds(row[0]) for row in rows]
            facts["strong_beats"] = [place for place, row in enumerate(rows) if float(row[1])]
            facts["bars"] = [place for place, row in enumerate(rows) if float(row[2])]
        else:
            spans = [[_seconds(row[0]), _seconds(row[1]), row[2]] for row in rows]
            facts["chords" if name.endswith("chord_midi.txt") else "keys"] = spans
    return parse_midi(contents[0]), facts


def _seconds(text: str) -> float:
    seconds = round(float(text), 6)
    if not isfinite(seconds):
        raise ValueError(f"an annotation at {text} s")
    return seconds


def _songs(root: Path) -> dict[str, tuple[str, str]]:
    """Title and artist of each song by its number, of index.xlsx; nothing where it is missing or not understood."""
    for path in (root / "index.xlsx", root / "POP909" / "index.xlsx"):
        if path.is_file():
            try:
                rows = _sheet(path)
                return {row["song_id"].zfill(3): (row["name"], row["artist"]) for row in rows}
            except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile, ElementTree.ParseError):
                return {}
    return {}


def _sheet(path: Path) -> list[dict[str, str]]:
    """The rows of the first sheet of a workbook as text, by the names in its first row."""
    with zipfile.ZipFile(path) as book:
        names = [n for n in ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml") if n in book.namelist()]
        if any(book.getinfo(n).file_size > _LARGEST_SHEET for n in names):
            raise ValueError("a sheet that is too large")
        trees = {n: ElementTree.fromstring(book.read(n)) for n in names}
    texts = [_text(one) for one in trees.get(names[0], ElementTree.Element("none")).iter(f"{_SHEET}si")]
    table = []
    for row in trees["xl/worksheets/sheet1.xml"].iter(f"{_SHEET}row"):
        cells = {}
        for cell in row.iter(f"{_SHEET}c"):
            value = _text(cell)
            column = cell.get("r", "").rstrip("0123456789")
            cells[column] = texts[int(value)] if cell.get("t") == "s" else value
        table.append(cells)
    return [{head: row.get(column, "") for column, head in table[0].items()} for row in table[1:]]


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter() if part.tag in (f"{_SHEET}t", f"{_SHEET}v"))
