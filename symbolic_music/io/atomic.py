"""Whole files or none: write into a temporary file beside the target, then rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symbolic_music.errors import FileError


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing.

    Raises:
        FileError: when the folder is missing or not writable.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty temporary file beside `path`, to be written; it takes its place at the end, unless something failed.

    Raises:
        FileError: when the folder is missing or not writable.
    """
    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise FileError(f"no such folder: {path.parent}")
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise FileError(f"cannot write {path!s:.80}: {error}") from None
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot write {path!s:.80}: {getattr(error, 'strerror', None) or error}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
