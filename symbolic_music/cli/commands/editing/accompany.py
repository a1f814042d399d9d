"""Rewrite all but some tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.writing import WritingOptions
from symbolic_music.cli.output.report import numbers


@examples("melody.mid --keep-tracks 0 -o four-voices.mid")
@grouped
def accompany(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    keep_tracks: Annotated[str, typer.Option(help="Tracks to keep, as 0 or 0,2; all others are rewritten.")],
    options: WritingOptions,
    side: Annotated[
        Literal["below", "above"] | None, typer.Option(help="Of the kept tracks, where the new notes lie.")
    ] = None,
) -> None:
    """Keep some tracks and rewrite all others as their accompaniment."""
    options.check(file)
    kept = numbers(keep_tracks, "--keep-tracks")
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    model = options.load(score)
    count = options.count
    session = generation.edit(
        score, (), kept, model, options.sampling(model), options.seed, count, limits,
        verb="accompany", side=side, best_of=options.best_of,
    )  # fmt: skip
    options.write(session, model, "writing the other parts", f" for tracks {', '.join(map(str, kept))}")
