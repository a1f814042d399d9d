"""Add a track."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions


@examples("song.mid --program 33 -o with-bass.mid", "song.mid --program 48 --at bars:9-16 -o with-strings.mid")
@grouped
def add_track(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    options: WritingOptions,
    program: Annotated[
        int | None,
        typer.Option(help="The program of the new track: 0 to 127, 128 is drums; by default that of its role."),
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="Its role: bass, pad, lead, drums or counter (a second melody).")
    ] = None,
) -> None:
    """Add a track over the whole piece or over regions; everything else stays as it is."""
    if program is None and role is None:
        raise typer.BadParameter("name --program or --role")
    doing, regions = "writing one more track", where.regions()
    options.edit(file, "add_track", doing, regions=regions, program=program, role=role)
