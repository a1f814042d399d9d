"""Decorations of ABC (standard 2.1, section 4.14) as elements of MusicXML."""

from __future__ import annotations

from symbolic_music.io.notation.engraving import sheet
from symbolic_music.io.notation.musicxml.directions import MARKS


def _articulation(name: str) -> str:
    return f"<articulations><{name}/></articulations>"


def _ornament(name: str) -> str:
    return f"<ornaments><{name}/></ornaments>"


DECORATIONS = {
    "staccato": _articulation("staccato"), ".": _articulation("staccato"), "tenuto": _articulation("tenuto"),
    "accent": _articulation("accent"), ">": _articulation("accent"), "emphasis": _articulation("accent"),
    "marcato": _articulation("strong-accent"), "^": _articulation("strong-accent"),
    "wedge": _articulation("staccatissimo"), "breath": _articulation("breath-mark"),
    "trill": _ornament("trill-mark"), "turn": _ornament("turn"), "invertedturn": _ornament("inverted-turn"),
    "mordent": _ornament("mordent"), "lowermordent": _ornament("mordent"),
    "uppermordent": _ornament("inverted-mordent"), "pralltriller": _ornament("inverted-mordent"),
    "roll": _ornament("turn"), "fermata": "<fermata/>", "invertedfermata": '<fermata type="inverted"/>',
    "arpeggio": "<arpeggiate/>", "upbow": "<technical><up-bow/></technical>",
    "downbow": "<technical><down-bow/></technical>", "open": "<technical><open-string/></technical>",
    "thumb": "<technical><thumb-position/></technical>", "snap": "<technical><snap-pizzicato/></technical>",
    "plus": "<technical><stopped/></technical>", "+": "<technical><stopped/></technical>",
    **{str(n): f"<technical><fingering>{n}</fingering></technical>" for n in range(6)},
}  # fmt: skip
SHORT_DECORATIONS = {".": "staccato", "~": "roll", "H": "fermata", "L": "accent", "M": "lowermordent", "O": "coda",
                     "P": "uppermordent", "S": "segno", "T": "trill", "u": "upbow", "v": "downbow"}  # fmt: skip
_JUMPS = {
    "segno": "<segno/>|segno=\"segno\"", "coda": "<coda/>|coda=\"coda\"", "fine": "<words>Fine</words>|fine=\"yes\"",
    "D.C.": "<words>D.C.</words>|dacapo=\"yes\"", "dacapo": "<words>D.C.</words>|dacapo=\"yes\"",
    "D.S.": "<words>D.S.</words>|dalsegno=\"segno\"", "dacoda": "<words>To Coda</words>|tocoda=\"coda\"",
    "D.C.alfine": "<words>D.C. al Fine</words>|dacapo=\"yes\"",
    "D.C.alcoda": "<words>D.C. al Coda</words>|dacapo=\"yes\"",
    "D.S.alfine": "<words>D.S. al Fine</words>|dalsegno=\"segno\"",
    "D.S.alcoda": "<words>D.S. al Coda</words>|dalsegno=\"segno\"",
}  # fmt: skip
_HAIRPINS = {
    "crescendo(": "crescendo", "<(": "crescendo", "crescendo)": "stop", "<)": "stop",
    "diminuendo(": "diminuendo", ">(": "diminuendo", "diminuendo)": "stop", ">)": "stop",
}  # fmt: skip


def direction_of(name: str) -> str:
    """The direction of a decoration that is none of a note: dynamics, hairpins, jumps; "" for any other."""
    if name in MARKS or name in ("sfz", "sf", "fp", "fz", "rfz"):
        return sheet.dynamics(name)
    if name in _HAIRPINS:
        return sheet.wedge(_HAIRPINS[name])
    if name in _JUMPS:
        shown, sound = _JUMPS[name].split("|")
        return f"<direction><direction-type>{shown}</direction-type><sound {sound}/></direction>"
    return ""
