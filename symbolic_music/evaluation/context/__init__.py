"""Edits in context: the fit of an edit to its piece, against copies and random bars."""

from symbolic_music.evaluation.context.baselines import RandomBars, copy_before, original, retrieve, with_notes
from symbolic_music.evaluation.context.benchmark import load_cases
from symbolic_music.evaluation.context.choosing_regions import choose_cases, choose_region, in_time, next_region
from symbolic_music.evaluation.context.fit import fit
from symbolic_music.evaluation.context.metrics import METRICS, Metric, measure
from symbolic_music.evaluation.context.region import Case, EditRegion, Write
from symbolic_music.evaluation.context.table import Row, as_json, evaluate, references, table

__all__ = [
    "METRICS",
    "Case",
    "EditRegion",
    "Metric",
    "RandomBars",
    "Row",
    "Write",
    "as_json",
    "choose_cases",
    "choose_region",
    "copy_before",
    "evaluate",
    "fit",
    "in_time",
    "load_cases",
    "measure",
    "next_region",
    "original",
    "references",
    "retrieve",
    "table",
    "with_notes",
]
