"""Compare two folders of pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbolic_music.cli.output.report import Json, Seed, out_json, show, working

if TYPE_CHECKING:
    from symbolic_music.score import Score


def compare(
    generated: Annotated[Path, typer.Argument(help="A folder of MIDI files.")],
    reference: Annotated[Path, typer.Argument(help="A folder of reference MIDI files.")],
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure distances between two folders of pieces, and compare their features."""
    from symbolic_music.evaluation import distances

    first, second = _read(generated), _read(reference)
    with working("comparing") as progress:
        found = distances.compare(first, second, seed, progress)
    if as_json:
        out_json({"generated": str(generated), "reference": str(reference), **distances.as_json(found)})
        return
    from rich.table import Table

    title = f"{found.pieces[0]} pieces against {found.pieces[1]}, vectors {found.embedding}, seed {seed}"
    table = Table(title=title, show_header=False)
    table.add_row("Fréchet distance", f"{found.frechet:.4f}")
    if found.infinite is not None:
        limit = found.infinite
        told = f"{limit.value:.4f} [{limit.low:.4f}, {limit.high:.4f}], R² {limit.r2:.3f}"
        table.add_row("the same, extrapolated to infinitely many", told)
    table.add_row("maximum mean discrepancy, squared", f"{found.discrepancy:.5f} (p {found.p:.3f})")
    features = Table("feature", "generated", "reference")
    for name, pair in found.features.items():
        features.add_row(name, *(f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]" for one in pair))
    overlaps = Table("feature", "distance between", "within reference", "overlapped area", "divergence")
    for name, one in found.overlaps.items():
        values = (one.between, one.within_second, one.overlap, one.divergence)
        overlaps.add_row(name, *(f"{value:.4g}" for value in values))
    show(table, features, overlaps)


def _read(folder: Path) -> list[Score]:
    """The pieces of a folder that have notes."""
    from symbolic_music.errors import FileError
    from symbolic_music.io import read
    from symbolic_music.io.files import MIDI_SUFFIXES

    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder: compare takes two folders of MIDI files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI_SUFFIXES)
    if not paths:
        raise FileError(f"{folder} has no MIDI files")
    return [score for score in map(read, paths) if len(score)]
