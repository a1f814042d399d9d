"""Compare two folders of pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.options.common import Json, Offline, Seed
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.output.console import out_json, show, working

if TYPE_CHECKING:
    from symbolic_music.evaluation.distances import Embedding
    from symbolic_music.evaluation.statistics import Mean
    from symbolic_music.score import Score


@examples("generated reference")
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
    seed: Seed = 0,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Measure distances between two folders of pieces, and compare their features."""
    from symbolic_music.evaluation import distances

    named, against = _read(generated), _read(reference)
    means = _pairs(named, against, seed) if pairs else {}
    heard = None
    if rendered is not None:
        with working("rendering"):
            heard = distances.rendered_distance(named.values(), against.values(), rendered)
    with working("comparing") as progress:
        vectors = distances.COUNTED if embedding == "features" else _clamp3(embedding, offline)
        found = distances.compare(list(named.values()), list(against.values()), seed, progress, vectors)
    if as_json:
        paired = {
            name: {"mean": one.value, "low": one.low, "high": one.high, "n": one.n} for name, one in means.items()
        }
        facts = {"generated": str(generated), "reference": str(reference), **distances.as_json(found)}
        if rendered is not None:
            facts[rendered] = heard
        out_json({**facts, "pairs": paired} if pairs else facts)
        return
    from rich.table import Table

    title = f"{found.pieces[0]} pieces against {found.pieces[1]}, vectors {found.embedding}, seed {seed}"
    table = Table(title=title, show_header=False)
    table.add_row("Fréchet distance", f"{found.frechet:.4f}")
    if found.infinite is not None:
        limit = found.infinite
        figure = f"{limit.value:.4f} [{limit.low:.4f}, {limit.high:.4f}], R² {limit.r2:.3f}"
        table.add_row("the same, extrapolated to infinitely many", figure)
    table.add_row("maximum mean discrepancy, squared", f"{found.discrepancy:.5f} (p {found.p:.3f})")
    if heard is not None:
        table.add_row(f"{rendered} of the rendered pieces", f"{heard:.5g}")
    features = Table("feature", "generated", "reference")
    for name, pair in found.features.items():
        features.add_row(name, *(f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]" for one in pair))
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


def _pairs(named: dict[Path, Score], against: dict[Path, Score], seed: int) -> dict[str, Mean]:
    """Means of `features.pairs` over the files that both folders have."""
    from symbolic_music.errors import FileError
    from symbolic_music.evaluation.features import pairs
    from symbolic_music.evaluation.statistics import mean

    both = sorted(named.keys() & against.keys())
    if not both:
        raise FileError("the folders have no file of the same name: --pairs needs some")
    rows, names = [pairs.features(named[path], against[path]) for path in both], [str(path) for path in both]
    return {metric: mean([row[metric] for row in rows], names, seed=seed) for metric in rows[0]}


def _read(folder: Path) -> dict[Path, Score]:
    """The pieces of a folder that have notes, by their paths in it."""
    from symbolic_music.errors import FileError
    from symbolic_music.io import read
    from symbolic_music.io.files import MIDI_SUFFIXES

    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder: compare takes two folders of MIDI files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    if not paths:
        raise FileError(f"{folder} has no MIDI files")
    return {path.relative_to(folder): score for path in paths if len(score := read(path))}


def _clamp3(source: str, offline: bool) -> Embedding:
    """CLaMP 3's vectors, by its name or its weights."""
    from symbolic_music.evaluation.clamp3 import REPOSITORY, clamp3_embedding, load_clamp3
    from symbolic_music.evaluation.distances import Embedding

    model = load_clamp3(REPOSITORY if source == "clamp3" else source, offline)
    return Embedding("clamp3", lambda score: clamp3_embedding(score, model))
