"""kill -9 while a file is written: what was there stays, or the new one is whole. `benchmarks/robustness.py` does it to
every verb that writes, at random moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
# Writes versions of a file again and again: a megabyte of one letter each.
WRITES = """
import itertools, sys
from pathlib import Path
from symbolic_music.io.atomic import replacing
path = Path(sys.argv[1])
for letter in itertools.cycle(b"abcdefgh"):
    with replacing(path) as temporary, temporary.open("wb") as file:
        for _ in range(64):
            file.write(bytes([letter]) * 16384)
    print(flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path) -> None:
    path, rng = tmp_path / "out.bin", random.Random(0)
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.random() * 0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.stdout.read()
        data = path.read_bytes()
        assert len(data) == 1 << 20
        assert len(set(data)) == 1


@pytest.fixture(scope="module")
def verbs(tmp_path_factory):
    """The benchmark, and what each verb that writes does in a folder of inputs."""
    sys.path.insert(0, str(BENCHMARKS))
    import robustness

    folder = tmp_path_factory.mktemp("verbs")
    robustness.warm()
    yield robustness, robustness.verbs(folder), folder / "out"
    sys.path.remove(str(BENCHMARKS))


def test_each_verb_that_writes_leaves_whole_files(verbs) -> None:
    robustness, lines, folder = verbs
    rng = random.Random(1)
    for verb, (arguments, outputs) in lines.items():
        found = robustness.killed_verb(verb, arguments, folder, outputs, 1, rng)
        assert (found.kills, found.lost) == (1, 0), verb
