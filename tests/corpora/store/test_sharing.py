"""One store, many readers: threads, forked and spawned processes, and a writer that adds pieces meanwhile."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from symbolic_music.corpora.preparation.pipeline import prepare
from symbolic_music.corpora.store import store as module
from symbolic_music.corpora.store.store import NoteStore
from symbolic_music.score import Score, note_table

PIECES = 12


def tune(number: int) -> Score:
    """A piece that tells which it is."""
    steps = np.random.default_rng(number).integers(0, 40, 40)
    return Score(notes=note_table([(240 * i, 200, 40 + int(step)) for i, step in enumerate(steps)]))


def add(folder: Path, numbers: range) -> None:
    """These pieces as files."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        tune(number).write(folder / f"{number:03d}.mid")


def mistaken(store: NoteStore, order: np.ndarray) -> list[str]:
    """Pieces that are not what their file was, read in this order."""
    pairs = [(store.piece(i).source, store.music(i).notes["pitch"]) for i in order.tolist()]
    wanted = {f"{n:03d}.mid": tune(n).notes["pitch"] for n in range(2 * PIECES)}
    return [source for source, pitches in pairs if not np.array_equal(wanted[Path(source).name], pitches)]


def read_often(path: Path, seed: int) -> tuple[int, list[str]]:
    """Open a store and read all of it, again and again: how many pieces there were at last, and what was wrong."""
    rng, wrong, size = np.random.default_rng(seed), list[str](), 0
    for _ in range(10):
        store = NoteStore(path)
        assert len(store) >= size
        size = len(store)
        wrong += mistaken(store, rng.permutation(size))
    return size, wrong


@pytest.fixture
def path(tmp_path: Path) -> Path:
    add(tmp_path / "midi", range(PIECES))
    prepare("folder", tmp_path / "midi", tmp_path / "store", pieces=1)
    return tmp_path / "store"


def test_threads_share_a_store_that_holds_few_segments(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_OPEN", 2)
    monkeypatch.setattr(module, "_MOST_DESCRIBED", 1)
    before, store = sys.getswitchinterval(), NoteStore(path)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            orders = [np.random.default_rng(seed).permutation(np.repeat(np.arange(PIECES), 4)) for seed in range(16)]
            assert not any(pool.map(mistaken, [store] * 16, orders))
    finally:
        sys.setswitchinterval(before)
    assert len(store._open) <= 2 + 8


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_processes_share_a_store(path: Path, start: str) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {start} here")
    store = NoteStore(path)
    assert not mistaken(store, np.arange(PIECES))  # opened before, so that a fork inherits its maps
    with multiprocessing.get_context(start).Pool(2) as pool:
        assert pool.starmap(mistaken, [(store, np.arange(PIECES)[::step]) for step in (1, -1)]) == [[], []]


def test_readers_see_whole_stores_while_pieces_are_added(path: Path) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        reading = [pool.submit(read_often, path, seed) for seed in range(4)]
        for count in range(PIECES + 2, 2 * PIECES + 1, 2):
            add(path.parent / "midi", range(count - 2, count))
            prepare("folder", path.parent / "midi", path, pieces=1)
        found = [future.result(timeout=300) for future in reading]
    assert [wrong for _, wrong in found] == [[]] * 4
    assert all(PIECES <= size <= 2 * PIECES for size, _ in found)
    assert read_often(path, 0) == (2 * PIECES, [])
