"""All metrics of edits in context, for any number of systems, as one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from symbolic_music.errors import EvaluationError
from symbolic_music.evaluation.context.baselines import RandomBars, copy_before, original, retrieve
from symbolic_music.evaluation.context.metrics import LOST, METRICS, Metric, measure
from symbolic_music.evaluation.context.region import Case, EditRegion, Write
from symbolic_music.evaluation.statistics import Mean, mean, paired_p
from symbolic_music.score import Score

Progress = Callable[[float], None]


def evaluate(cases: Sequence[Case], write: Write, progress: Progress | None = None) -> list[dict[str, float]]:
    """All metrics of all regions as one system writes them.

    Args:
        cases: regions of pieces.
        write: takes an original score and a region, and gives the score with that region written anew.
        progress: called with the share that is done.
    """
    out = []
    for number, case in enumerate(cases, 1):
        out.append(measure(case, write(case.score, case.region)))
        if progress:
            progress(number / len(cases))
    return out


def references(cases: Sequence[Case], seed: int = 0) -> dict[str, Write]:
    """References: the original, a copy of the preceding bars, retrieval, and random bars of other pieces."""
    pool: list[Score] = list({case.piece: case.score for case in cases}.values())
    return {"original": original, "copy": copy_before, "retrieval": retrieve, "random": RandomBars(pool, seed)}


@dataclass(frozen=True)
class Row:
    """One metric of regions of one kind: a mean a system, and p of its difference from each other one."""

    metric: Metric
    kind: Literal["drums", "pitched"]
    means: Mapping[str, Mean]
    p: Mapping[tuple[str, str], float]


def table(
    cases: Sequence[Case], results: Mapping[str, Sequence[Mapping[str, float]]], baselines: Sequence[str] = ()
) -> list[Row]:
    """Rows of all metrics for drum regions and for pitched ones.

    Args:
        cases: the regions.
        results: of `evaluate` on them, by the name of the system.
        baselines: systems that all others are tested against.

    Raises:
        EvaluationError: when a system has not as many results as there are regions.
    """
    for name, found in results.items():
        if len(found) != len(cases):
            raise EvaluationError(f"{name} has results of {len(found)} regions, not of {len(cases)}")
    rows = []
    kinds: tuple[Literal["drums", "pitched"], ...] = ("drums", "pitched")
    for kind in kinds:
        own = [i for i, case in enumerate(cases) if case.is_drums == (kind == "drums")]
        pieces = [cases[i].piece for i in own]
        for metric in (*METRICS, LOST):
            if metric.kind not in (kind, "both") or not own:
                continue
            values = {name: [found[i][metric.name] for i in own] for name, found in results.items()}
            means = {name: mean(one, pieces) for name, one in values.items()}
            p = {
                (name, base): paired_p(values[name], values[base], pieces)
                for name in values
                for base in baselines
                if name != base
            }
            rows.append(Row(metric, kind, means, p))
    return rows


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as plain data: `metric` is "KIND NAME: SYSTEM", `ours` the mean, with its interval, n and p by baseline."""
    out = []
    for row in rows:
        for system, found in row.means.items():
            p = {base: _plain(value) for (name, base), value in row.p.items() if name == system}
            out.append(
                {
                    "metric": f"{row.kind} {row.metric.name}: {system}",
                    "ours": _plain(found.value),
                    "low": _plain(found.low),
                    "high": _plain(found.high),
                    "n": found.n,
                    "pieces": found.pieces,
                    "unit": row.metric.unit,
                    "better": row.metric.better,
                    "p": p,
                }
            )
    return out


def _plain(value: float) -> float | None:
    """To four decimals; None for nan, which JSON has not."""
    return None if math.isnan(value) else round(value, 4)


__all__ = ["LOST", "METRICS", "EditRegion", "Metric", "Row", "as_json", "evaluate", "measure", "references", "table"]
