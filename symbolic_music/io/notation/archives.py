"""Compressed MusicXML (.mxl): read the document of an archive, and write one.

Source: MusicXML 4.0, "Compressed .mxl files": META-INF/container.xml names the root file.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from symbolic_music.errors import NotationError
from symbolic_music.io.notation.musicxml.bounded_xml import MAX_DOCUMENT, as_utf8, parse_xml

_CONTAINER = "META-INF/container.xml"
_MOST_PACKED = 16 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # the same music gives the same bytes


def unpacked(data: bytes) -> bytes:
    """The MusicXML document in an archive.

    Raises:
        NotationError: when it is no such archive, or holds more than is read.
    """
    if len(data) > _MOST_PACKED:
        raise NotationError(f"it has {len(data) >> 20} MiB; at most {_MOST_PACKED >> 20} MiB are unpacked")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            wanted = _root(_member(archive, _CONTAINER)) if _CONTAINER in names else None
            if wanted is None:
                wanted = next((n for n in names if n.endswith((".xml", ".musicxml")) and "META-INF" not in n), None)
            if wanted is None:
                raise NotationError("the archive holds no MusicXML document")
            return _member(archive, wanted)
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, NotImplementedError,
            RuntimeError, MemoryError) as error:  # fmt: skip
        raise NotationError(f"not a compressed MusicXML file ({error})") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # LZMA's header may ask for a dictionary of 4 GiB.
        raise NotationError("it is compressed otherwise than MusicXML's archives are")
    with archive.open(name) as member:
        data = member.read(MAX_DOCUMENT + 1)  # what the directory says of its size may be wrong
    if len(data) > MAX_DOCUMENT:
        raise NotationError(f"it unpacks to more than {MAX_DOCUMENT >> 20} MiB, which is the most that is read")
    return data


def _root(container: bytes) -> str | None:
    root, _ = parse_xml(as_utf8(container))
    for element in root.iter():
        kind = element.get("media-type", "application/vnd.recordare.musicxml+xml")
        if element.tag.rpartition("}")[2] == "rootfile" and "musicxml" in kind:
            return element.get("full-path")
    return None


def packed(document: bytes) -> bytes:
    """An archive that holds this document."""
    container = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
        b'<rootfile full-path="score.musicxml" media-type="application/vnd.recordare.musicxml+xml"/>'
        b"</rootfiles></container>\n"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((_CONTAINER, container), ("score.musicxml", document)):
            archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
