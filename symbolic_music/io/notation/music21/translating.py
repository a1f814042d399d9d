"""What the process of `music21_process` runs: a file of MEI as MusicXML on standard output, within limits.

It is run as a file, so that it imports nothing of this library.
"""

from __future__ import annotations

import re
import sys
import warnings
from xml.etree import ElementTree

_NAMESPACE = "{http://www.music-encoding.org/ns/mei}"


def limit(seconds: int, memory: int, addresses: int) -> None:
    """Limit this process, where the system can: processor time in s, data and addresses in bytes."""
    try:
        import resource
    except ImportError:
        return
    kinds = (resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_AS)
    for kind, most in zip(kinds, (seconds, memory, addresses), strict=True):
        resource.setrlimit(kind, (most, most))


def readable(path: str) -> bytes:
    """The document, less what MEI allows and music21 fails on: syllables that are words, measures that are "4a"."""
    root = ElementTree.parse(path).getroot()
    for element in root.iter():
        if element.get("wordpos") == "s":
            del element.attrib["wordpos"]
        if element.tag == f"{_NAMESPACE}measure" and "n" in element.attrib:
            number = re.match(r"\d{1,9}", element.attrib.pop("n"), re.ASCII)
            if number is not None:
                element.set("n", number[0])
    document: bytes = ElementTree.tostring(root, "utf-8")
    return document


def translated(path: str) -> bytes:
    """The MusicXML of a file."""
    from music21.mei import MeiToM21Converter
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    stream = MeiToM21Converter(readable(path)).run()  # type: ignore[no-untyped-call]
    # MEI has measures, rests and beams. To make them anew takes ten times as long, and breaks bars of 9/8 as 4/4.
    exporter = GeneralObjectExporter(stream)
    exporter.makeNotation = False
    return exporter.parse()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    limit(*map(int, sys.argv[2:]))
    sys.stdout.buffer.write(translated(sys.argv[1]))
