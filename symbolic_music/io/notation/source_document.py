"""The document of a score that was read from notation, for patching."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from symbolic_music.io.notation.musicxml.bounded_xml import ByteSpan, as_utf8, parse_xml
from symbolic_music.io.notation.musicxml.musicxml_reader import read_document
from symbolic_music.io.notation.musicxml.timewise import as_partwise
from symbolic_music.io.notation.to_score import as_written
from symbolic_music.io.notation.written_music import Written
from symbolic_music.score import Score


@dataclass(frozen=True)
class NotationSource:
    """A part-wise MusicXML document in UTF-8: the file's own bytes, or what its notation was translated to."""

    document: bytes


def parsed(document: bytes) -> tuple[Element, dict[Element, ByteSpan], bytes]:
    """Root, places of the measures, and bytes of a document, made part-wise and UTF-8 where it was not.

    Raises:
        NotationError: when it is no MusicXML within the bounds.
    """
    document = as_utf8(document)
    root, spans = parse_xml(document, "measure")
    if root.tag == "score-timewise":
        document = as_partwise(root)
        root, spans = parse_xml(document, "measure")
    return root, spans, document


def written_music(document: bytes) -> Written:
    """The written music of a MusicXML document of any encoding."""
    return read_document(parsed(document)[0])


def parse_musicxml(document: bytes) -> Score:
    """A score from MusicXML, with a reference to its document.

    Raises:
        NotationError: when it is no MusicXML within the bounds.
    """
    root, _, document = parsed(document)
    return as_written(read_document(root)).score.replace(source=NotationSource(document))
