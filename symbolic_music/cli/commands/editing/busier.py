"""Rewrite a passage with more notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.where import RegionOptions, TrackOptions
from symbolic_music.cli.options.writing import WritingOptions


@examples("song.mid --at bars:8-12 --tracks drums --factor 1.5 -o new.mid")
@grouped
def busier(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    factor: Annotated[float, typer.Option(help="Notes in a bar, as a multiple of the original.")] = 1.5,
) -> None:
    """Rewrite regions of some tracks with more notes in a bar; `thin-out` does the opposite."""
    regions = where.needed()
    options.check(file)
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    model = options.load(score)
    writing = generation.edit(
        score, regions, which.chosen(score), model, options.sampling(model), options.seed, options.count, limits,
        verb="busier", best_of=options.best_of, factor=factor,
    )  # fmt: skip
    places = ", ".join(map(str, regions))
    options.write(writing, model, f"rewriting {places}", f" in {places}")
