"""Rewrite a region of a piece."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.editing_verbs import WritingOptions
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.many_files import ManyFilesOptions
from symbolic_music.cli.options.region_and_tracks import RegionOptions, TrackOptions


@examples(
    "song.mid --at bars:8-12 --tracks bass,drums -o new.mid",
    "song.mid --at 30s-45s --scale 'D minor' --count 4 --rank -o new.mid",
    "songs/*.mid --at bars:9-12 --tracks bass --workers 2 --out new",
)
@grouped
def infill(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="MIDI or notation files; of several, --out is a folder.")
    ],
    where: RegionOptions,
    which: TrackOptions,
    options: WritingOptions,
    many: ManyFilesOptions,
    fill: Annotated[
        bool, typer.Option("--fill", help="Write only into bars in which these tracks are silent.")
    ] = False,
) -> None:
    """Rewrite regions of some tracks; everything else stays as it is."""
    regions = where.needed()
    verb: Literal["fill", "infill"] = "fill" if fill else "infill"
    if len(files) > 1 or options.output.is_dir():
        many.edit(files, which, options, regions=regions, verb=verb)
        return
    places = ", ".join(map(str, regions))
    options.edit(files[0], verb, f"rewriting {places}", f" in {places}", regions=regions, which=which)
