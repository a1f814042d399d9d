"""The metrics of an edit in its piece, and their values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.context import bar_similarity, harmony, seams, track_agreement
from symbolic_music.evaluation.context.region import Case
from symbolic_music.score import Array, Score

Kind = Literal["drums", "pitched", "both"]


@dataclass(frozen=True)
class Metric:
    """One number of an edited region.

    Args:
        name: key in JSON.
        kind: regions that it is defined for.
        better: the direction, or "original" when nearer to the original's value is better.
        unit: share, octaves, semitones, quarters or a count.
        value: of (case, written notes in order of onset); nan where it is not defined.
    """

    name: str
    kind: Kind
    better: Literal["higher", "lower", "original"]
    unit: str
    value: Callable[[Case, Array], float]


METRICS = (
    Metric("likeness", "drums", "higher", "share", bar_similarity.likeness),
    Metric("on_grid", "both", "higher", "share", bar_similarity.on_grid),
    Metric("in_key", "pitched", "higher", "share", harmony.in_key),
    Metric("in_chord", "pitched", "higher", "share", harmony.in_chord),
    Metric("clashes", "pitched", "lower", "share", harmony.clashes),
    Metric("likeness_rhythm", "both", "higher", "share", lambda case, new: bar_similarity.likeness(case, new, False)),
    Metric("likeness_rhythm_pitch", "pitched", "higher", "share", bar_similarity.likeness),
    Metric("repetition", "both", "original", "share", bar_similarity.repetition),
    Metric("density", "both", "lower", "octaves", track_agreement.density),
    Metric("density_kept", "both", "higher", "share", track_agreement.density_kept),
    Metric("in_range", "both", "higher", "share", track_agreement.in_range),
    Metric("polyphony", "pitched", "lower", "octaves", track_agreement.polyphony),
    Metric("note_length", "pitched", "lower", "octaves", track_agreement.note_length),
    Metric("piles", "both", "lower", "share", track_agreement.pile),
    Metric("empties", "both", "lower", "share", track_agreement.empty),
    Metric("seam_leap", "pitched", "original", "semitones", seams.leap),
    Metric("seam_gap", "both", "lower", "quarters", seams.gap),
    Metric("same_as_original", "both", "original", "share", seams.same_as_original),
)


LOST = Metric("lost", "both", "lower", "events", lambda case, notes: math.nan)


def validate(case: Case, edited: Score) -> None:
    """EvaluationError when an edited score cannot be held against its original."""
    if edited.ticks_per_quarter != case.score.ticks_per_quarter:
        raise EvaluationError(
            f"the edit has {edited.ticks_per_quarter} ticks a quarter, the original {case.score.ticks_per_quarter}"
        )


def measure(case: Case, edited: Score) -> dict[str, float]:
    """All metrics of one edited region by name; nan where one is not defined.

    Raises:
        EvaluationError: see `validate`.
    """
    validate(case, edited)
    written = case.region.of(edited.notes)
    found = {
        metric.name: metric.value(case, written)
        if metric.kind == "both" or (metric.kind == "drums") == case.is_drums
        else math.nan
        for metric in METRICS
    }
    found[LOST.name] = seams.lost(case, edited)
    return found
