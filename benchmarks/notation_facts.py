"""What music21 says of a notation file, measure by measure: the independent reader of `notation_round_trip.py`."""

from __future__ import annotations

import warnings
from collections import defaultdict
from typing import Any

Facts = dict[tuple[int, int], dict[str, Any]]


def facts(path: str) -> tuple[list[float], Facts]:
    """(offsets of the measures of the first part in quarters, {(part, measure): what stands in it})."""
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = converter.parse(path, forceSource=True)
        score = score.scores[0] if "Opus" in score.classes else score
        score = score.toSoundingPitch()
    out: Facts = {}
    bars = [float(m.offset) for m in score.parts[0].getElementsByClass("Measure")]
    for index, part in enumerate(score.parts):
        place = {}
        for number, measure in enumerate(part.getElementsByClass("Measure")):
            found: dict[str, Any] = defaultdict(list)
            found["bar"] = [round(float(measure.offset), 3)]
            for element in measure.recurse().notes:
                place[id(element)] = (index, number)
                at = round(float(element.getOffsetInHierarchy(measure)), 3)
                if "Harmony" in element.classes:
                    found["chord symbols"].append((at, element.figure))
                    continue
                length = round(float(element.duration.quarterLength), 3)
                for note in getattr(element, "notes", (element,)):
                    tie = note.tie or element.tie
                    pitch = note.pitch.midi if hasattr(note, "pitch") else -1
                    found["pitches"].append((at, length, pitch, element.duration.isGrace))
                    if tie is not None:
                        found["ties"].append((at, pitch, tie.type))
                found["lyrics"] += [(at, lyric.number, lyric.text) for lyric in element.lyrics]
                found["articulations"] += [(at, type(a).__name__) for a in element.articulations]
                found["articulations"] += [(at, type(a).__name__) for a in element.expressions]
            for dynamic in measure.recurse().getElementsByClass("Dynamic"):
                found["dynamics"].append((round(float(dynamic.getOffsetInHierarchy(measure)), 3), dynamic.value))
            out[index, number] = found
        for spanner in part.recurse().getElementsByClass("Spanner"):
            kind = type(spanner).__name__
            name = "slurs" if kind == "Slur" else "dynamics" if kind in ("Crescendo", "Diminuendo") else ""
            elements = spanner.getSpannedElements() if name else []
            for end, element in zip(("begins", "ends"), elements[:1] + elements[-1:], strict=False):
                if id(element) in place:
                    out[place[id(element)]][name].append((end, kind))
    return bars, {key: {name: sorted(rows, key=str) for name, rows in found.items()} for key, found in out.items()}
