"""Remove some notes of a region."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions


@examples("song.mid --at bars:8-12 --tracks drums --keep 0.5 -o new.mid")
@grouped
def thin_out(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    keep: Annotated[float, typer.Option(help="The share of notes to keep, between 0 and 1.")] = 0.5,
) -> None:
    """Remove some notes in regions of some tracks; the model chooses which notes stay."""
    regions = where.needed()
    options.edit(file, "thin_out", "choosing notes", " again", regions=regions, which=which, share=keep)
