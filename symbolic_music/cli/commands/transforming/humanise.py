"""Vary onsets and velocities at random."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.common import Seed
from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions, rows_of


@examples("song.mid --seconds 0.01 --velocity 6 -o new.mid")
@grouped
def humanise(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: OutputOptions,
    seconds: Annotated[float, typer.Option(help="Standard deviation of the onsets, in seconds.")] = 0.01,
    velocity: Annotated[int, typer.Option(help="Standard deviation of the velocities.")] = 6,
    seed: Seed = 0,
) -> None:
    """Vary onsets and velocities at random, of all notes or of those in regions of some tracks."""
    from symbolic_music import edits

    score = options.read(file)
    rows = rows_of(score, where, which)
    options.write(score, edits.humanise(score, seconds, velocity, seed, rows), f"{len(rows):,} notes humanised")
