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


# In a process of its own, which forks: it has no thread but one.
KILLS = """
import random, sys, tempfile
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import robustness
with tempfile.TemporaryDirectory() as name:
    folder, rng = Path(name), random.Random(1)
    robustness.warm()
    known = robustness.verbs(folder)
    for verb in ("infill", "render, stems", "plot", "tokenize", "compare", "transpose"):
        arguments, outputs = known[verb]
        found = robustness.killed_verb(verb, arguments, folder / "out", outputs, 1, rng)
        assert (found.kills, found.lost) == (1, 0), verb
    print("whole")
"""


def test_a_verb_of_each_kind_of_output_leaves_whole_files() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", KILLS, str(root), str(root / "benchmarks")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
    assert done.stdout == "whole\n"
