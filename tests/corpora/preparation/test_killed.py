"""Runs that are killed lose nothing, and leave no processes behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symbolic_music.corpora.store.store import NoteStore
from tests.corpora.example_files import album, files, transposed, tune, write

# With one worker a segment is followed by a pause: the run is still going when the test looks, however slow it looks.
_RUN = """
import sys, time
from symbolic_music.corpora.preparation.pipeline import prepare
if __name__ == "__main__":
    source, store, workers, splits = sys.argv[1:]
    prepare("folder", source, store, workers=int(workers), splits=splits, pieces=3,
            progress=lambda done, total: time.sleep(0.02))
"""
_SEGMENTS = 40
_AS_THE_COMMAND_LINE = """import signal, sys, time
def stop(*arguments):
    sys.exit(130)
if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
"""


@pytest.fixture
def run(tmp_path: Path):
    script = tmp_path / "run.py"
    script.write_text(_RUN)

    def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, script, *map(str, arguments)], stderr=subprocess.DEVNULL)

    return start


def built(store: Path) -> dict[str, int]:
    """Segments that are there, and when they were written."""
    return {p.name: p.stat().st_mtime_ns for p in (store / "segments").glob("[0-9]*.json")}


def killed(process: subprocess.Popen[bytes], store: Path, segments: int, later: float) -> bool:
    """Kill a run some time after there are so many segments; whether it was still running."""
    while process.poll() is None and len(built(store)) < segments:
        time.sleep(0.001)
    time.sleep(later)
    process.kill()
    process.wait()
    return process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_at_ten_random_moments_it_ends_the_same(run, tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 3 * _SEGMENTS), tmp_path / "store"
    moments = random.Random(1)
    kills = 0
    for workers in (1, 2, 1, 1, 2, 1, 1, 2, 1, 1):
        kept = built(store)
        at = min(_SEGMENTS - 8, len(kept) + moments.randint(1, 4))
        kills += killed(run(source, store, workers, "90/5/5"), store, at, moments.uniform(0, 0.03))
        # What was there is there still, and was not made again.
        assert kept.items() <= built(store).items()
    assert kills >= 7
    assert run(source, store, 2, "90/5/5").wait() == 0
    assert run(source, tmp_path / "fresh", 1, "90/5/5").wait() == 0
    assert files(store) == files(tmp_path / "fresh")
    assert len(built(store)) == _SEGMENTS


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_while_near_duplicates_are_brought_together(run, tmp_path: Path) -> None:
    source = album(tmp_path / "music", 3 * _SEGMENTS - 6)
    write(source, {f"again/{n}.mid": transposed(tune(n), 3) for n in range(6)})
    store = tmp_path / "store"
    for at, later in ((20, 0.0), (_SEGMENTS, 0.0), (_SEGMENTS, 0.04), (_SEGMENTS, 0.08)):
        killed(run(source, store, 1, "dedup"), store, at, later)
    assert run(source, store, 2, "dedup").wait() == 0
    assert run(source, tmp_path / "fresh", 1, "dedup").wait() == 0
    assert files(store) == files(tmp_path / "fresh")
    assert NoteStore(store).manifest["duplicates"]["plain_splits"]["groups"] == 6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is read")
def test_workers_end_with_a_parent_that_is_killed(run, tmp_path: Path) -> None:
    source, store = album(tmp_path / "music", 3 * _SEGMENTS), tmp_path / "store"
    process = run(source, store, 2, "90/5/5")
    while not built(store):
        assert process.poll() is None
        time.sleep(0.001)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    process.kill()
    process.wait()
    waited = time.monotonic()
    while any(alive(child) for child in children) and time.monotonic() < waited + 60:
        time.sleep(0.01)
    assert not [child for child in children if alive(child)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is read")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_whole_group_are_the_parents(tmp_path: Path, number: signal.Signals) -> None:
    source = album(tmp_path / "music", 3 * _SEGMENTS)
    script = tmp_path / "run.py"
    script.write_text(_RUN.replace("import sys, time", _AS_THE_COMMAND_LINE))
    process = subprocess.Popen(
        [sys.executable, script, source, tmp_path / "store", "2", "90/5/5"], stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(children.read_text().split()) < 3:  # they are still on their way to their first task
        assert process.poll() is None
        time.sleep(0.001)
    time.sleep(0.1)
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == b""


def alive(child: str) -> bool:
    """Whether this process still runs; one that waits to be collected does not."""
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
