"""Originality: what a piece shares with a note store, found under transposition and change of tempo."""

from symbolic_music.evaluation.originality.index import Index, build_index, open_index
from symbolic_music.evaluation.originality.passages import Originality, Passage, originality

__all__ = ["Index", "Originality", "Passage", "build_index", "open_index", "originality"]
