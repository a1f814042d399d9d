"""Distances between sets of pieces: Fréchet's, the maximum mean discrepancy, and a comparison of two folders."""

from symbolic_music.evaluation.distances.comparison import COUNTED, Embedding, Sets, as_json, compare
from symbolic_music.evaluation.distances.embedding import NAME, SIZE, embed
from symbolic_music.evaluation.distances.frechet import Extrapolated, frechet, frechet_infinite
from symbolic_music.evaluation.distances.maximum_mean_discrepancy import discrepancy, discrepancy_p
from symbolic_music.evaluation.distances.rendered_audio import rendered_distance
from symbolic_music.evaluation.distances.report import SIDES, distances_table, interval, sets_report

__all__ = [
    "COUNTED",
    "NAME",
    "SIDES",
    "SIZE",
    "Embedding",
    "Extrapolated",
    "Sets",
    "as_json",
    "compare",
    "discrepancy",
    "discrepancy_p",
    "distances_table",
    "embed",
    "frechet",
    "frechet_infinite",
    "interval",
    "rendered_distance",
    "sets_report",
]
