"""A passage varied, or made busier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.where import RegionOptions, TrackOptions
from symbolic_music.cli.options.writing import WritingOptions

File = Annotated[Path, typer.Argument(help="A MIDI or notation file.")]


@grouped
def vary(
    file: File,
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    near: Annotated[float, typer.Option(help="The share of beats that stay, 0 up to and without 1.")] = 0.5,
) -> None:
    """Write some beats of regions of some tracks anew, the others stay; each alternative chooses its own."""
    regions = where.needed()
    options.check(file)
    limits, sampling = options.limits(), options.sampling()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    writing = generation.varying(
        score, regions, near, which.chosen(score), options.load(score), sampling, options.seed, options.count, limits
    )
    told = ", ".join(map(str, regions))
    options.write(writing, f"varying {told}", f" in {told}")


@grouped
def busier(
    file: File,
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    factor: Annotated[float, typer.Option(help="Times the notes in a bar that are there.")] = 1.5,
) -> None:
    """Write regions of some tracks anew with more notes in a bar than they had (see thin-out for fewer)."""
    regions = where.needed()
    options.check(file)
    limits, sampling = options.limits(), options.sampling()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    writing = generation.making_busier(
        score, regions, factor, which.chosen(score), options.load(score), sampling, options.seed, options.count, limits
    )
    told = ", ".join(map(str, regions))
    options.write(writing, f"rewriting {told}", f" in {told}")
