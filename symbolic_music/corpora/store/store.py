"""A note store: all pieces of a corpus as memory-mapped columns, with a manifest.

    STORE/manifest.json                what it is, how it was made, its segments with their hashes, what was left out
    STORE/problems.csv                 for people: what was left out or repaired, and why; not there when nothing was
    STORE/segments/00000.safetensors   tables of some pieces (`segments`)
    STORE/segments/00000.json          those pieces: source, SHA-256, split, licence, title, composer, problems

A segment's JSON is written last, a segment that a manifest lists is replaced only when the manifest has been taken
away, and the manifest is written whole: so a store can be added to while others read it, what a manifest lists belongs
together, and a run that is killed goes on with the segments that it has. Both kinds of JSON end with the SHA-256 of
what stands before it, `check`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.segments import ALL_TABLES, Segment, segment_bytes
from symbolic_music.errors import CorpusError, StoreError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Array, Score

FORMAT, VERSION = "symbolic_music.store", 2
MANIFEST, PROBLEMS, FOLDER = "manifest.json", "problems.csv", "segments"
Held = TypeVar("Held")
_MOST_OPEN = 256  # segments whose index is held
_MOST_DESCRIBED = 4  # segments whose descriptions are: those of a large corpus do not all stay in memory
_CHECK = b',\n"check": "'
_AGAIN = "run the same prepare again to mend the store"


@dataclass(frozen=True)
class Piece:
    """Metadata of a piece; `sha256` is of the bytes of its source."""

    source: str
    sha256: str
    split: str
    notes: int
    seconds: float
    license: str = ""
    title: str = ""
    composer: str = ""
    tracks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Piece:
        """A piece as segments have it, where the license is spelt `licence`."""
        lists = {"tracks": tuple(record["tracks"]), "problems": tuple(record["problems"])}
        return cls(**{"license" if key == "licence" else key: value for key, value in {**record, **lists}.items()})

    def record(self) -> dict[str, Any]:
        """The piece as segments have it."""
        return {"licence" if key == "license" else key: value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class LeftOut:
    """A source that is not in the store, and why."""

    source: str
    reason: str


def write_segment(
    folder: Path,
    number: int,
    plan: str,
    pieces: Sequence[tuple[Piece, Score]],
    left_out: Sequence[LeftOut],
    beside: Mapping[str, Array] | None = None,
) -> None:
    """Write a segment, its JSON last; where it replaces another, the store is unfinished until its next manifest.

    `plan` is a hash of what it was to be made from, for `has_segment`; `beside` is kept with its tables.
    """
    data = segment_bytes([score for _, score in pieces], beside)
    if (folder / FOLDER / f"{number:05}.json").exists():
        (folder / MANIFEST).unlink(missing_ok=True)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    write_bytes(folder / FOLDER / f"{number:05}.safetensors", data)
    about = {"plan": plan, "sha256": sha256(data).hexdigest(), "bytes": len(data)}
    _write_about(folder, number, about, [piece.record() for piece, _ in pieces], [asdict(one) for one in left_out])


def has_segment(folder: Path, number: int, plan: str) -> bool:
    """Whether this segment is there, whole (by its hash), and made from the same plan."""
    try:
        about = read_about(folder, number)
        data = _segment_file(folder, f"{number:05}").read_bytes() if about["plan"] == plan else b""
    except (OSError, StoreError):
        return False
    return bool(data and about["sha256"] == sha256(data).hexdigest())


def read_about(folder: Path, number: int) -> Any:
    """The JSON of a segment: plan, sha256, bytes, pieces, left_out; StoreError when it is missing or damaged."""
    path = folder / FOLDER / f"{number:05}.json"
    try:
        about = _unsealed(path.read_bytes())
        _check_about(about)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise StoreError(f"{path} is missing or damaged: {_AGAIN}") from None
    return about


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a store.

    Raises:
        CorpusError: when the folder is no store, or one of another version.
        StoreError: when the manifest is missing or damaged.
    """
    path = folder / MANIFEST
    if not (folder / FOLDER).is_dir():
        raise CorpusError(f"{folder} is not a note store")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{folder} has no manifest: run the same prepare again to finish it") from None
    try:
        version = json.loads(data)["version"]
        manifest = _unsealed(data) if version == VERSION else {"format": FORMAT}
        if manifest["format"] != FORMAT:
            raise CorpusError(f"{folder} is not a note store")
        if version == VERSION:
            _check_manifest(manifest)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise StoreError(f"{path} is damaged: {_AGAIN}") from None
    if version != VERSION:
        raise CorpusError(
            f"{folder} is a store of version {version}; this reads {VERSION}: prepare the corpus into another folder"
        )
    return manifest


# What stands under the keys of a manifest, of its segments, and of a piece.
_MANIFEST = {"corpus": str, "options": dict, "pieces": int, "notes": int, "seconds": (int, float), "splits": dict,
             "left_out": int, "segments": list}  # fmt: skip
_ROW = {"name": str, "bytes": int, "sha256": str, "pieces": int, "about_sha256": str}
_ABOUT = {"plan": str, "sha256": str, "bytes": int, "pieces": list, "left_out": list}
_PIECE = {"source": str, "sha256": str, "split": str, "notes": int, "seconds": (int, float), "licence": str,
          "title": str, "composer": str, "tracks": list, "problems": list, "facts": dict}  # fmt: skip


def _check_manifest(manifest: dict[str, Any]) -> None:
    """ValueError for a manifest that is sealed, but of other kinds than are written."""
    _check_kinds(manifest, _MANIFEST)
    for row in manifest["segments"]:
        _check_kinds(row, _ROW)
        if not (row["name"].isdecimal() and len(row["name"]) >= 5 and row["pieces"] >= 0):
            raise ValueError("a segment of no name")
    if not all(isinstance(count, int) for count in manifest["splits"].values()):
        raise ValueError("splits are counted")


def _check_about(about: dict[str, Any]) -> None:
    _check_kinds(about, _ABOUT)
    for piece in about["pieces"]:
        _check_kinds(piece, _PIECE)
        if piece.keys() != _PIECE.keys() or not all(isinstance(x, str) for x in piece["tracks"] + piece["problems"]):
            raise ValueError("a piece of other facts")
    for one in about["left_out"]:
        _check_kinds(one, {"source": str, "reason": str})
        if len(one) != 2:
            raise ValueError("a source of other facts")


def _check_kinds(found: Any, kinds: Mapping[str, Any]) -> None:
    if not isinstance(found, dict):
        raise ValueError("an object is wanted")
    for key, kind in kinds.items():
        if not isinstance(found[key], kind) or isinstance(found[key], bool):
            raise ValueError(f"{key} is of another kind")


def _sealed(text: str) -> bytes:
    """The text of a JSON object with the SHA-256 of all before it as its last key."""
    head = text.removesuffix("}").rstrip().encode()
    return head + _CHECK + sha256(head).hexdigest().encode() + b'"}\n'


def _unsealed(data: bytes) -> dict[str, Any]:
    """The object of a sealed JSON; ValueError when it holds other bytes than were written."""
    head, _, check = data.rpartition(_CHECK)
    if check != sha256(head).hexdigest().encode() + b'"}\n':
        raise ValueError("another SHA-256")
    found: dict[str, Any] = json.loads(data)
    return found


def _segment_file(folder: Path, name: str) -> Path:
    return folder / FOLDER / f"{name}.safetensors"


def change_pieces(folder: Path, number: int, change: Callable[[Piece], Piece]) -> list[Piece]:
    """Pass what is known of the pieces of a segment through a function; returns the pieces as they are now.

    For a store that is being made: splits that depend on all pieces are known last.
    """
    about = read_about(folder, number)
    before = [Piece.of_record(one) for one in about["pieces"]]
    after = [change(piece) for piece in before]
    if after != before:
        head = {key: about[key] for key in ("plan", "sha256", "bytes")}
        (folder / MANIFEST).unlink(missing_ok=True)
        _write_about(folder, number, head, [piece.record() for piece in after], about["left_out"])
    return after


def _write_about(folder: Path, number: int, head: Any, pieces: Sequence[Any], left_out: Sequence[Any]) -> None:
    """The JSON of a segment, a line a piece."""
    head = {**head, "pieces": pieces, "left_out": left_out}
    lines = [f"{json.dumps(key)}: {_lines(value) if isinstance(value, list) else json.dumps(value)}"
             for key, value in head.items()]  # fmt: skip
    write_bytes(folder / FOLDER / f"{number:05}.json", _sealed("{" + ",\n".join(lines) + "}"))


def _lines(values: Sequence[Any]) -> str:
    # ASCII: names of files need not be Unicode, and only escapes hold what they are then.
    return "[" + ",".join("\n" + json.dumps(value, sort_keys=True, separators=(",", ":")) for value in values) + "]"


def write_manifest(
    folder: Path, segments: int, corpus: str, options: Mapping[str, Any], facts: Mapping[str, Any] | None = None
) -> None:
    """Write the manifest of this many segments; what else lies in the segment folder is removed.

    `facts`: what was found out about the corpus as a whole; each becomes a key of the manifest.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    splits: dict[str, int] = {}
    notes, left_out, seconds = 0, 0, 0.0
    rows = []
    problems: list[tuple[str, str, str]] = []
    for number in range(segments):  # one at a time: together they can be larger than memory
        about, name = read_about(folder, number), f"{number:05}"
        for piece in about["pieces"]:
            splits[piece["split"]] = splits.get(piece["split"], 0) + 1
            notes, seconds = notes + piece["notes"], seconds + piece["seconds"]
            problems += ((piece["source"], "repaired", problem) for problem in piece["problems"])
        left_out += len(about["left_out"])
        problems += ((one["source"], "left out", one["reason"]) for one in about["left_out"])
        rows.append({
            "name": name,
            "bytes": about["bytes"],
            "sha256": about["sha256"],
            "pieces": len(about["pieces"]),
            "about_sha256": sha256((folder / FOLDER / f"{name}.json").read_bytes()).hexdigest(),
        })  # fmt: skip
    manifest = {
        **(facts or {}),
        "format": FORMAT,
        "version": VERSION,
        "corpus": corpus,
        "options": dict(options),
        "pieces": sum(splits.values()),
        "notes": notes,
        "seconds": round(seconds, 3),
        "splits": dict(sorted(splits.items())),
        "left_out": left_out,
        "segments": rows,
    }
    _write_problems(folder / PROBLEMS, problems)
    write_bytes(folder / MANIFEST, _sealed(json.dumps(manifest, indent=1, sort_keys=True)))
    kept = {f"{row['name']}.{suffix}" for row in rows for suffix in ("json", "safetensors")}
    for path in (folder / FOLDER).iterdir():
        if path.name not in kept:
            path.unlink()


def _write_problems(path: Path, problems: Sequence[tuple[str, str, str]]) -> None:
    if not problems:
        path.unlink(missing_ok=True)
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("source", "state", "problem"))
    writer.writerows(problems)
    write_bytes(path, table.getvalue().encode(errors="backslashreplace"))


def _hold(held: dict[int, Held], number: int, one: Held, most: int) -> None:
    """Keep one more of at most so many; several threads may do so at a time, and may have taken the same away."""
    for oldest in list(held)[: max(0, len(held) + 1 - most)]:
        held.pop(oldest, None)
    held[number] = one


class NoteStore:
    """The pieces of a corpus, in the order of the manifest. `store[i]` is a Score; splits are lists of indices.

    Opening looks at the manifest and the lengths of the files; the first look into a segment compares its SHA-256, once
    a process; `verify` reads everything.

    Raises:
        CorpusError: when the folder is no store, or was made by another version.
        StoreError: when it is damaged: a file is missing, cut, or not what was written.

    Examples:
        >>> store = sm.corpora.NoteStore("my.store")
        >>> len(store), len(store[0].notes), len(store.splits["train"])
        (8, 216, 6)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest = read_manifest(self.path)
        for one in self.manifest["segments"]:
            file = _segment_file(self.path, one["name"])
            size = file.stat().st_size if file.is_file() else -1
            if size != one["bytes"]:
                state = "missing" if size < 0 else f"{size:,} bytes long, not {one['bytes']:,}"
                raise StoreError(f"{file} is {state}: {_AGAIN}")
        self._ends = np.cumsum([one["pieces"] for one in self.manifest["segments"]])
        self._open: dict[int, Segment] = {}
        self._sound = set[int]()  # segments whose bytes were compared
        self._abouts: dict[int, list[Piece]] = {}

    def __repr__(self) -> str:
        return f"NoteStore({self.manifest['corpus']}, {len(self):,} pieces, {str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """The state for another process, which opens the files again."""
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def __len__(self) -> int:
        """Number of pieces."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Score:
        """A piece with the names of its tracks; IndexError for an unknown number."""
        number, place = self._place(index)
        return self._segment(number).score(place, self.piece(index).tracks)

    def music(self, index: int, tables: Sequence[str] = ALL_TABLES) -> Score:
        """A piece without names: nothing but these tables in its segment is read, the others are empty."""
        number, place = self._place(index)
        return self._segment(number).score(place, tables=tables)

    def piece(self, index: int) -> Piece:
        """Metadata of a piece."""
        number, place = self._place(index)
        own = self._abouts.get(number)
        if own is None:
            own = [Piece.of_record(one) for one in self._about(number)["pieces"]]
            _hold(self._abouts, number, own, _MOST_DESCRIBED)
        return own[place]

    def pieces(self) -> Iterator[Piece]:
        """Metadata of each piece, in order."""
        return (self.piece(index) for index in range(len(self)))

    def left_out(self) -> list[LeftOut]:
        """The sources that are not in the store, and why."""
        numbers = range(len(self._ends))
        return [LeftOut(**one) for number in numbers for one in self._about(number)["left_out"]]

    @cached_property
    def note_counts(self) -> NDArray[np.int64]:
        """Notes of each piece, shape (pieces,)."""
        numbers = range(len(self._ends))
        return np.concatenate([np.zeros(0, np.int64), *(self._segment(number).note_counts for number in numbers)])

    @cached_property
    def splits(self) -> dict[str, NDArray[np.int64]]:
        """Indices of the pieces of each split."""
        found: dict[str, list[int]] = {}
        for index, piece in enumerate(self.pieces()):
            found.setdefault(piece.split, []).append(index)
        return {name: np.array(indices) for name, indices in sorted(found.items())}

    def verify(self) -> None:
        """Read every byte; StoreError names the first file that is not what the manifest says."""
        for one in self.manifest["segments"]:
            file = _segment_file(self.path, one["name"])
            self._compare(file, one["sha256"])
            self._compare(file.with_suffix(".json"), one["about_sha256"])

    def _about(self, number: int) -> Any:
        return read_about(self.path, int(self.manifest["segments"][number]["name"]))

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"no piece {index}: the store has {len(self)}")
        number = int(np.searchsorted(self._ends, index, side="right"))
        return number, index - (int(self._ends[number - 1]) if number else 0)

    def _segment(self, number: int) -> Segment:
        own = self._open.get(number)
        if own is None:
            one = self.manifest["segments"][number]
            file = _segment_file(self.path, one["name"])
            if number not in self._sound:
                self._compare(file, one["sha256"])
                self._sound.add(number)
            own = Segment(file)
            if len(own) != one["pieces"]:
                raise StoreError(f"{file} holds {len(own)} pieces, not {one['pieces']}: {_AGAIN}")
            _hold(self._open, number, own, _MOST_OPEN)
        return own

    @staticmethod
    def _compare(path: Path, said: str) -> None:
        """StoreError unless this file has this SHA-256; read in blocks, which count as nobody's memory."""
        found = sha256()
        try:
            with path.open("rb", buffering=0) as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}: {_AGAIN}") from None
        if found.hexdigest() != said:
            raise StoreError(f"{path} is damaged, its SHA-256 is not the manifest's: {_AGAIN}")
