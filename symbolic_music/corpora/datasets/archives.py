"""Archives of corpora (zip, tar with its compressions), unpacked as untrusted input."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from symbolic_music.errors import CorpusError, FileError
from symbolic_music.io.files import MAX_BYTES, MIDI_SUFFIXES, NOTATION_SUFFIXES

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_WANTED = MIDI_SUFFIXES | NOTATION_SUFFIXES | {".csv", ".json", ".txt", ".xlsx"}
_MOST_FILES = 5_000_000
# LMD unpacks to about four times its archive; text to ten times at most. Small archives may be a little more.
_MOST_TIMES, _AT_LEAST = 30, 256 << 20
_DONE = "unpacked.json"
# Errors of their readers on damaged input; bz2 raises OSError only, zipfile many kinds.
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error,
    EOFError, OSError, LookupError, ValueError, OverflowError, RuntimeError,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether this is a file of a suffix that can be unpacked."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack the music, tables and texts of an archive into a folder, or find them there; returns their root.

    Only plain files are taken, below the folder only, of limited size, number and total. A run that was killed in
    between begins again. Where everything is in one folder, that is the root.

    Raises:
        CorpusError: when it is damaged, or larger than an archive of its size has any reason to be.
    """
    state = {"name": archive.name, "bytes": archive.stat().st_size, "time": archive.stat().st_mtime_ns}
    done, files = folder / _DONE, folder / "files"
    if not _is_done(done, state):
        shutil.rmtree(folder, ignore_errors=True)
        files.mkdir(parents=True)
        _unpack(archive, files)
        _write(done, json.dumps(state).encode())
    root = files
    while len(inside := list(root.iterdir())) == 1 and inside[0].is_dir():
        root = inside[0]
    return root


def _is_done(done: Path, state: dict[str, Any]) -> bool:
    """Whether a file says that this archive has been unpacked; one that cannot be read says nothing."""
    try:
        return bool(json.loads(done.read_bytes()) == state)
    except (OSError, ValueError, RecursionError):
        return False


def _unpack(archive: Path, target: Path) -> None:
    most = max(_AT_LEAST, _MOST_TIMES * archive.stat().st_size)
    try:
        with _members(archive, most) as members:
            for number, (name, content) in enumerate(members):
                if number >= _MOST_FILES:
                    raise CorpusError(f"{archive} has more than {_MOST_FILES:,} files")
                parts = PurePosixPath(name).parts
                if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
                    raise CorpusError(f"{archive} has a file outside of itself: {name!r}")
                if PurePosixPath(name).suffix.lower() not in _WANTED or parts[-1].startswith("."):
                    continue
                # One byte more than is read later: a larger file is refused there, with its name.
                data = content.read(MAX_BYTES + 1)
                most -= len(data)
                if most < 0:
                    raise _Bomb
                _write(target.joinpath(*parts), data)
    except _DAMAGE as error:
        raise CorpusError(f"{archive} is damaged ({error}); download it again") from None
    except _Bomb:
        raise CorpusError(f"{archive} holds more than {_MOST_TIMES} times its size; unpack it yourself") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise FileError(f"cannot unpack {path}: {error.strerror}") from None


class _Bomb(Exception):
    """An archive unpacks to far more than it has reason to."""


@contextmanager
def _members(archive: Path, most: int) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as file:
            yield ((one.filename, file.open(one)) for one in file.infolist() if not one.is_dir())
    else:
        with _decompressed(archive) as stream:
            plain = cast(IO[bytes], _Sparing(stream, most))
            with tarfile.open(fileobj=plain, mode="r:") as file:
                yield ((one.name, content) for one in file if one.isreg() and (content := file.extractfile(one)))
                # tarfile takes what it does not understand for the end: that has to be a block of zeros.
                plain.seek(file.offset)
                if plain.read(512) != bytes(512):
                    raise tarfile.ReadError("it ends in the middle")
                while plain.read(1 << 20):  # to its end, where its checksum is
                    pass


class _Sparing:
    """A stream of which no piece is read that is too large: tarfile reads names of any length at once."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._most:
            raise _Bomb
        return self._stream.read(size)


def _decompressed(archive: Path) -> IO[bytes]:
    name = archive.name.lower()
    if name.endswith((".gz", ".tgz")):
        return cast(IO[bytes], gzip.open(archive))
    if name.endswith(".bz2"):
        return bz2.open(archive)
    return lzma.open(archive) if name.endswith(".xz") else archive.open("rb")
