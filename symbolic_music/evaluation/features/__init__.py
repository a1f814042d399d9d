"""Features of a piece that papers report: MusPy's, mgeval's and MusDr's; and how two sets differ in them."""

from symbolic_music.evaluation.features import mgeval, musdr, muspy
from symbolic_music.evaluation.features.structure import self_similarity, structureness

__all__ = ["mgeval", "musdr", "muspy", "self_similarity", "structureness"]
