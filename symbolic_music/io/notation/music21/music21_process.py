"""Formats that only music21 reads (MEI), as MusicXML: in a separate process with limits of memory and time."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from symbolic_music.errors import MissingExtraError, NotationError
from symbolic_music.io.notation.musicxml.bounded_xml import as_utf8, parse_xml

_MOST_BYTES = 4 << 20
# Seconds of processor time; by the clock ten times that, on a machine that is busy otherwise. music21 itself starts in
# one or two, and takes 1 to 2 a MB of what Verovio and MuseScore write.
MAX_SECONDS = 15
_SECONDS_TO_START, _SECONDS_A_MEGABYTE = 6, 2
MAX_MEMORY = 500 << 20  # of data
_MOST_ADDRESSES = 3 << 30  # where data alone cannot be limited; numerical libraries reserve most of these
# Without memory Python raises the first, extension modules and the loader of libraries one of the others.
_SIGNS_OF_NO_MEMORY = (b"MemoryError", b"without setting an exception", b"without exception set", b"allocate memory")
_TOO_LONG = "music21 does not read it within {} s of processor time"
# Standard output is the document, the last line of standard error why there is none.
_PROGRAM = Path(__file__).with_name("translating.py")


def seconds_for(size: int) -> int:
    """Seconds of processor time that a file of this size in bytes may take, at most `MAX_SECONDS`."""
    return min(MAX_SECONDS, _SECONDS_TO_START + math.ceil(_SECONDS_A_MEGABYTE * size / 1e6))


def translated_by_music21(path: Path) -> bytes:
    """The MusicXML document that music21 makes of a file.

    Raises:
        MissingExtraError: when music21 is not installed.
        NotationError: when it is no MEI, when music21 cannot read it, or not within `seconds_for` it and `MAX_MEMORY`.
    """
    if find_spec("music21") is None:
        raise MissingExtraError("music21", "notation")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise NotationError(f"at most {_MOST_BYTES >> 20} MiB of {path.suffix} are read")
    _check(path.read_bytes())
    seconds = seconds_for(size)
    limits = map(str, (seconds, MAX_MEMORY, _MOST_ADDRESSES))
    command = [sys.executable, "-P", str(_PROGRAM), str(path.resolve()), *limits]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a thread reserves memory
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=10 * seconds, check=False, stdin=subprocess.DEVNULL, env=alone
        )
    except subprocess.TimeoutExpired:
        raise NotationError(_TOO_LONG.format(seconds)) from None
    if sys.platform != "win32" and done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise NotationError(_TOO_LONG.format(seconds))
    if any(sign in done.stderr for sign in _SIGNS_OF_NO_MEMORY):
        raise NotationError(f"music21 needs more than {MAX_MEMORY >> 20} MiB of memory for it")
    if done.returncode or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotationError(f"music21 cannot read it ({(lines or ['no reason given'])[-1][:200]})")
    return done.stdout


def _check(data: bytes) -> None:
    """NotationError, without a process, for what is no XML within its bounds or holds no score."""
    root, _ = parse_xml(as_utf8(data))
    names = {element.tag.rpartition(":")[2] for element in root.iter()}
    missing = [name for name in ("music", "score", "scoreDef", "staffDef") if name not in names]
    if missing:
        raise NotationError(f"it is no MEI with music: it has no <{missing[0]}>")
