"""Give a region new pitches in its rhythm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions


@examples("song.mid --at bars:8-12 --tracks 1 --chords 8:Dm,10:G7 -o new.mid")
@grouped
def revoice(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
) -> None:
    """Give the notes in regions of some tracks new pitches; rhythm and velocities stay."""
    options.edit(file, "revoice", "drawing other pitches", regions=where.needed(), which=which)
