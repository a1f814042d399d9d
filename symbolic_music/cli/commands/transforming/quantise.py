"""Move onsets towards a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions, rows_of


@examples("take.mid --grid 0.25 --strength 0.8 -o new.mid")
@grouped
def quantise(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
    grid: Annotated[float, typer.Option(help="Quarter notes between grid lines: 0.25 is a sixteenth.")] = 0.25,
    strength: Annotated[float, typer.Option(help="How far to move each note, 0 to 1.")] = 1.0,
    ends: Annotated[bool, typer.Option("--ends", help="Move the ends of notes as well.")] = False,
) -> None:
    """Move onsets towards a grid, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.quantise(score, grid, strength, rows, ends), f"{len(rows):,} notes quantised")
