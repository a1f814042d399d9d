"""Formats that only music21 reads (MEI), as MusicXML: in a separate process with limits of memory and time."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from symbolic_music.errors import MissingExtraError, NotationError

_MOST_BYTES = 4 << 20
_SECONDS = 120
_MEMORY = 3 << 30  # of address space, most of which numerical libraries only reserve
# Standard output is the document, the last line of standard error why there is none.
_PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
except ImportError:
    pass
from music21 import converter
from music21.musicxml.m21ToXml import GeneralObjectExporter
stream = converter.parse(sys.argv[1], forceSource=True)
if "Opus" in stream.classes:
    stream = stream.scores[0]
sys.stdout.buffer.write(GeneralObjectExporter(stream).parse())
"""


def translated_by_music21(path: Path) -> bytes:
    """The MusicXML document that music21 makes of a file.

    Raises:
        MissingExtraError: when music21 is not installed.
        NotationError: when music21 cannot read it, or not within two minutes and the memory that it is given.
    """
    if find_spec("music21") is None:
        raise MissingExtraError("music21", "notation")
    if path.stat().st_size > _MOST_BYTES:
        raise NotationError(f"at most {_MOST_BYTES >> 20} MiB of {path.suffix} are read")
    command = [sys.executable, "-c", _PROGRAM, str(path.resolve()), str(_MEMORY)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise NotationError(f"music21 does not read it within {_SECONDS} s") from None
    if done.returncode or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotationError(f"music21 cannot read it ({(lines or ['no reason given'])[-1][:200]})")
    return done.stdout
