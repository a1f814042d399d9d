"""Compare two folders of pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbolic_music.cli.options.common import Json, Offline, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out, out_json, show, working
from symbolic_music.cli.output.pages import facts_of, write_page
from symbolic_music.cli.output.paths import check_page

if TYPE_CHECKING:
    from symbolic_music.evaluation.distances import Embedding

# Files left out that are named.
_NAMED = 5


@examples("generated reference", "generated reference --report page.html")
def compare(
    generated: Annotated[Path, typer.Argument(help="A folder of MIDI files.")],
    reference: Annotated[Path, typer.Argument(help="A folder of reference MIDI files.")],
    pairs: Annotated[bool, typer.Option("--pairs", help="Also compare files of the same name pair by pair.")] = False,
    embedding: Annotated[
        str,
        typer.Option(help="Vectors of the distances: features, clamp3, or a file or folder with CLaMP 3's weights."),
    ] = "features",
    rendered: Annotated[
        str | None,
        typer.Option(help="Also render the pieces and measure their sound by this tool, if installed: fadtk or kadtk."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML page with plots and the first pieces, and its JSON.")
    ] = None,
    seed: Seed = 0,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure distances between two folders of pieces, and compare their features."""
    from symbolic_music.evaluation import distances
    from symbolic_music.evaluation.distances.folders import Folder, paired_means

    check_page(report)
    first, second = Folder(generated), Folder(reference)
    means = paired_means(first, second, seed) if pairs else {}
    distance = None
    if rendered is not None:
        with working("rendering"):
            distance = distances.rendered_distance(first, second, rendered)
    with working("comparing") as progress:
        vectors = distances.COUNTED if embedding == "features" else _clamp3(embedding, offline)
        found = distances.compare(first, second, seed, progress, vectors)
    left_out = {**first.left_out, **second.left_out}
    if report is not None:
        facts = facts_of(
            generated=str(generated), reference=str(reference), n=f"{found.pieces[0]}, {found.pieces[1]}", seed=seed
        )
        with working("writing the report"):
            write_page(distances.sets_report(found, facts, (first, second), means), report)
    if as_json:
        paired = {
            name: {"mean": one.value, "low": one.low, "high": one.high, "n": one.n} for name, one in means.items()
        }
        result: dict[str, Any] = {
            "generated": str(generated), "reference": str(reference), **distances.as_json(found),
            "left_out": left_out, "report": report and str(report),
        }  # fmt: skip
        if rendered is not None:
            result[rendered] = distance
        out_json({**result, "pairs": paired} if pairs else result)
        return
    from rich.table import Table

    title = f"{found.pieces[0]} pieces against {found.pieces[1]}, vectors {found.embedding}, seed {seed}"
    table = Table(title=title, show_header=False)
    for row in distances.distances_table(found).rows:
        table.add_row(*row)
    if distance is not None:
        table.add_row(f"{rendered} of the rendered pieces", f"{distance:.5g}", "")
    features = Table("feature", *distances.SIDES)
    for name, pair in found.features.items():
        features.add_row(name, *(distances.interval(one) for one in pair))
    overlaps = Table("feature", "distance between", "within reference", "overlapped area", "divergence")
    for name, one in found.overlaps.items():
        values = (one.between, one.within_second, one.overlap, one.divergence)
        overlaps.add_row(name, *(f"{value:.4g}" for value in values))
    show(table, features, overlaps)
    if means:
        beside = Table("pair by pair", f"{next(iter(means.values())).pieces} pairs")
        for name, its in means.items():
            beside.add_row(name, f"{its.value:.4g} [{its.low:.4g}, {its.high:.4g}]")
        show(beside)

    for path, why in list(left_out.items())[:_NAMED]:
        out(f"left out: {path}: {why}")
    if len(left_out) > _NAMED:
        out(f"and {len(left_out) - _NAMED:,} more; --json names all")
    if report is not None:
        out(f"{report}: the same with plots and the first pieces")


def _clamp3(source: str, offline: bool) -> Embedding:
    """CLaMP 3's vectors, by its name or its weights."""
    from symbolic_music.evaluation.clamp3 import REPOSITORY, clamp3_embedding, load_clamp3
    from symbolic_music.evaluation.distances import Embedding

    model = load_clamp3(REPOSITORY if source == "clamp3" else source, offline)
    return Embedding("clamp3", lambda score: clamp3_embedding(score, model))
