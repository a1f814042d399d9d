"""Copy bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symbolic_music.cli.options.dataclass_options import grouped
from symbolic_music.cli.options.help_page import examples
from symbolic_music.cli.options.region_and_tracks import BarOptions
from symbolic_music.cli.options.transforming_verbs import OutputOptions


@examples("song.mid --at bars:8-12 --before 20 -o new.mid")
@grouped
def copy_bars(
    file: Annotated[Path, typer.Argument(help="A MIDI or notation file.")],
    which: BarOptions,
    options: OutputOptions,
    before: Annotated[
        int | None, typer.Option(help="Insert the copy before this bar; by default, directly after the original.")
    ] = None,
    times: Annotated[int, typer.Option(help="Number of copies.")] = 1,
) -> None:
    """Copy bars of all tracks; later bars move back."""
    from symbolic_music import edits

    score = options.read(file)
    first, last = which.first_and_last()
    options.write(score, edits.copy_bars(score, first, last, before, times), f"bars {first} to {last} copied")
