"""Other parts for given ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.writing import WritingOptions
from symbolic_music.cli.output.report import numbers


@grouped
def accompany(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    keep_tracks: Annotated[str, typer.Option(help="Tracks that stay, as 0 or 0,2; all others are written anew.")],
    options: WritingOptions,
) -> None:
    """Keep some tracks and write the others anew under them."""
    options.check(file)
    kept = numbers(keep_tracks, "--keep-tracks")
    limits, sampling = options.limits(), options.sampling()

    from symbolic_music import generation
    from symbolic_music.io import read

    writing = generation.accompanying(read(file), kept, options.load(), sampling, options.seed, options.count, limits)
    options.write(writing, "writing the other parts", f" beside tracks {', '.join(map(str, kept))}")
