"""Originality: passages that a piece shares with a note store, in any transposition and tempo."""

from symbolic_music.evaluation.originality.index import Index, build_index, open_index
from symbolic_music.evaluation.originality.passages import Originality, Passage, originality
from symbolic_music.evaluation.originality.report import BarOrigin, as_json, bar_origins, originality_report

__all__ = [
    "BarOrigin",
    "Index",
    "Originality",
    "Passage",
    "as_json",
    "bar_origins",
    "build_index",
    "open_index",
    "originality",
    "originality_report",
]
