"""Prepare a corpus: list its sources, cut them into segments, build these in parallel, resume after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from symbolic_music.corpora.datasets import archives, filters, registry
from symbolic_music.corpora.datasets.base import Listing
from symbolic_music.corpora.datasets.splits import filled
from symbolic_music.corpora.preparation.fingerprints import SKETCH, split_sketches
from symbolic_music.corpora.preparation.near_duplicates import dedup_splits, groups, leak_report
from symbolic_music.corpora.preparation.segment_builder import Task, build
from symbolic_music.corpora.store.manifest import (
    FOLDER,
    MANIFEST,
    PROBLEMS,
    Piece,
    change_pieces,
    read_about,
    read_manifest,
    write_manifest,
)
from symbolic_music.corpora.store.segments import Segment
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.errors import CorpusError, FileError, OptionError, StoreError
from symbolic_music.io.folder_lock import held
from symbolic_music.parallel import check, run

# Pieces of a segment: enough for columns to be long, few enough for a worker to hold, and for little to be lost.
PIECES = 128
DEDUP = "dedup"
_UNPACKED = ".unpacked"
# The fact of a piece that says which it resembles.
_COPY = "near_duplicate_of"

Progress = Callable[[int, int], None]


def prepare(
    corpus: str,
    source: str | Path,
    store: str | Path,
    *,
    workers: int = 1,
    splits: str = "",
    filter: str = "",
    engine: str = "processes",
    pieces: int = PIECES,
    progress: Progress = lambda done, total: None,
) -> NoteStore:
    """Prepare a corpus as a note store.

        sm.corpora.prepare("folder", "my-midi", "mine.store", splits="90/5/5")

    The store depends only on the corpus and the options: not on workers, engine, machine or interruptions. Existing
    valid segments are kept.

    Args:
        corpus: maestro, lakh, chorales, pop909, groove or folder, or one that was registered (`corpora.register`).
        source: its folder or archive, or for some corpora a file (`maestro`: metadata; `chorales`: the json).
        store: the folder of the store, on a file system shared by all machines of a cluster.
        workers: processes; with the engine ray, what Ray has.
        splits: shares as 90/5/5 (folder, pop909), md5 (lakh), or dedup (lakh, folder): near-duplicates in one split;
            of a folder also with shares, as dedup:80/10/10.
        filter: a name of `filters.PRESETS`; excluded pieces are listed with the reason.
        engine: processes or ray.
        pieces: number of sources in a segment.
        progress: called with the number of segments done and in total.

    Raises:
        UnknownNameError: for a corpus, filter or engine that does not exist.
        OptionError: for splits that the corpus does not have.
        FileError: when the source is missing.
        CorpusError: when the source is not this corpus, nothing in it can be used, a split would be empty, or the
            store's folder has something else in it.
    """
    source, store = Path(source), Path(store)
    data_set = registry.get(corpus)
    check(engine, workers)
    filters.get(filter)
    if not source.exists():
        raise FileError(f"no such file or folder: {source}")
    kind, _, shares = splits.partition(":")
    dedup = kind == DEDUP
    if dedup and not data_set.takes_dedup:
        raise OptionError(f"--splits {DEDUP} is for lakh and folder; {corpus} has splits of its own")
    _check_free(store)
    try:
        store.mkdir(parents=True)
        new = True
    except FileExistsError:
        new = False
    try:
        with held(store, CorpusError(f"another run prepares {store}; wait for it, or stop it")):
            root = archives.unpacked(source, store / _UNPACKED) if archives.is_archive(source) else source
            if root.is_file() and not data_set.takes_file:
                raise FileError(f"{source} is a file; name the folder of the corpus, or an archive of it")
            listing = data_set.listing(root, shares if dedup else splits)
            if not listing.sources:
                raise CorpusError(f"{source} lists no pieces")
            _check_filled(dict(zip(map(str, range(len(listing.sources))), listing.wanted, strict=False)), listing)
            options = {**listing.options, "filter": filter, "pieces_a_segment": pieces}
            if dedup:
                options["splits"] = f"{DEDUP} ({listing.options['splits']})"
            _check_same(store, corpus, options)
            _build(_tasks(listing, store, filter, dedup, pieces), engine, workers, progress)
            _finish(store, corpus, options, listing, -(-len(listing.sources) // pieces), dedup)
    finally:
        if new:
            _remove_empty(store)
    return NoteStore(store)


def _tasks(listing: Listing, store: Path, preset: str, sketched: bool, pieces: int) -> list[Task]:
    cuts = range(0, len(listing.sources), pieces)
    root, store = listing.root.resolve(), store.resolve()
    return [
        Task(root, store, number, listing.sources[at : at + pieces], preset, sketched, listing.split_of)
        for number, at in enumerate(cuts)
    ]


def _build(tasks: Sequence[Task], engine: str, workers: int, progress: Progress) -> None:
    progress(0, len(tasks))
    done = run(build, tasks, workers, engine)
    for count, _ in enumerate(done, start=1):
        progress(count, len(tasks))


def _finish(store: Path, corpus: str, options: dict[str, Any], listing: Listing, segments: int, dedup: bool) -> None:
    """The manifest, after what can only be known when all segments are there."""
    facts = {"duplicates": _keep_together(store, listing, segments)} if dedup else {}
    if not any(read_about(store, number)["pieces"] for number in range(segments)):
        reasons = sorted({one["reason"] for number in range(segments) for one in read_about(store, number)["left_out"]})
        if not (store / MANIFEST).exists():  # else what it lists is still there, in part beside the segments
            shutil.rmtree(store / FOLDER)
        raise CorpusError(f"nothing in {listing.root} can be used: {'; '.join(reasons[:3])}")
    if listing.wanted:
        _fill_splits(store, listing, segments, dedup)
    write_manifest(store, segments, corpus, options, facts)
    shutil.rmtree(store / _UNPACKED, ignore_errors=True)
    for name in (MANIFEST, PROBLEMS):
        for left in store.glob(f".{name}.*"):  # of a run that was killed while it wrote it
            left.unlink()


def _fill_splits(store: Path, listing: Listing, segments: int, dedup: bool) -> None:
    """Give each split that is wanted a piece at least; CorpusError when there are too few pieces for that."""
    pieces = [piece for number in range(segments) for piece in change_pieces(store, number, lambda piece: piece)]
    hashes = {piece.source: piece.sha256 for piece in pieces}
    # Equal pieces and near-duplicates stay together.
    keys = {piece.source: hashes.get(str(piece.facts.get(_COPY)), piece.sha256) for piece in pieces}
    # A segment that was there before may have been filled for fewer pieces: what counts is the piece's own split.
    given = {source.name: source.split for source in listing.sources}

    def own(piece: Piece) -> str:
        if dedup or listing.split_of is None:  # drawn anew a moment ago, or given
            return piece.split
        return given[piece.source] or listing.split_of(piece.sha256)

    before = {keys[piece.source]: own(piece) for piece in pieces}
    after = filled(before, listing.wanted)
    _check_filled(after, listing)
    moved = {piece.source: after[keys[piece.source]] for piece in pieces if after[keys[piece.source]] != piece.split}
    for number in range(segments) if moved else ():
        change_pieces(store, number, lambda piece: replace(piece, split=moved.get(piece.source, piece.split)))


def _check_filled(groups: Mapping[str, str], listing: Listing) -> None:
    """Refuse splits of which one stays empty; `groups` has the split of each piece, or of each set of equal ones."""
    empty = [name for name in listing.wanted if name not in groups.values()]
    if empty:
        found = "one piece" if len(groups) == 1 else f"{len(groups)} different pieces"
        raise CorpusError(
            f"{listing.root} has {found} that can be used for {len(listing.wanted)} splits: "
            f"{' and '.join(empty)} would be empty; add pieces, or give such a split a share of 0, as --splits 100/0/0"
        )


def _keep_together(store: Path, listing: Listing, segments: int) -> dict[str, Any]:
    """Change the splits of the pieces so that near-duplicates are in one; what there was to find."""
    assert listing.split_of is not None
    pieces: list[Piece] = []
    sketches = []
    for number in range(segments):
        segment = Segment(store / FOLDER / f"{number:05}.safetensors")
        sketches += split_sketches(segment.beside(f"{SKETCH}.hashes"), segment.beside(f"{SKETCH}.start"))
        pieces += change_pieces(store, number, lambda piece: piece)
    given = {source.name: source.split for source in listing.sources}
    keys = [piece.sha256 for piece in pieces]
    plain = [given[piece.source] or listing.split_of(piece.sha256) for piece in pieces]
    first = groups(sketches, keys)
    final = dedup_splits(first, keys, plain, listing.split_of)
    changes = {
        piece.source: (split, pieces[at].source if at != place else "")
        for place, (piece, split, at) in enumerate(zip(pieces, final, first.tolist(), strict=True))
    }

    def changed(piece: Piece) -> Piece:
        split, original = changes[piece.source]
        facts = {name: fact for name, fact in piece.facts.items() if name != _COPY}
        return replace(piece, split=split, facts={**facts, _COPY: original} if original else facts)

    for number in range(segments):
        change_pieces(store, number, changed)
    return {"plain_splits": leak_report(first, plain), "splits": leak_report(first, final)}


def _check_free(store: Path) -> None:
    """Refuse a folder with anything in it that is not of a store."""
    if store.exists() and not store.is_dir():
        raise FileError(f"{store} is a file; name a folder for the store")
    if store.is_dir() and not ((store / MANIFEST).is_file() and (store / FOLDER).is_dir()):
        ours = (FOLDER, MANIFEST, PROBLEMS) if (store / FOLDER).is_dir() else ()
        others = [p.name for p in store.iterdir() if p.name not in ours and not p.name.startswith(".")]
        if others:
            raise CorpusError(f"{store} is not empty and no note store ({others[0]}); name a new folder")


def _check_same(store: Path, corpus: str, options: dict[str, Any]) -> None:
    """Refuse to turn a store into another one, unless it is unfinished or damaged."""
    if not (store / MANIFEST).is_file():
        return
    try:
        before = read_manifest(store)
    except StoreError:
        return
    if before["corpus"] != corpus or before["options"] != options:
        was = ", ".join(f"{name} {value}" for name, value in before["options"].items() if options.get(name) != value)
        what = before["corpus"] + (f" prepared with {was}" if was else "")
        raise CorpusError(f"{store} holds {what}; name another folder, or delete it")


def _remove_empty(store: Path) -> None:
    """Take away the folder that this run made, when it has built nothing."""
    with suppress(OSError):  # there are segments
        (store / FOLDER).rmdir()
    if not (store / FOLDER).is_dir():
        shutil.rmtree(store / _UNPACKED, ignore_errors=True)
        with suppress(OSError):  # another run has begun in it
            store.rmdir()
