"""Rewrite a region of a piece."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.where import RegionOptions, TrackOptions
from symbolic_music.cli.options.writing import WritingOptions


@examples(
    "song.mid --at bars:8-12 --tracks bass,drums -o new.mid",
    "song.mid --at 30s-45s --scale 'D minor' --count 4 --rank -o new.mid",
)
@grouped
def infill(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Allow an empty result where the region had notes.")
    ] = False,
    fill: Annotated[
        bool, typer.Option("--fill", help="Write only into bars in which these tracks are silent.")
    ] = False,
) -> None:
    """Rewrite regions of some tracks; everything else stays as it is."""
    regions = where.needed()
    options.check(file)
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    tracks = which.chosen(score)
    model, count = options.load(score), options.count
    verb: Literal["fill", "infill"] = "fill" if fill else "infill"
    session = generation.edit(
        score, regions, tracks, model, options.sampling(model), options.seed, count, limits,
        verb=verb, allow_empty=allow_empty,
    )  # fmt: skip
    places = ", ".join(map(str, regions))
    options.write(session, f"rewriting {places}", f" in {places}")
