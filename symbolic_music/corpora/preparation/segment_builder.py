"""Build one segment of a store from its sources: read, check, filter, write."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from symbolic_music.corpora.datasets import filters
from symbolic_music.corpora.datasets.base import Source
from symbolic_music.corpora.preparation.fingerprints import SKETCH, joined_sketches, sketch
from symbolic_music.corpora.store.manifest import VERSION, LeftOut, Piece, has_segment, write_segment
from symbolic_music.errors import SymbolicMusicError
from symbolic_music.io.files import MAX_BYTES, NOTATION_SUFFIXES
from symbolic_music.score import Score

# Changes when what is made of the same sources does.
_RULES = 2


@dataclass(frozen=True)
class Task:
    """A segment to build.

    Args:
        root: folder of the sources.
        store: folder of the store.
        filter: name of a preset, or empty.
        sketched: whether to keep sketches of the pieces, to find near-duplicates.
        split_of: the split of a SHA-256, for sources without one.
    """

    root: Path
    store: Path
    number: int
    sources: tuple[Source, ...]
    filter: str = ""
    sketched: bool = False
    split_of: Callable[[str], str] | None = None


def build(task: Task) -> int:
    """Write a segment, unless it is there already, made from the same bytes in the same way; returns its number.

    Sources that cannot be read, have no notes, or are filtered out are listed in it with the reason.
    """
    contents: dict[str, bytes | str] = {}
    for name in dict.fromkeys(name for source in task.sources for name in source.files):
        contents[name] = _bytes_of(task.root, name)
    plan = _plan(task, contents)
    if has_segment(task.store, task.number, plan):
        return task.number
    pieces: list[tuple[Piece, Score]] = []
    left_out = []
    for source in task.sources:
        made = _made(task, source, contents)
        if isinstance(made, str):
            left_out.append(LeftOut(source.name, made))
        else:
            pieces.append(made)
    beside = joined_sketches([sketch(score) for _, score in pieces]) if task.sketched else {}
    write_segment(task.store, task.number, plan, pieces, left_out, {f"{SKETCH}.{k}": v for k, v in beside.items()})
    return task.number


def _bytes_of(root: Path, name: str) -> bytes | str:
    """The content of a file of the corpus, or why it cannot be read."""
    if Path(name).is_absolute() or ".." in Path(name).parts:  # a name in metadata may be anything
        return "the file is outside of the corpus"
    try:
        if not (root / name).is_file():  # a pipe would be waited for
            return "the file is missing"
        with (root / name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return f"the file cannot be read ({getattr(error, 'strerror', None) or error})"
    return data if len(data) <= MAX_BYTES else f"the file has more than {MAX_BYTES >> 20} MiB"


def _plan(task: Task, contents: Mapping[str, bytes | str]) -> str:
    """A hash of all that the segment follows from."""
    hashes = {name: data if isinstance(data, str) else sha256(data).hexdigest() for name, data in contents.items()}
    rows: list[Any] = [VERSION, _RULES, task.filter, task.sketched]
    if any(Path(name).suffix.lower() in NOTATION_SUFFIXES for name in contents):
        rows.append(find_spec("music21") is not None)  # what it reads is left out until it is installed
    for source in task.sources:
        split = source.split or (task.split_of(_key(contents[source.files[0]])) if task.split_of else "")
        rows.append([
            source.name, [hashes[name] for name in source.files], split, source.title, source.composer,
            source.license, source.facts, source.refused, source.read.__qualname__,
        ])  # fmt: skip
    return sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _key(data: bytes | str) -> str:
    return sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def _made(task: Task, source: Source, contents: Mapping[str, bytes | str]) -> tuple[Piece, Score] | str:
    """A piece, or the reason for its exclusion."""
    if source.refused:
        return source.refused
    data = [contents[name] for name in source.files]
    for one in data:
        if isinstance(one, str):
            return one
    path = task.root / source.files[0]
    read = [one for one in data if isinstance(one, bytes)]
    try:
        score, facts = source.read(source, path, read)
        reason = _unfit(score, task.filter)
    except SymbolicMusicError as error:
        return _plain(str(error), path)
    except Exception as error:  # one file must not end the run, whatever a reader of another library makes of it
        return _plain(f"{type(error).__name__}: {error}", path)
    if reason:
        return reason
    key = _key(read[0])
    piece = Piece(
        source=source.name,
        sha256=key,
        split=source.split or (task.split_of(key) if task.split_of else ""),
        notes=len(score),
        seconds=round(score.duration, 3),
        license=source.license,
        title=source.title,
        composer=source.composer,
        tracks=tuple(track.name for track in score.tracks),
        problems=score.problems,
        facts={**source.facts, **facts},
    )
    return piece, score


def _unfit(score: Score, preset: str) -> str:
    if not len(score):
        return "no notes"
    if not np.isfinite(score.duration):
        return "no end"
    keep = filters.get(preset)
    return keep(score) if keep else ""


def _plain(text: str, path: Path) -> str:
    """A reason without the path, which differs from machine to machine."""
    return " ".join(text.replace(f"{path}: ", "").replace(str(path), "the file").split())
