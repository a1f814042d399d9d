"""The files of a note store: its manifest, and the descriptions of its segments.

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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from symbolic_music.corpora.store.segments import segment_bytes
from symbolic_music.errors import CorpusError, StoreError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.score import Array, Score

FORMAT, VERSION = "symbolic_music.store", 2
MANIFEST, PROBLEMS, FOLDER, REPLACED = "manifest.json", "problems.csv", "segments", ".replaced"
AGAIN = "run the same prepare again to mend the store"
_CHECK = b',\n"check": "'


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
    file = segment_file(folder, f"{number:05}")
    _keep(file)
    write_bytes(file, data)
    about = {"plan": plan, "sha256": sha256(data).hexdigest(), "bytes": len(data)}
    _write_about(folder, number, about, [piece.record() for piece, _ in pieces], [asdict(one) for one in left_out])


def has_segment(folder: Path, number: int, plan: str) -> bool:
    """Whether this segment is there, whole (by its hash), and made from the same plan."""
    try:
        about = read_about(folder, number)
        data = segment_file(folder, f"{number:05}").read_bytes() if about["plan"] == plan else b""
    except (OSError, StoreError):
        return False
    return bool(data and about["sha256"] == sha256(data).hexdigest())


def read_about(folder: Path, number: int) -> Any:
    """The JSON of a segment: plan, sha256, bytes, pieces, left_out; StoreError when it is missing or damaged."""
    path = folder / FOLDER / f"{number:05}.json"
    try:
        data = path.read_bytes()
    except OSError:
        raise StoreError(f"{path} is missing or damaged: {AGAIN}") from None
    return about_of(data, path)


def about_of(data: bytes, path: Path) -> Any:
    try:
        about = _unsealed(data)
        _check_about(about)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise StoreError(f"{path} is missing or damaged: {AGAIN}") from None
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
        raise StoreError(f"{path} is damaged: {AGAIN}") from None
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


def segment_file(folder: Path, name: str) -> Path:
    return folder / FOLDER / f"{name}.safetensors"


def kept_file(file: Path, digest: str) -> Path:
    """Where a file is kept that another has replaced."""
    return file.parent / REPLACED / f"{file.stem}-{digest}{file.suffix}"


def _keep(file: Path) -> None:
    """Keep a file by its SHA-256 before it is replaced; nobody reads that of a store without a manifest."""
    if not (file.parent.parent / MANIFEST).is_file() or not file.is_file():
        return
    kept = kept_file(file, sha256(file.read_bytes()).hexdigest())
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
    file = segment_file(folder, f"{number:05}").with_suffix(".json")
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
    found = {segment_file(folder, one["name"]): one for one in rows}
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
    kept = {kept_file(path, digest) for path, digest in before.items() if now.get(path) != digest}
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


def size_of(file: Path) -> int:
    """Bytes of a file; -1 where there is none."""
    return file.stat().st_size if file.is_file() else -1


def is_another(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the store has another manifest by now."""
    try:
        return bool(read_manifest(folder)["check"] != manifest["check"])
    except CorpusError:
        return False
