"""Where the corpora are on this machine. None is part of the project: see data/README.md."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
VARIABLE = "SYMBOLIC_MUSIC_DATA"


def corpora_root() -> Path:
    """The folder of all corpora: the environment variable's, or ../shared/data beside the repository."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else REPOSITORY.parent / "shared" / "data"


def corpus_dir(name: str) -> Path:
    """The folder of a corpus; an archive NAME.tar.xz is unpacked once, into the temporary folder.

    The calling test is skipped, with the reason, where there is neither.
    """
    root = corpora_root()
    if (root / name).is_dir():
        return root / name
    archive = root / f"{name}.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no corpus {name} in {root}; {VARIABLE} names another folder")
    return _unpacked(archive, name)


def _unpacked(archive: Path, name: str) -> Path:
    size = archive.stat().st_size
    cache = Path(tempfile.gettempdir()) / f"symbolic-music-corpora-{os.getuid()}"
    target = cache / f"{name}-{size}"
    if target.is_dir():
        return target
    cache.mkdir(mode=0o700, exist_ok=True)
    # Several test processes may unpack at once: each unpacks for itself, the first to finish renames.
    own = Path(tempfile.mkdtemp(dir=cache))
    try:
        with tarfile.open(archive) as file:
            file.extractall(own, filter="data")
        try:
            (own / name).rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return target
