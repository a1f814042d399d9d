"""A report of edits in context: the table, its plot, and the first regions as piano rolls and audio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symbolic_music.evaluation.context.region import Case, Write
from symbolic_music.evaluation.context.table import Row
from symbolic_music.evaluation.excerpts import excerpt
from symbolic_music.evaluation.report import Media, Report, Section, Table
from symbolic_music.score import Score
from symbolic_music.transforms import clip


def context_report(
    rows: Sequence[Row],
    cases: Sequence[Case],
    writes: Mapping[str, Write],
    facts: Mapping[str, Any],
    shown: int = 6,
    sample_rate: int | None = 24000,
) -> Report:
    """The report.

    Args:
        rows: of `table`.
        cases: the regions.
        writes: systems that write the regions which are shown.
        facts: n, seed, split, command and what else says how the figures came about.
        shown: regions, from the first on, unselected.
        sample_rate: of the sound; None for none.

    Raises:
        MissingExtraError: without matplotlib; without what `render` needs, if audio is rendered.
    """
    from symbolic_music.plotting.confidence_intervals import interval_figure
    from symbolic_music.plotting.figures import figure_bytes

    sections = []
    for kind in dict.fromkeys(row.kind for row in rows):
        own = [row for row in rows if row.kind == kind]
        panels = {
            row.metric.name: {name: (m.value, m.low, m.high) for name, m in row.means.items() if m.n} for row in own
        }
        picture = Media(figure_bytes(interval_figure(panels)), ".png", f"means and 95 % intervals, {kind} regions")
        sections.append(Section(f"{kind.capitalize()} regions", "", [table_of(own), picture]))
    for number, case in enumerate(cases[:shown], 1):
        parts: list[Table | Media] = []
        for name, write in writes.items():
            parts += _shown(case, write(case.score, case.region), name, sample_rate)
        first, last = case.bars
        sections.append(Section(f"Region {number}: {case.piece[:8]}, bars {first + 1} to {last}", "", parts))
    return Report("Edits in context", facts, sections)


def table_of(rows: Sequence[Row]) -> Table:
    """A line a metric: mean and interval of each system, p against copy."""
    systems = list(rows[0].means)
    lines = []
    for row in rows:
        cells: list[str] = []
        for name in systems:
            found = row.means[name]
            p = row.p.get((name, "copy"))
            significance = f" (p {p:.3f})" if p is not None and p == p else ""
            cells.append(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]{significance}" if found.n else "–")
        lines.append([row.metric.name, row.metric.better, max(m.n for m in row.means.values()), *cells])
    return Table(["metric", "better", "n", *systems], lines)


def _shown(case: Case, edited: Score, name: str, sample_rate: int | None) -> list[Table | Media]:
    """A roll, and sound, of the region with a bar to either side."""
    bar = int(case.lines[case.bars[0] + 1] - case.lines[case.bars[0]])
    edges = np.array([max(0, case.region.first - bar), case.region.last + bar])
    start, end = (float(t) for t in case.score.seconds(edges))
    part = clip(edited, start, end)
    began = float(case.score.seconds(case.region.first)) - start
    ended = min(float(case.score.seconds(case.region.last)) - start, part.duration)
    inside = (part.onset_seconds >= began - 1e-6) & (part.onset_seconds < ended)
    written = inside & np.isin(part.notes["track"], case.region.tracks)
    region = (began, ended) if began < ended else None
    return [*excerpt(part, name, sample_rate, written, region)]
