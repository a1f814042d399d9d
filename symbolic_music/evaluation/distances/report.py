"""A comparison of two sets of pieces as a page: tables, a plot, and a few pieces of each as rolls and sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from symbolic_music.evaluation.distances.comparison import Sets
from symbolic_music.evaluation.excerpts import excerpt
from symbolic_music.evaluation.report import Media, Report, Section, Table
from symbolic_music.evaluation.statistics import Mean
from symbolic_music.score import Score
from symbolic_music.transforms import clip

SIDES = ("generated", "reference")


def sets_report(
    found: Sets,
    facts: Mapping[str, Any],
    pieces: tuple[Iterable[Score], Iterable[Score]] = ((), ()),
    pairs: Mapping[str, Mean] | None = None,
    shown: int = 3,
    seconds: float = 20.0,
    sample_rate: int | None = 24000,
) -> Report:
    """The page.

    Args:
        found: of `compare`.
        facts: command, seed and what else says how the figures came about.
        pieces: both sets, of which some are shown.
        pairs: further means, of pieces beside their references.
        shown: pieces of each set, from the first on, unselected.
        seconds: of each, from its beginning.
        sample_rate: of the sound; None for none.

    Raises:
        MissingExtraError: without matplotlib; without what writes FLAC, if there is sound.
    """
    from symbolic_music.plotting.confidence_intervals import interval_figure
    from symbolic_music.plotting.figures import figure_bytes

    panels = {
        name: {side: (m.value, m.low, m.high) for side, m in zip(SIDES, pair, strict=True) if m.n}
        for name, pair in found.features.items()
    }
    picture = figure_bytes(interval_figure({name: panel for name, panel in panels.items() if panel}))
    features = Table(
        ["feature", *SIDES], [[name, *(interval(one) for one in pair)] for name, pair in found.features.items()]
    )
    overlaps = Table(
        ["feature", "distance between", "within reference", "overlapped area", "divergence"],
        [[n, one.between, one.within_second, one.overlap, one.divergence] for n, one in found.overlaps.items()],
    )
    sections = [
        Section("Distances", f"{found.pieces[0]} pieces against {found.pieces[1]}.", [distances_table(found)]),
        Section(
            "Features", "Means with 95 % intervals over pieces.", [features, Media(picture, ".png", "MusPy's features")]
        ),
        Section("Overlap", "Of the distances between pieces, within the reference and to it.", [overlaps]),
    ]
    if pairs:
        rows = [[name, interval(one), one.n] for name, one in pairs.items()]
        sections.append(Section("Pair by pair", "Files of one name.", [Table(["metric", "mean", "n"], rows)]))
    for side, own in zip(SIDES, pieces, strict=True):
        parts: list[Table | Media] = []
        for number, score in enumerate(islice(own, shown), 1):
            parts += excerpt(clip(score, 0.0, seconds), f"{side} {number}, from its beginning", sample_rate)
        sections += [Section(f"First pieces: {side}", "Unselected.", parts)] if parts else []
    return Report("Two sets of pieces", facts, sections)


def distances_table(found: Sets) -> Table:
    """Fréchet's distance, the same for infinitely many pieces, and the discrepancy."""
    rows = [["Fréchet distance", f"{found.frechet:.4f}", ""]]
    if found.infinite is not None:
        limit = found.infinite
        said = f"[{limit.low:.4f}, {limit.high:.4f}], R² {limit.r2:.3f}"
        rows.append(["the same, extrapolated to infinitely many", f"{limit.value:.4f}", said])
    rows.append(["maximum mean discrepancy, squared", f"{found.discrepancy:.5f}", f"p {found.p:.3f}"])
    return Table([f"vectors {found.embedding}", "value", "95 %"], rows)


def interval(one: Mean) -> str:
    """A mean and its interval; a dash where it is of nothing."""
    return f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]" if one.n else "–"
