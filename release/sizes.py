"""What the files of a wheel take, compressed, by content."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from pathlib import Path


def content(name: str) -> str:
    """What a file of the wheel belongs to."""
    parts = name.split("/")
    if parts[0].endswith(".dist-info"):
        return "metadata and licences"
    if "weights" in parts:
        return f"weights: {parts[-2]}"
    return "studio page" if "static" in parts else "code"


def of_wheel(wheel: Path) -> dict[str, float]:
    """Compressed megabytes by content, the largest first."""
    found = Counter[str]()
    with zipfile.ZipFile(wheel) as packed:
        for one in packed.infolist():
            found[content(one.filename)] += one.compress_size
    return {name: size / 1e6 for name, size in found.most_common()}


def of_package(package: Path) -> dict[str, float]:
    """The same for the folder of a package, compressed as a wheel compresses its files."""
    found = Counter[str]()
    for one in sorted(package.rglob("*")):
        if one.is_file() and "__pycache__" not in one.parts:
            squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            size = len(squeeze.compress(one.read_bytes())) + len(squeeze.flush())
            found[content(f"{package.name}/{one.relative_to(package).as_posix()}")] += size
    return {name: size / 1e6 for name, size in found.most_common()}
