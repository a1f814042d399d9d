"""Ids as files and as text."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbolic_music.errors import FileError
from symbolic_music.io.atomic import write_bytes
from symbolic_music.io.files import check_readable

Ids = NDArray[Any] | list[NDArray[Any]]
_SINGLE, _TRACK = "ids", "track_"
# In one file, all tracks and fields together: more than a million notes in any encoding of one field. Decoding takes
# some 70 bytes an id, and a small .npz can promise any number.
MAX_IDS = 1 << 22
_MAX_TRACKS = 1 << 16


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
    """Load ids written by `save`. Nothing is unpickled; archives are checked for type and size before unpacking.

    Raises:
        FileError: when the file is missing, is not a NumPy file, or does not contain integers, at most 4,194,304.
    """
    check_readable(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"PK"
        return _packed(path) if packed else _single(path)
    except FileError:
        raise
    except Exception:  # a damaged header or archive makes NumPy and zipfile raise a dozen kinds
        raise FileError(f"{path} is not a file of ids as tokenize writes it (.npy or .npz)") from None


def _single(path: Path) -> NDArray[Any]:
    """Load a .npy file."""
    # Mapped, a header that promises more than the file holds is an error and not a huge allocation.
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    _check(path, mapped.dtype, mapped.size)
    return np.array(mapped)


def _packed(path: Path) -> Ids:
    """Load a .npz file: names first, then the headers of all arrays, then the arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        single = list(members) == [_SINGLE]
        names = [_SINGLE] if single else [f"{_TRACK}{i}" for i in range(len(members))]
        if (
            not members
            or len(members) > _MAX_TRACKS
            or len(members) != len(archive.infolist())
            or members.keys() != set(names)
        ):
            raise FileError(
                f"{path} holds neither `{_SINGLE}` nor `{_TRACK}0`, `{_TRACK}1`, ...; write it with tokenize -o"
            )
        total = 0
        for name in names:
            total += _promised(path, archive, members[name])
            _check(path, np.dtype(int), total)
        arrays = [_unpacked(archive, members[name]) for name in names]
    return arrays[0] if single else arrays


def _promised(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """How many ids a member holds, from its header. ValueError when the archive says another size."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("NumPy packs with deflate; others unpack without bound")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read_header[version](file)
        size = math.prod(shape)
        _check(path, dtype, size)
        if info.file_size != file.tell() + size * dtype.itemsize:
            raise ValueError("the sizes of header and archive differ")
    return size


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _check(path: Path, dtype: np.dtype[Any], size: int) -> None:
    if dtype.hasobject:
        raise ValueError("objects are pickled")
    if dtype.kind not in "iu":
        raise FileError(f"{path} holds {dtype}, not whole numbers")
    if size > MAX_IDS:
        raise FileError(f"{path} holds {size:,} ids; at most {MAX_IDS:,} are read")


def count(ids: Any) -> int:
    """How many ids (words, where they have several fields) there are in all."""
    return sum(len(a) for a in ids) if isinstance(ids, list) else len(ids)


def lists(ids: Any) -> list[Any]:
    """Convert ids to nested lists, for JSON."""
    return [a.tolist() for a in ids] if isinstance(ids, list) else ids.tolist()


def text(ids: Any) -> str:
    """Ids separated by spaces on one line; words of several fields one a line; a block a track."""
    if isinstance(ids, list):
        return ("\n\n" if any(a.ndim > 1 for a in ids) else "\n").join(text(a) for a in ids)
    if ids.ndim == 1:
        return " ".join(map(str, ids.tolist()))
    return "\n".join(" ".join(map(str, word)) for word in ids.tolist())
