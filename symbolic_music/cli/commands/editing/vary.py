"""Rewrite some beats of a passage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions


@examples("song.mid --at bars:8-12 --tracks 1 --near 0.7 -o new.mid")
@grouped
def vary(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    near: Annotated[float, typer.Option(help="The share of beats that stay, from 0 to under 1.")] = 0.5,
) -> None:
    """Rewrite some beats in regions of some tracks; each alternative chooses other beats."""
    regions = where.needed()
    places = ", ".join(map(str, regions))
    options.edit(file, "vary", f"varying {places}", f" in {places}", regions=regions, which=which, near=near)
