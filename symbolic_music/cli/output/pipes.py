"""Verbs in pipelines: `-` and FIFOs as input, `-o -` as output."""

from __future__ import annotations

import functools
import io
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import IO, Any

from symbolic_music.errors import FileError, OptionError, SymbolicMusicError

STREAM = Path("-")
MOST_BYTES = 1 << 30
# Parameters that name what is written.
_OUTPUTS = {"output", "store", "folder", "stems", "write_controls", "write_codes", "report",
            "originality_report"}  # fmt: skip
# What a verb writes into a stream; a MIDI file where nothing is said.
_SUFFIXES = {"render": ".wav", "decode": ".wav", "generate_sound": ".wav", "plot": ".png", "info": ".png",
             "tokenize": ".npy", "encode": ".safetensors"}  # fmt: skip
_FOLDERS = {"prepare", "train", "train_voice", "train_codec", "train_flow", "train_transcriber"}
_HEADS = ((b"MThd", ".mid"), (b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"\x93NUMPY", ".npy"), (b"{", ".json"),
          (b"X:", ".abc"), (b"!!!", ".krn"), (b"**kern", ".krn"), (b"<", ".musicxml"),
          (b"\xef\xbb\xbf<", ".musicxml"))  # fmt: skip


def piped(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb, whose inputs may be `-` or FIFOs and whose output may be `-`.

    A piped input is read to its end into a temporary file, which is named by what its first bytes are of. With `-o -`
    the result goes to standard output, and what the verb prints to standard error.
    """

    @functools.wraps(verb)
    def call(**values: Any) -> None:
        out = verb.__name__ not in _FOLDERS and values.get("output") == STREAM
        inputs = {name for name in values if name not in _OUTPUTS and any(map(_is_pipe, _paths(values[name])))}
        if not out and not inputs:
            verb(**values)
            return
        if sum(_paths(value).count(STREAM) for name, value in values.items() if name in inputs) > 1:
            raise OptionError("standard input can be read once: give - once")
        if inputs and verb.__name__ == "encode" and values["output"] is None:
            raise OptionError("name the codes of a piped sound with -o")
        with tempfile.TemporaryDirectory(prefix="symbolic-music-") as folder:
            _run(verb, values, inputs, Path(folder), out)

    return call


def _run(verb: Callable[..., None], values: dict[str, Any], inputs: set[str], folder: Path, out: bool) -> None:
    """Run a verb on files of a temporary folder that stand for pipes; they are not named to the user."""
    names: dict[str, str] = {}

    def spooled(path: Path) -> Path:
        if not _is_pipe(path):
            return path
        kept = _spool(path, folder, len(names))
        names[str(kept)] = "standard input" if path == STREAM else str(path)
        return kept

    for name in inputs:
        value = values[name]
        values[name] = [spooled(path) for path in value] if isinstance(value, list) else spooled(value)
    result = folder / f"result{_SUFFIXES.get(verb.__name__, '.mid')}"
    if out:
        if values.get("count", 1) > 1:
            raise OptionError("standard output takes one result: leave --count out, or name a file with -o")
        if sys.stdout.isatty():
            raise FileError("standard output is a terminal: name a file with -o, or pipe it")
        values["output"], names[str(result)] = result, "standard output"
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            verb(**values)
    except SymbolicMusicError as error:
        error.args = (_renamed(str(error), names),)
        raise
    finally:
        (sys.stderr if out else sys.stdout).write(_renamed(printed.getvalue(), names))
        if out and result.is_file():
            sys.stdout.flush()
            with result.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _paths(value: Any) -> list[Path]:
    return [path for path in (value if isinstance(value, list) else [value]) if isinstance(path, Path)]


def _is_pipe(path: Path) -> bool:
    """Whether this is standard input, a FIFO or a device, which is read once and in order."""
    if path == STREAM:
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _spool(path: Path, folder: Path, number: int) -> Path:
    """Copy a pipe to a file with the suffix of its content."""
    source: IO[bytes]
    with nullcontext(sys.stdin.buffer) if path == STREAM else path.open("rb") as source:
        head = source.read(1 << 16)
        kept = folder / f"input-{number}{path.suffix or _suffix(head)}"
        with kept.open("wb") as file:
            file.write(head)
            while block := source.read(1 << 20):
                file.write(block)
                if file.tell() > MOST_BYTES:
                    raise FileError(f"more than {MOST_BYTES >> 20} MiB come from {path}; name a file")
    return kept


def _suffix(head: bytes) -> str:
    """The suffix for a file with this beginning; MIDI if unknown, since its reader is the most tolerant."""
    if head[:4] == b"RIFF":
        return ".wav" if head[8:12] == b"WAVE" else ".mid"
    if head[:2] == b"PK":
        return ".mxl" if b"META-INF/" in head or b".musicxml" in head or b".xml" in head else ".npz"
    return next((suffix for begin, suffix in _HEADS if head.lstrip().startswith(begin)), ".mid")


def _renamed(text: str, names: dict[str, str]) -> str:
    for kept, name in names.items():
        text = text.replace(kept, name)
    return text
