"""One process at a time works in a folder: of two that write the same files the slower undoes what the other did."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symbolic_music.errors import SymbolicMusicError


@contextmanager
def held(folder: Path, refusal: SymbolicMusicError) -> Iterator[None]:
    """Hold a folder locked, where the system can; a lock ends with its process, however that ends.

    Args:
        folder: that is there.
        refusal: raised when another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # other errors: a file system without locks
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise refusal from None
        yield
    finally:
        os.close(handle)
