"""Write files atomically: into a temporary file in the same folder, then rename.

On Linux that file has no name before it is whole, so that a process that is killed leaves nothing.
A file that is replaced keeps its mode and, where the system allows it, its owner; a symbolic link is followed, so that
what it names is replaced and the link stays; devices and FIFOs are written into. The process' umask is never changed:
it belongs to all threads.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from symbolic_music.errors import FileError

# Bytes of the target's name in a temporary one; most file systems hold names of up to 255.
_NAME_BYTES = 200
_DESCRIPTORS = "/proc/self/fd"  # where Linux shows the open files of a process


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing.

    Raises:
        FileError: when the folder is missing or not writable, or the file is write-protected.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty temporary file beside `path`, to be written; it takes its place at the end, unless something failed.

    Raises:
        FileError: when the folder is missing or not writable, or the file is write-protected.
    """
    try:
        target = Path(os.path.realpath(path))
        before = _state(target)
        if before is not None and stat.S_ISDIR(before.st_mode):
            raise FileError(f"{path} is a folder; name a file")
        if before is not None and not stat.S_ISREG(before.st_mode):
            with _poured(path) as temporary:
                yield temporary
            return
        if not target.parent.is_dir():
            raise FileError(f"no such folder: {target.parent if path.is_symlink() else path.parent}")
        if before is not None and not os.access(target, os.W_OK):
            raise FileError(f"{path} is write-protected; name another file")
        unnamed = _unnamed(target.parent)
        with _beside(target, before) if unnamed is None else _nameless(unnamed, target, before) as temporary:
            yield temporary
    except (OSError, ValueError) as error:  # a name too long, a zero byte, a full disk
        raise FileError(f"cannot write {path!s:.80}: {getattr(error, 'strerror', None) or error}") from None


def _state(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _unnamed(folder: Path) -> int | None:
    """A file without a name on the file system of a folder; None where the system has none."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_DESCRIPTORS):
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # a file system without them, or one that cannot be written to, as making a named one then says
        return None


@contextmanager
def _nameless(file: int, target: Path, before: os.stat_result | None) -> Iterator[Path]:
    """A path to a file without a name, which gets the target's at the end, and is gone when that is not reached."""
    try:
        path = Path(f"/proc/{os.getpid()}/fd/{file}")
        yield path
        if before is not None:
            _restore(path, before)
        else:
            with suppress(FileExistsError):  # made by others in the meantime
                _named(file, target)
                return
        temporary = _hidden(target)
        try:
            _named(file, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    finally:
        os.close(file)


def _named(file: int, path: Path) -> None:
    """Give a file without a name one: linkat, which follows the link in /proc, is called for a folder's descriptor."""
    here = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.link(str(file), path, src_dir_fd=here, follow_symlinks=True)
    finally:
        os.close(here)


def _hidden(target: Path) -> Path:
    kept = os.fsdecode(os.fsencode(target.name)[:_NAME_BYTES])
    return target.parent / f".{kept}.{secrets.token_hex(6)}"


@contextmanager
def _beside(target: Path, before: os.stat_result | None) -> Iterator[Path]:
    """A hidden file in the target's folder that is renamed to it, or removed."""
    # Named before it is made: a signal between the two leaves no unknown file.
    temporary = _hidden(target)
    try:
        # The system takes the umask off this mode.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        if before is not None:
            _restore(temporary, before)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _restore(temporary: Path, before: os.stat_result) -> None:
    """Give a new file the owner and the mode that the old one had."""
    now = temporary.stat()
    if hasattr(os, "chown") and (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(OSError):  # only root may give files away
            os.chown(temporary, before.st_uid, before.st_gid)
    os.chmod(temporary, stat.S_IMODE(before.st_mode))


@contextmanager
def _poured(path: Path) -> Iterator[Path]:
    """A temporary file elsewhere, whose bytes go into a device or FIFO at the end."""
    with tempfile.TemporaryDirectory(prefix="symbolic-music-") as folder:
        temporary = Path(folder, path.name)
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, path.open("wb") as sink:
            shutil.copyfileobj(source, sink)
