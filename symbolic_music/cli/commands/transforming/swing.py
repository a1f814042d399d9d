"""Play pairs of notes unevenly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions, rows_of


@examples("song.mid --share 0.62 --tracks drums -o new.mid")
@grouped
def swing(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
    share: Annotated[float, typer.Option(help="Time of the first of two notes: 0.5 is straight, 0.667 triplets.")] = 2
    / 3,
    grid: Annotated[float, typer.Option(help="Quarter notes between the notes: 0.5 is an eighth.")] = 0.5,
) -> None:
    """Delay every second note of a grid, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.swing(score, share, grid, rows), f"{len(rows):,} notes swing")
