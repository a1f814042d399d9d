"""Archives of corpora on the web, verified by their SHA-256 after download.

MAESTRO 3's and Groove's sums are those of their pages at magenta.withgoogle.com/datasets; the others are those that
several projects measured and check against. None was downloaded by us.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from symbolic_music.errors import CorpusError, FileError, UnknownNameError

_MAGENTA = "https://storage.googleapis.com/magentadata/datasets"
_LAKH = "http://hog.ee.columbia.edu/craffel/lmd"
_BLOCK, _TIMEOUT = 1 << 18, 60


@dataclass(frozen=True)
class Archive:
    """The URL of an archive, with its hash. `bytes` is 0 if the length is unknown."""

    url: str
    sha256: str
    bytes: int = 0


ARCHIVES: dict[str, dict[str, Archive]] = {
    "maestro": {
        "v3.0.0": Archive(
            f"{_MAGENTA}/maestro/v3.0.0/maestro-v3.0.0-midi.zip",
            "70470ee253295c8d2c71e6d9d4a815189e35c89624b76d22fce5a019d5dde12c",
            58_416_533,
        ),
        "v2.0.0": Archive(
            f"{_MAGENTA}/maestro/v2.0.0/maestro-v2.0.0-midi.zip",
            "ec2cc9d94886c6b376db1eaa2b8ad1ce62ff9f0a28b3744782b13163295dadf3",
            59_243_107,
        ),
        "v1.0.0": Archive(
            f"{_MAGENTA}/maestro/v1.0.0/maestro-v1.0.0-midi.zip",
            "f620f9e1eceaab8beea10617599add2e9c83234199b550382a2f603098ae7135",
            46_579_421,
        ),
    },
    "lakh": {
        "full": Archive(
            f"{_LAKH}/lmd_full.tar.gz",
            "6fcfe2ac49ca08f3f214cec86ab138d4fc4dabcd7f27f491a838dae6db45a12b",
            1_768_163_879,
        ),
        "matched": Archive(
            f"{_LAKH}/lmd_matched.tar.gz",
            "621ff830aed771f469e5bfa13dc12a33c6ed69090adeda63d0b5c47783af0191",
            1_407_072_670,
        ),
    },
    "groove": {
        "v1.0.0": Archive(
            f"{_MAGENTA}/groove/groove-v1.0.0-midionly.zip",
            "651cbc524ffb891be1a3e46d89dc82a1cecb09a57c748c7b45b844c4841dcc1e",
        )
    },
}


def find(corpus: str, release: str) -> Archive:
    """The archive of a release; UnknownNameError says which there are."""
    releases = ARCHIVES.get(corpus)
    if releases is None:
        raise UnknownNameError(f"{corpus} has no download; there are: {', '.join(ARCHIVES)}")
    if release not in releases:
        raise UnknownNameError(f"no release {release!r} of {corpus}; there are: {', '.join(releases)}")
    return releases[release]


def fetch(archive: Archive, folder: Path, progress: Callable[[float], None] = lambda part: None) -> Path:
    """Download an archive into a folder, which is made; where it is there already and right, nothing is done.

    Raises:
        CorpusError: when it cannot be reached, or what came is not what should.
        FileError: when it cannot be written, or a file of its name is another one.
    """
    path = folder / archive.url.rpartition("/")[2]
    if path.is_file():
        with path.open("rb") as file:
            found = sha256()
            while block := file.read(_BLOCK):
                found.update(block)
        if found.hexdigest() == archive.sha256:
            return path
        raise FileError(f"{path} is not {archive.url} (another SHA-256); remove it to download again")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
    except OSError as error:
        raise FileError(f"cannot write into {folder}: {error.strerror}") from None
    try:
        _download(archive, temporary, progress)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _download(archive: Archive, path: Path, progress: Callable[[float], None]) -> None:
    found, length = sha256(), 0
    try:
        # The addresses are ours; what comes from them is checked before anything is made of it.
        with urlopen(archive.url, timeout=_TIMEOUT) as response, path.open("wb") as file:
            total = archive.bytes or int(response.headers.get("Content-Length") or 0)
            while block := response.read(_BLOCK):
                found.update(block)
                length += len(block)
                if archive.bytes and length > archive.bytes:
                    break
                file.write(block)
                progress(min(1.0, length / total) if total else 0.0)
    except (OSError, HTTPException) as error:
        raise CorpusError(f"cannot download {archive.url}: {error}") from None
    if found.hexdigest() != archive.sha256 or length != (archive.bytes or length):
        raise CorpusError(
            f"{archive.url} gave another file than expected ({length:,} bytes, SHA-256 {found.hexdigest()})"
        )
