"""Convert documents written measure by measure to documents written part by part."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring


def as_partwise(root: Element) -> bytes:
    """The bytes of a `score-partwise` document with what a `score-timewise` one holds."""
    out = Element("score-partwise", root.attrib)
    parts: dict[str, Element] = {}
    for child in root:
        if child.tag != "measure":
            out.append(child)
    for measure in root.iterfind("measure"):
        for part in measure.iterfind("part"):
            name = part.get("id", "")
            if name not in parts:
                parts[name] = Element("part", {"id": name})
                out.append(parts[name])
            own = Element("measure", measure.attrib)
            own.extend(part)
            parts[name].append(own)
    text: bytes = tostring(out, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text
