"""Parse untrusted XML into a tree of elements, with bounds on size, depth and count.

Entities that a document declares are refused (a few hundred bytes of them expand to gigabytes), external ones are never
fetched, and what the tree may hold is bounded before it is built.
"""

from __future__ import annotations

import codecs
import re
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from symbolic_music.errors import NotationError

MAX_DOCUMENT = 32 << 20
MAX_DEPTH = 64
# Elements and attributes; a symphony's full score has about half a million.
MAX_NODES = 1_500_000
# Bytes that a document may take while it is read: by elements and attributes, and by what is kept of these beside.
MAX_MEMORY = 420 << 20
_NODE_BYTES = 160
_KEPT_BYTES = {"measure": 1_000, "note": 1_100, "direction": 700, "sound": 300, "harmony": 500, "lyric": 300}
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")

# First byte of an element, and the first byte after it.
ByteSpan = tuple[int, int]


def as_utf8(data: bytes) -> bytes:
    """The document in UTF-8, converted from the encoding of its byte order mark or declaration.

    Raises:
        NotationError: for an encoding that is unknown or not that of the bytes.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = _decoded(data, "utf-16")
        return re.sub(rb"(<\?xml[^>]*encoding\s*=\s*[\"'])[^\"']+", rb"\1UTF-8", text.encode(), count=1)
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    declared = _DECLARATION.match(data[:1000])
    name = declared[1].decode() if declared else "utf-8"
    if name.lower().replace("_", "-") in ("utf-8", "utf8", "us-ascii", "ascii"):
        return data
    text = _decoded(data, name)
    assert declared is not None
    return text.encode().replace(declared[1], b"UTF-8", 1)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        raise NotationError(f"its text is not {encoding}, as it declares") from None


def parse_xml(data: bytes, spans_of: str = "") -> tuple[Element, dict[Element, ByteSpan]]:
    """The root of a document in UTF-8, and where in its bytes each element named `spans_of` stands.

    Raises:
        NotationError: when it is no XML, declares entities, or passes the bounds.
    """
    if len(data) > MAX_DOCUMENT:
        raise NotationError(f"it has {len(data) >> 20} MiB of XML; at most {MAX_DOCUMENT >> 20} MiB are read")
    builder = TreeBuilder()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    spans: dict[Element, ByteSpan] = {}
    open_at: list[int] = []
    depth = nodes = kept = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, nodes, kept
        depth += 1
        nodes += 1 + len(attributes)
        kept += _KEPT_BYTES.get(tag, 0)
        if depth > MAX_DEPTH:
            raise NotationError(f"its elements are nested deeper than {MAX_DEPTH}")
        if nodes > MAX_NODES:
            raise NotationError(f"it has more than {MAX_NODES:,} elements and attributes")
        if nodes * _NODE_BYTES + kept > MAX_MEMORY:
            raise NotationError(f"its measures and notes could take more than {MAX_MEMORY >> 20} MiB of memory")
        if tag == spans_of:
            open_at.append(parser.CurrentByteIndex)
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        element = builder.end(tag)
        if tag == spans_of:
            at = parser.CurrentByteIndex  # of </tag>; behind an empty element
            spans[element] = open_at.pop(), data.index(b">", at) + 1 if data.startswith(b"</", at) else at

    def refuse(*_: object) -> None:
        raise NotationError("it declares XML entities, which are not read")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close(), spans
    except expat.ExpatError as error:
        raise NotationError(f"it is not well-formed XML ({error})") from None
