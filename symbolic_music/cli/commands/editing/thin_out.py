"""Remove some notes of a region."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.where import RegionOptions, TrackOptions
from symbolic_music.cli.options.writing import WritingOptions


@examples("song.mid --at bars:8-12 --tracks drums --keep 0.5 -o new.mid")
@grouped
def thin_out(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    keep: Annotated[float, typer.Option(help="The share of notes to keep, between 0 and 1.")] = 0.5,
) -> None:
    """Remove some notes in regions of some tracks; the model chooses which notes stay."""
    regions = where.needed()
    options.check(file)
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    tracks = which.chosen(score)
    model, count = options.load(score, thins=True), options.count
    session = generation.edit(
        score, regions, tracks, model, options.sampling(model), options.seed, count, limits,
        verb="thin_out", best_of=options.best_of, share=keep,
    )  # fmt: skip
    options.write(session, model, "choosing notes", " again")
