"""Ids as files and as text."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import FileError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.files import check_readable

Ids = NDArray[Any] | list[NDArray[Any]]
_SINGLE, _TRACK = "ids", "track_"


def check_name(path: Path) -> None:
    """FileError when ids cannot be written to a file of this suffix."""
    if path.suffix.lower() not in (".npy", ".npz"):
        raise FileError(f"cannot write ids to {path.name}: name it .npy or .npz")


def save(path: Path, ids: Any) -> None:
    """Write ids: one array to .npy, or as `ids` to .npz; a list of them as track_0, track_1, ... to .npz.

    Raises:
        FileError: for a list and .npy, which holds one array, and where the file cannot be written.
    """
    check_name(path)
    buffer = io.BytesIO()
    if path.suffix.lower() == ".npz":
        arrays = {f"{_TRACK}{i}": a for i, a in enumerate(ids)} if isinstance(ids, list) else {_SINGLE: ids}
        np.savez_compressed(buffer, **arrays)
    elif isinstance(ids, list):
        raise FileError(f"this preset gives one array a track, and .npy holds one array: name it {path.stem}.npz")
    else:
        np.save(buffer, ids, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def load(path: Path) -> Ids:
    """What `save` wrote. Nothing is unpickled.

    Raises:
        FileError: when the file is missing, is none of NumPy's, or does not hold whole numbers.
    """
    check_readable(path)
    try:
        # Mapped, a header that promises more than the file holds is an error and not a huge allocation.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _whole(path, np.array(loaded))
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (ValueError, EOFError, OSError, MemoryError, zipfile.BadZipFile, zlib.error):
        raise FileError(f"{path} is not a file of ids as tokenize writes it (.npy or .npz)") from None
    return _arrays(path, arrays)


def _arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> Ids:
    if set(arrays) == {_SINGLE}:
        return _whole(path, arrays[_SINGLE])
    names = [f"{_TRACK}{i}" for i in range(len(arrays))]
    if not arrays or set(arrays) != set(names):
        raise FileError(
            f"{path} holds neither `{_SINGLE}` nor `{_TRACK}0`, `{_TRACK}1`, ...; write it with tokenize -o"
        )
    return [_whole(path, arrays[name]) for name in names]


def _whole(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "iu":
        raise FileError(f"{path} holds {array.dtype}, not whole numbers")
    return array


def count(ids: Any) -> int:
    """How many ids (words, where they have several fields) there are in all."""
    return sum(len(a) for a in ids) if isinstance(ids, list) else len(ids)


def lists(ids: Any) -> list[Any]:
    """As nested lists, for JSON."""
    return [a.tolist() for a in ids] if isinstance(ids, list) else ids.tolist()


def text(ids: Any) -> str:
    """Ids separated by spaces on one line; words of several fields one a line; a block a track."""
    if isinstance(ids, list):
        return ("\n\n" if any(a.ndim > 1 for a in ids) else "\n").join(text(a) for a in ids)
    if ids.ndim == 1:
        return " ".join(map(str, ids.tolist()))
    return "\n".join(" ".join(map(str, word)) for word in ids.tolist())
