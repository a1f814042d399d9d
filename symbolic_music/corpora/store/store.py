"""A note store: all pieces of a corpus as memory-mapped columns, with a manifest.

    STORE/manifest.json                what it is, how it was made, its segments with their hashes, what was left out
    STORE/problems.csv                 for people: what was left out or repaired, and why; not there when nothing was
    STORE/segments/00000.safetensors   tables of some pieces (`segments`)
    STORE/segments/00000.json          those pieces: source, SHA-256, split, licence, title, composer, problems

    STORE/segments/.replaced/          files that the manifest of before lists, by their SHA-256

A segment's JSON is written last, a file that a manifest lists is kept by its SHA-256 before another takes its place,
and the manifest is written whole: so a store can be added to while others read it, who find all that their manifest
lists until the store is added to once more, and a run that is killed goes on with the segments that it has. Both kinds
of JSON end with the SHA-256 of what stands before it, `check`.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symbolic_music.corpora.store.segments import ALL_TABLES, Segment, SegmentReplacedError, State, segment_bytes
from symbolic_music.errors import CorpusError, StoreError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Array, Score

FORMAT, VERSION = "symbolic_music.store", 2
MANIFEST, PROBLEMS, FOLDER, REPLACED = "manifest.json", "problems.csv", "segments", ".replaced"
Held = TypeVar("Held")
_MOST_OPEN = 256  # segments whose index is held
_MOST_DESCRIBED = 4  # segments whose descriptions are: those of a large corpus do not all stay in memory
_CHECK = b',\n"check": "'
_AGAIN = "run the same prepare again to mend the store"
_TRIES = 5  # to open what others replace meanwhile


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
    """Write a segment, its JSON last; one that it replaces is kept for those who read by the manifest that lists it.

    `plan` is a hash of what it was to be made from, for `has_segment`; `beside` is kept with its tables.
    """
    data = segment_bytes([score for _, score in pieces], beside)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    file = _segment_file(folder, f"{number:05}")
    _keep(file)
    write_bytes(file, data)
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
        data = path.read_bytes()
    except OSError:
        raise StoreError(f"{path} is missing or damaged: {_AGAIN}") from None
    return _about_of(data, path)


def _about_of(data: bytes, path: Path) -> Any:
    try:
        about = _unsealed(data)
        _check_about(about)
    except (ValueError, TypeError, KeyError, RecursionError):
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


def _kept_file(file: Path, digest: str) -> Path:
    """Where a file is kept that another has replaced."""
    return file.parent / REPLACED / f"{file.stem}-{digest}{file.suffix}"


def _keep(file: Path) -> None:
    """Keep a file by its SHA-256 before it is replaced; nobody reads that of a store without a manifest."""
    if not (file.parent.parent / MANIFEST).is_file() or not file.is_file():
        return
    kept = _kept_file(file, sha256(file.read_bytes()).hexdigest())
    if kept.exists():
        return
    kept.parent.mkdir(exist_ok=True)
    try:
        os.link(file, kept)
    except OSError:  # a file system without hard links
        write_bytes(kept, file.read_bytes())


def change_pieces(folder: Path, number: int, change: Callable[[Piece], Piece]) -> list[Piece]:
    """Pass what is known of the pieces of a segment through a function; returns the pieces as they are now.

    For a store that is being made: splits that depend on all pieces are known last.
    """
    about = read_about(folder, number)
    before = [Piece.of_record(one) for one in about["pieces"]]
    after = [change(piece) for piece in before]
    if after != before:
        head = {key: about[key] for key in ("plan", "sha256", "bytes")}
        _write_about(folder, number, head, [piece.record() for piece in after], about["left_out"])
    return after


def _write_about(folder: Path, number: int, head: Any, pieces: Sequence[Any], left_out: Sequence[Any]) -> None:
    """The JSON of a segment, a line a piece."""
    head = {**head, "pieces": pieces, "left_out": left_out}
    file = _segment_file(folder, f"{number:05}").with_suffix(".json")
    lines = [f"{json.dumps(key)}: {_lines(value) if isinstance(value, list) else json.dumps(value)}"
             for key, value in head.items()]  # fmt: skip
    _keep(file)
    write_bytes(file, _sealed("{" + ",\n".join(lines) + "}"))


def _lines(values: Sequence[Any]) -> str:
    # ASCII: names of files need not be Unicode, and only escapes hold what they are then.
    return "[" + ",".join("\n" + json.dumps(value, sort_keys=True, separators=(",", ":")) for value in values) + "]"


def write_manifest(
    folder: Path, segments: int, corpus: str, options: Mapping[str, Any], facts: Mapping[str, Any] | None = None
) -> None:
    """Write the manifest of this many segments; what neither it nor the one before lists is removed.

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
    before = _listed(folder)
    write_bytes(folder / MANIFEST, _sealed(json.dumps(manifest, indent=1, sort_keys=True)))
    _tidy(folder, before, _files(folder, rows))


def _files(folder: Path, rows: Sequence[Any]) -> dict[Path, str]:
    """The files of the segments of a manifest, and their SHA-256."""
    found = {_segment_file(folder, one["name"]): one for one in rows}
    data = {file: one["sha256"] for file, one in found.items()}
    return data | {file.with_suffix(".json"): one["about_sha256"] for file, one in found.items()}


def _listed(folder: Path) -> dict[Path, str]:
    """`_files` of the manifest that is there; none where it is missing or damaged."""
    try:
        return _files(folder, read_manifest(folder)["segments"])
    except CorpusError:
        return {}


def _tidy(folder: Path, before: Mapping[Path, str], now: Mapping[Path, str]) -> None:
    """Remove what no manifest lists; what only the one before lists is kept."""
    for path in (folder / FOLDER).iterdir():
        if path not in now and path.name != REPLACED:
            if path in before:
                _keep(path)
            path.unlink()
    kept = {_kept_file(path, digest) for path, digest in before.items() if now.get(path) != digest}
    if (folder / FOLDER / REPLACED).is_dir():
        for path in (folder / FOLDER / REPLACED).iterdir():
            if path not in kept:
                path.unlink()
        with suppress(OSError):  # some are kept
            (folder / FOLDER / REPLACED).rmdir()


def _write_problems(path: Path, problems: Sequence[tuple[str, str, str]]) -> None:
    if not problems:
        path.unlink(missing_ok=True)
        return
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("source", "state", "problem"))
    writer.writerows(problems)
    write_bytes(path, table.getvalue().encode(errors="backslashreplace"))


def _size(file: Path) -> int:
    """Bytes of a file; -1 where there is none."""
    return file.stat().st_size if file.is_file() else -1


def _is_another(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the store has another manifest by now."""
    try:
        return bool(read_manifest(folder)["check"] != manifest["check"])
    except CorpusError:
        return False


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
        path = Path(path)
        for left in reversed(range(_TRIES)):
            manifest = read_manifest(path)
            try:
                self._begin(path, manifest)
                return
            except StoreError:
                if not left or not _is_another(path, manifest):  # else it has just been written anew
                    raise

    def _begin(self, path: Path, manifest: dict[str, Any]) -> None:
        """Open the files that a manifest lists."""
        self.path, self.manifest = path, manifest
        for one in self.manifest["segments"]:
            file = _segment_file(self.path, one["name"])
            size = _size(file)
            if size != one["bytes"] and _size(_kept_file(file, one["sha256"])) != one["bytes"]:
                state = "missing" if size < 0 else f"{size:,} bytes long, not {one['bytes']:,}"
                raise StoreError(f"{file} is {state}: {_AGAIN}")
        self._ends = np.cumsum([one["pieces"] for one in self.manifest["segments"]])
        self._open: dict[int, Segment] = {}
        self._sound: dict[int, State] = {}  # segments whose bytes were compared
        self._abouts: dict[int, list[Piece]] = {}

    def __repr__(self) -> str:
        return f"NoteStore({self.manifest['corpus']}, {len(self):,} pieces, {str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """The state for another process, which opens the files again: those that this one reads."""
        return {"path": self.path, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._begin(state["path"], state["manifest"])

    def __len__(self) -> int:
        """Number of pieces."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Score:
        """A piece with the names of its tracks; IndexError for an unknown number."""
        return self._score(index, self.piece(index).tracks)

    def music(self, index: int, tables: Sequence[str] = ALL_TABLES) -> Score:
        """A piece without names: nothing but these tables in its segment is read, the others are empty."""
        return self._score(index, tables=tables)

    def _score(self, index: int, names: Sequence[str] = (), tables: Sequence[str] = ALL_TABLES) -> Score:
        number, place = self._place(index)
        for _ in range(_TRIES):
            try:
                return self._segment(number).score(place, names, tables)
            except SegmentReplacedError:  # its manifest's is kept
                self._open.pop(number, None)
        raise self._changed()

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
            for path, digest in ((file, one["sha256"]), (file.with_suffix(".json"), one["about_sha256"])):
                where = self._file(path, digest)
                # Where another has just taken its place, it is kept.
                if not self._compare(where, digest) and (
                    (kept := self._file(path, digest)) == where or not self._compare(kept, digest)
                ):
                    raise self._not_written(path)

    def _about(self, number: int) -> Any:
        one = self.manifest["segments"][number]
        file = _segment_file(self.path, one["name"]).with_suffix(".json")
        for _ in range(_TRIES):
            try:
                data = self._file(file, one["about_sha256"]).read_bytes()
            except OSError:
                continue
            if sha256(data).hexdigest() == one["about_sha256"]:
                about = _about_of(data, file)
                if len(about["pieces"]) != one["pieces"]:
                    raise StoreError(f"{file} describes {len(about['pieces'])} pieces, not {one['pieces']}: {_AGAIN}")
                return about
        raise self._not_written(file)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"no piece {index}: the store has {len(self)}")
        number = int(np.searchsorted(self._ends, index, side="right"))
        return number, index - (int(self._ends[number - 1]) if number else 0)

    def _segment(self, number: int) -> Segment:
        own = self._open.get(number)
        if own is None:
            own = self._opened(number)
            _hold(self._open, number, own, _MOST_OPEN)
        return own

    def _opened(self, number: int) -> Segment:
        """A segment whose bytes are those that the manifest lists."""
        one = self.manifest["segments"][number]
        file = _segment_file(self.path, one["name"])
        for left in reversed(range(_TRIES)):
            path = self._file(file, one["sha256"])
            try:
                own = Segment(path)
                if self._sound.get(number) != own.state and not self._compare(path, one["sha256"]):
                    raise self._not_written(file)
                own.check()
            except StoreError:
                # It may be that another has just taken its place, and it is kept now.
                if not left or self._file(file, one["sha256"]) == path:
                    if _is_another(self.path, self.manifest):
                        raise self._changed() from None
                    raise
                continue
            self._sound[number] = own.state
            if len(own) != one["pieces"]:
                raise StoreError(f"{file} holds {len(own)} pieces, not {one['pieces']}: {_AGAIN}")
            return own
        raise self._changed()

    @staticmethod
    def _file(file: Path, digest: str) -> Path:
        """Where a file of the manifest is: a run that replaces it keeps it first."""
        kept = _kept_file(file, digest)
        return kept if kept.is_file() else file

    @staticmethod
    def _compare(path: Path, said: str) -> bool:
        """Whether this file has this SHA-256; read in blocks, which count as nobody's memory."""
        found = sha256()
        try:
            with path.open("rb", buffering=0) as file:
                while block := file.read(1 << 20):
                    found.update(block)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}: {_AGAIN}") from None
        return found.hexdigest() == said

    def _not_written(self, path: Path) -> StoreError:
        if _is_another(self.path, self.manifest):
            return self._changed()
        return StoreError(f"{path} is damaged, its SHA-256 is not the manifest's: {_AGAIN}")

    def _changed(self) -> StoreError:
        return StoreError(f"{self.path} was prepared again since it was opened: open it again")
