"""Delete bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import BarOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions


@examples("song.mid --at bars:8-12 -o new.mid")
@grouped
def delete_bars(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")], which: BarOptions, options: OutputOptions
) -> None:
    """Delete bars of all tracks; later bars close the gap."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = which.first_and_last()
    options.write(score, edits.delete_bars(score, first, last), f"bars {first} to {last} deleted")
