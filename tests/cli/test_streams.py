"""Standard streams that are full, closed or gone, and signals: as a user's shell gives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells, devices and signals of POSIX")
CLI = f"{sys.executable} -m symbolic_music"


def shell(command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, **options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", ["models", "models --json", "--help"])
def test_a_full_standard_output_is_one_line(arguments) -> None:
    done = shell(f"{CLI} {arguments} > /dev/full")
    assert (done.returncode, done.stderr) == (2, "error: cannot write to standard output: No space left on device\n")


def test_a_closed_standard_output_is_one_line() -> None:
    done = shell(f"{CLI} models >&-")
    assert (done.returncode, done.stderr) == (2, "error: cannot write to standard output: Bad file descriptor\n")


@pytest.mark.parametrize("arguments", ["models", "--help"])
def test_a_closed_pipe_is_silence(arguments) -> None:
    done = shell(f"{CLI} {arguments} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode in (0, 141)
    assert done.stderr == ""


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_errors_that_nobody_can_read_still_end_with_2(stderr) -> None:
    assert shell(f"{CLI} info missing.mid {stderr}").returncode == 2


def test_a_closed_standard_input_is_no_matter(song) -> None:
    done = shell(f"{CLI} info {song} <&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_standard_input_that_is_asked_for_is_one_line() -> None:
    done = shell(f"{CLI} info - <&-")
    assert (done.returncode, done.stderr) == (2, "error: standard input: not a MIDI file (no MThd header)\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_hidden_file(quartet, tmp_path, number) -> None:
    song = quartet.write(tmp_path / "song.mid")
    program = (
        "import sys, time\n"
        "from symbolic_music.io import atomic\n"
        "from symbolic_music.cli import entry\n"
        "def run(arguments):\n"
        f"    with atomic.replacing(__import__('pathlib').Path({str(song)!r})) as temporary:\n"
        "        print('now', flush=True)\n"
        "        time.sleep(60)\n"
        "entry._run = run\n"
        "entry.main([])\n"
    )
    before = song.read_bytes()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert os.listdir(tmp_path) == ["song.mid"]
    assert song.read_bytes() == before


def _writes(process: int, folder: Path) -> bool:
    """Whether a process has begun a file in a folder: a hidden one, or on Linux one without a name."""
    if any(name.startswith(".song.wav") for name in os.listdir(folder)):
        return True
    with suppress(OSError):  # no such files on this system, or the process has ended
        links = (os.readlink(link) for link in Path(f"/proc/{process}/fd").iterdir())
        return any(link.startswith(str(folder)) and link.endswith("(deleted)") for link in links)
    return False


def test_a_render_that_is_terminated_leaves_nothing(quartet, tmp_path) -> None:
    song = quartet.write(tmp_path / "song.mid")
    process = subprocess.Popen([*CLI.split(), "render", str(song), "-o", str(tmp_path / "song.wav")])
    until = time.monotonic() + 60
    while not _writes(process.pid, tmp_path):
        if process.poll() is not None or time.monotonic() > until:
            break  # it was done before it was seen: there is a whole file then
        time.sleep(0.001)
    process.terminate()
    process.wait(60)
    assert set(os.listdir(tmp_path)) <= {"song.mid", "song.wav"}
