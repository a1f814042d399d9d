"""Rewrite a passage with more notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions


@examples("song.mid --at bars:8-12 --tracks drums --factor 1.5 -o new.mid")
@grouped
def busier(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    factor: Annotated[float, typer.Option(help="Notes in a bar, as a multiple of the original.")] = 1.5,
) -> None:
    """Rewrite regions of some tracks with more notes in a bar; `thin-out` does the opposite."""
    regions = where.needed()
    places = ", ".join(map(str, regions))
    options.edit(file, "busier", f"rewriting {places}", f" in {places}", regions=regions, which=which, factor=factor)
