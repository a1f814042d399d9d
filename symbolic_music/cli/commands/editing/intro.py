"""Add bars before the beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.groups import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.where import TrackOptions
from symbolic_music.cli.options.writing import WritingOptions


@examples("song.mid --bars 4 -o longer.mid")
@grouped
def intro(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    which: TrackOptions,
    options: WritingOptions,
    bars: Annotated[int, typer.Option("--bars", help="The number of bars.", min=1, max=256)] = 4,
) -> None:
    """Write an introduction of some bars; the piece moves back by as many."""
    options.check(file)
    limits = options.limits()

    from symbolic_music import generation
    from symbolic_music.io import read

    score = read(file)
    model = options.load(score)
    writing = generation.edit(
        score, (), which.chosen(score), model, options.sampling(model), options.seed, options.count, limits,
        verb="intro", best_of=options.best_of, count_bars=bars,
    )  # fmt: skip
    options.write(writing, model, "writing an intro", f" in {bars} bars before the beginning")
